"""`minicnn draw`."""

import re
import xml.etree.ElementTree as ET


def test_a_picture_is_written_and_its_place_is_said(minicnn, tmp_path):
    code, out, _ = minicnn("draw", "lenet5", "-o", str(tmp_path / "net.svg"), "--input", "1x28x28")
    assert (code, out.strip()) == (2, "")  # LeNet-5 takes 32x32 pixels only
    code, out, _ = minicnn("draw", "resnet18", "-o", str(tmp_path / "net.svg"), "--input", "3x96x96")
    assert (code, out.strip()) == (0, str(tmp_path / "net.svg"))
    texts = [element.text for element in ET.parse(tmp_path / "net.svg").iter("{http://www.w3.org/2000/svg}text")]
    assert texts[0] == "ResNet18"
    assert "512 x 3 x 3" in texts


def test_a_part_and_a_depth(minicnn, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert minicnn("draw", "SEResNet50", "--block", "layer1.0", "--depth", "0")[1] == "SEResNet50-layer1.0.svg\n"
    assert "SEResNet50: layer1.0" in (tmp_path / "SEResNet50-layer1.0.svg").read_text()
    assert minicnn("draw", "LeNet5", "-o", "NET.SVG")[1] == "NET.SVG\n"


def test_the_cells_of_a_string_or_the_network_that_is_stacked_of_them(minicnn, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = minicnn("draw", "CELLS sep3:0+id:1 / max3:0+max3:1")
    assert code == 0
    assert re.fullmatch(r"cells-[0-9a-f]{6}\.svg\n", out)
    picture = (tmp_path / out.strip()).read_text()
    assert "reduction cell: halves the image" in picture
    assert "2: sum" in picture
    code, out, _ = minicnn("draw", "cells sep3:0+id:1 / max3:0+max3:1", "--input", "1x28x28", "-o", "net.svg")
    assert (code, out) == (0, "net.svg\n")
    assert "input 1 x 28 x 28" in (tmp_path / "net.svg").read_text()
    code, out, _ = minicnn("draw", "chain 3x3x8 3x3x8/2+0", "--block", "layers.1")
    assert re.fullmatch(r"chain-[0-9a-f]{6}-layers\.1\.svg\n", out)


def test_what_is_wrong_is_one_sentence(minicnn, tmp_path):
    for options, said in (
        (("ResNet19",), "unknown model 'ResNet19'"),
        (("ResNet18", "--block", "layer9"), "ResNet has no layer 'layer9'"),
        (("ResNet18", "--block", ""), "architecture: block must be the path of a part, such as 'layer1.0', not ''"),
        (("ResNet18", "-o", "."), "drawing.save writes a file, and '.' is a folder: give a name in it, such as 'net.svg'"),
        (("ResNet18", "--depth", "-1"), "architecture: depth must be an integer >= 0, not -1"),
        (("ResNet18", "-o", str(tmp_path / "a.png")), "drawing.save writes SVG: give a name that ends in .svg, not 'a.png'"),
        (("ResNet18", "--input", "3x224"), "must be CxHxW such as 3x224x224, not '3x224'"),
    ):
        code, _, error = minicnn("draw", *options)
        assert code == 2
        assert said in error
        assert error.count("\n") == 1
