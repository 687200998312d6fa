"""The pictures in docs/images/drawn are what tools/draw_pictures.py draws, and can be read in light and dark."""

import re
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from minicnn import Tensor, ops

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "docs" / "images" / "drawn"
NAMES = sorted(path.stem for path in KEPT.glob("*.svg"))


@pytest.fixture(scope="module")
def tool():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "tools"))
        import draw_pictures

        yield draw_pictures


@pytest.fixture(scope="module")
def drawn(tool, tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    tool.write(list(tool.PICTURES), folder)
    return folder


def test_every_picture_is_kept_and_every_file_is_drawn(tool):
    assert sorted(tool.PICTURES) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_file_is_what_the_tool_draws(drawn, name):
    assert (drawn / f"{name}.svg").read_bytes() == (KEPT / f"{name}.svg").read_bytes(), "run `python tools/draw_pictures.py`"


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_small_well_formed_and_alone(name):
    text = (KEPT / f"{name}.svg").read_text()
    assert len(text.encode()) < 60_000
    root = ET.fromstring(text)
    assert float(root.get("width")) <= 720
    assert root.get("aria-label")
    assert not {"script", "image", "animate", "set", "foreignObject"} & {element.tag.partition("}")[2] for element in root.iter()}
    assert "http" not in text.replace('xmlns="http://www.w3.org/2000/svg"', "")


@pytest.mark.parametrize("name", NAMES)
def test_what_moves_has_a_name_of_its_own_and_can_stand_still(name):
    text = (KEPT / f"{name}.svg").read_text()
    keyframes = re.findall(r"@keyframes ([\w-]+)", text)
    assert all(frame.startswith(f"{name}-") for frame in keyframes)
    assert set(re.findall(r"animation: ([\w-]+) \d", text)) == set(keyframes)
    assert ("prefers-reduced-motion" in text) == bool(keyframes)


@pytest.mark.parametrize("name", NAMES)
def test_words_stay_inside_and_are_not_tiny(name):
    """By a guess of their width, as no font is the same everywhere: 0.56 of its size for a letter."""
    root = ET.parse(KEPT / f"{name}.svg").getroot()
    sizes = [float(size) for size in re.findall(r"font(?:-size)?: (?:600 )?([\d.]+)px", (KEPT / f"{name}.svg").read_text())]
    assert min(sizes) >= 10.5
    for x, words, classes in texts(root):
        width = 0.56 * (10.5 if "small" in classes else 12) * len(words)
        left = x - {"left": 0, "right": width}.get(next(iter({"left", "right"} & set(classes)), ""), width / 2)
        assert left >= -4, words
        assert left + width <= float(root.get("width")) + 4, words


def texts(element, x=0.0):
    """(x, words, classes) of every text, with the groups around it moved."""
    for child in element:
        tag = child.tag.partition("}")[2]
        if tag == "text":
            yield x + float(child.get("x")), child.text or "", child.get("class", "").split()
        elif tag == "g":
            moved = re.search(r"translate\((-?[\d.]+)", child.get("transform", ""))
            yield from texts(child, x + (float(moved[1]) if moved else 0))


def test_indices_are_read_out_of_the_cuda_source(tool):
    from pictures import cuda_source, threads

    assert cuda_source.evaluate("(long long)t / n % 3", {"t": 17, "n": 2}) == 2
    assert cuda_source.evaluate("a == 1 ? b : 7", {"a": 1, "b": 5}) == 5
    assert cuda_source.evaluate("unknown + 1", {}) is None
    kernel, s = cuda_source.Kernel("conv_ladder.cu", "naive_forward"), threads.SHAPE
    for t in range(s.N * s.P * s.Q * s.O):
        at = kernel.constants(t=t, s=s, i=2, j=1)
        assert (at["n"], at["p"], at["q"], at["o"]) == np.unravel_index(t, (s.N, s.P, s.Q, s.O))
        assert (at["r"], at["column"]) == (at["p"] + 2, at["q"] + 1)
        assert kernel.address("w", s=s, c=0, i=2, j=1, o=at["o"]) == np.ravel_multi_index((at["o"], 2, 1, 0), (s.O, s.kh, s.kw, s.C))


def test_the_command_knows_its_pictures(tool, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["draw_pictures.py", "convolution", "--folder", str(tmp_path / "new")])
    tool.main()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["convolution.svg"]
    monkeypatch.setattr(sys, "argv", ["draw_pictures.py", "mona_lisa"])
    with pytest.raises(SystemExit):
        tool.main()
    assert "there is no picture mona_lisa; there are convolution" in capsys.readouterr().err


def test_the_window_of_a_convolution_is_where_its_result_is():
    drawing = (KEPT / "convolution.svg").read_text()
    window, result = (re.findall(r"translate\((\d+)px, (\d+)px\)", re.search(rf"@keyframes convolution-{name} {{(.*)}}", drawing)[1]) for name in ("window", "result"))
    stride = 2  # in cells of equal size
    assert len(set(window)) == 9
    assert [(stride * int(x), stride * int(y)) for x, y in result] == [(int(x), int(y)) for x, y in window]
    x = np.array([[0, 0, 1, 2, 2], [0, 1, 2, 3, 2], [0, 1, 3, 3, 1], [1, 2, 3, 1, 0], [2, 3, 2, 0, 0]], float)
    y = ops.conv2d(Tensor(x[None, None]), Tensor(np.array([[[[1.0, 0, -1], [2, 0, -2], [1, 0, -1]]]])), stride=2, padding=1).numpy()[0, 0]
    assert {(int(p), int(q)): int(v.replace("−", "-")) for p, q, v in re.findall(r"y\[(\d), (\d)\] = (−?\d+)", drawing)} == {(p, q): y[p, q] for p, q in np.ndindex(3, 3)}
