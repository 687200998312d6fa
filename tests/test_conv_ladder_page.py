"""docs/conv_ladder.md has the figures of docs/benchmarks/ladder.json, or says that there are none."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from minicnn.bench import ladder
from minicnn.bench.gpu.convs import PASSES

ROOT = Path(__file__).resolve().parents[1]
PAGE, KEPT = ROOT / "docs" / "conv_ladder.md", ROOT / "docs" / "benchmarks" / "ladder.json"


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import conv_ladder_page

    return conv_ladder_page


def found():
    """Two convolutions; rung k takes 2^-k ms of the first, twice that of the second."""
    convs = []
    for n, conv in enumerate(ladder.convolutions()[:2]):
        done = [ladder.Climbed(r, dict.fromkeys(PASSES, (1 + n) * 2.0**-r.number / 1e3), dict.fromkeys(PASSES, 1e-7)).as_dict() for r in ladder.RUNGS]
        convs.append({"label": conv.label, "operations": 1e9, "rungs": done})
    return {"gpu": "NVIDIA Z80", "date": "2026-01-01", "minicnn": "1", "batch": 32, "peaks": {"fp32": 6.7e13}, "convs": convs}


def test_the_page_has_the_figures_that_are_kept(tool):
    text = PAGE.read_text()
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else None
    assert tool.page(text, kept) == text, "run `python tools/conv_ladder_page.py`"


def test_without_figures_the_page_says_so(tool):
    page = tool.page(PAGE.read_text(), None)
    assert page.count(tool.NOT_YET) == 1
    assert tool.page(page, None) == page


def test_the_tables(tool):
    page = tool.page(PAGE.read_text(), found())
    assert tool.NOT_YET not in page
    assert "Measured on NVIDIA Z80, 2026-01-01, minicnn 1, 2 convolutions of ResNet, batch 32. At its highest clock it could do: fp32 67 TFLOP/s." in page
    assert "| 1 | `naive` | fp32 | 1.50 |  | 1.50 |  | 1.50 |  |" in page
    assert "| 6 | `tensor` | bf16 | 0.05 | 2.00 | 0.05 | 2.00 | 0.05 | 2.00 |" in page
    assert "| 5 | `implicit` | fp32 | 32.0 | 16.0 |" in page
    assert page.endswith(PAGE.read_text().partition(tool.END)[2])
    assert tool.page(page, found()) == page


def test_a_rung_without_figures_and_one_that_is_wrong(tool):
    given = found()
    del given["convs"][1]["rungs"][3]["seconds"]["forward"]
    given["convs"][0]["rungs"][2] |= {"right": False, "error": ""}
    given["convs"][1]["rungs"][3] |= {"right": False, "error": "out of memory"}
    section = tool.section(given)
    assert "| 4 | `registers` | fp32 |  |  | 0.19 | 2.00 | 0.19 | 2.00 |" in section
    assert "- 3x224x224 -> 64, 7x7/2: 3 `tiled` fp32: not what the first rung gives" in section
    assert "- 64x56x56 -> 64, 3x3: 4 `registers` fp32: out of memory" in section


def test_the_tool_writes_the_page_and_keeps_the_figures(tool, tmp_path, monkeypatch):
    (tmp_path / "benchmarks").mkdir()
    shutil.copy(PAGE, tmp_path)
    (tmp_path / "new.json").write_text(json.dumps(found()))
    monkeypatch.setattr(sys, "argv", ["conv_ladder_page.py", str(tmp_path / "new.json"), "--docs", str(tmp_path)])
    tool.main()
    assert json.loads((tmp_path / "benchmarks" / "ladder.json").read_text()) == found()
    assert "NVIDIA Z80" in (tmp_path / "conv_ladder.md").read_text()
    monkeypatch.setattr(sys, "argv", ["conv_ladder_page.py", "--docs", str(tmp_path)])
    before = (tmp_path / "conv_ladder.md").read_text()
    tool.main()
    assert (tmp_path / "conv_ladder.md").read_text() == before
