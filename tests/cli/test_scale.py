"""`minicnn scale MODEL --phi X`."""

import pytest

from minicnn import models, use_backend
from minicnn.analysis import summarize


def test_before_and_after_stand_side_by_side(minicnn):
    code, out, err = minicnn("scale", "resnet18", "--phi", "1")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert [line.split() for line in lines[:1]] == [["phi", "=", "0", "phi", "=", "1"]]
    assert lines[1].split("  ")[0] == "depths"
    assert "(2, 2, 2, 2)   (2, 2, 3, 3)" in lines[1]
    assert lines[2].split() == ["width", "64", "72"]
    assert lines[3].split("  ")[-1].strip() == "256 x 256"
    assert len({len(line) for line in lines[:6]}) == 1
    assert "asked for 1.92 times the multiply-adds (2^phi is 2), obtained 2.06" in out


def test_the_numbers_are_those_of_the_network_that_the_last_line_builds(minicnn):
    out = minicnn("scale", "MobileNetV1", "--phi", "-1", "--image-size", "128")[1]
    assert next(line for line in out.splitlines() if line.startswith("image")).split() == ["image", "128", "x", "128", "96", "x", "96"]  # 111, in steps of 32
    line = out.splitlines()[-1]
    assert line.endswith("  # for images of 96 x 96")
    assert line.startswith('net = models.create("MobileNetV1", depths=')
    with use_backend("meta"):
        summary = summarize(eval(line.removeprefix("net = "), {"models": models}), (3, 96, 96))
    assert f"{summary.parameters:,}" in out
    assert f"{summary.macs:,}" in out


def test_multipliers_can_be_read(minicnn):
    assert 'net = models.create("EfficientNetB0", depth=1.728, width=1.331)  # for images of 341 x 341' in minicnn("scale", "EfficientNetB0", "--phi", "3")[1]


def test_other_ratios(minicnn):
    out = minicnn("scale", "ResNet20", "--phi", "1", "--alpha", "1.4", "--beta", "1", "--gamma", "1")[1]
    assert "depth                  20          26" in out
    assert "width                  16          16" in out
    assert "asked for 1.4 times" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["GoogLeNet"], "scale: GoogLeNet does not take both a depth and a width that could be multiplied; these families do: VGG, "),
        (["ResNet18", "--phi", "40"], "scale: phi must be a number from -10 to 10, not 40"),
        (["ResNet18", "--gamma", "0.5"], "scale: gamma must be a finite number >= 1, not 0.5"),
        (["ResNet18", "--image-size", "none"], "argument --image-size: must be an integer >= 1, not 'none'"),
        ([], "the following arguments are required: MODEL"),
    ],
)
def test_wrong_input_ends_in_one_sentence(minicnn, arguments, message):
    code, out, err = minicnn("scale", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"minicnn: {message}")
    assert err.count("\n") == 1
