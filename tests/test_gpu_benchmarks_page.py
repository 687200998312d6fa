"""docs/benchmarks/README.md and the tool that makes it."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from minicnn.bench.gpu import convs, report
from minicnn.bench.workload import Workload

ROOT = Path(__file__).resolve().parents[1]
MACHINE = {"gpu": "NVIDIA H200", "minicnn": "1.0", "torch": "2.11.0", "date": "2026-11-26 10:00 UTC"}
PEAKS = {"bytes": 4e12, "fp32": 5e13, "tf32": 3e14, "bf16": 7e14}


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import gpu_benchmarks_page

    return gpu_benchmarks_page


def heat(name, style, rival, speed, reserved, **changes):
    spread = {"median": speed, "min": speed, "max": speed}
    plain = {"error": "", "note": "", "deviation": 1e-4, "deviates": False, "memory": {"reserved": reserved}, "images_per_second": spread}
    return {"name": name, "style": style, "is_rival": rival, **plain, **changes}


def row(precision, speed=900.0, **changes):
    heats = [heat("minicnn", "eager", False, speed, 3e9), heat("torch", "eager", True, 1000.0, 4e9, deviation=None)]
    final = {"own": "minicnn", "rival": "torch", "error": "", "ratio": {"median": speed / 1000, "min": 0.8, "max": 1.0}}
    shape = {"model": "ResNet18", "input": [3, 224, 224], "batch_size": 64, "mode": "train"}
    return {**shape, "precision": precision, "error": "", "heats": heats, "finals": [final], **changes}


def run(*rows, **machine):
    return {"machine": {**MACHINE, **machine}, "settings": {"rounds": 7}, "rows": list(rows)}


def layers():
    (conv, count), *_ = convs.convolutions(Workload("LeNet5", (1, 32, 32), 64, "train"))
    passes = [convs.Timed(conv, count, "bf16", direction, own=2e-6, rival=1e-6) for direction in convs.PASSES]
    return {"machine": MACHINE, "peaks": PEAKS, "networks": [{"workload": "LeNet5 64x1x32x32 train", "passes": [p.as_dict(PEAKS) for p in passes]}]}


def test_before_anything_is_measured_the_page_says_so(tool):
    text = tool.page([])
    assert "**Not measured yet.**" in text
    assert "|" not in text
    assert "for 5 rounds" in text


def test_figures_and_what_went_wrong(tool):
    failed = row("bf16", finals=[], heats=[heat("minicnn", "eager", False, 1.0, 0, error="OutOfMemoryError: no room", images_per_second=None)])
    text = tool.page([json.loads(json.dumps(run(row("fp32"), failed)))])
    assert "Not measured" not in text
    assert "- NVIDIA H200, minicnn 1.0, PyTorch 2.11.0, 2026-11-26 10:00 UTC" in text
    assert "| ResNet18 | 3x224x224 | 64 | train | fp32 | 900 |  | 1,000 |  | 0.90 |  | 0.90 | 3.00 | 4.00 | 0.75 | 1e-04 |" in text
    assert "- ResNet18 3x224x224 64 train bf16: minicnn: OutOfMemoryError: no room" in text
    assert "for 7 rounds" in text


def test_files_of_one_gpu_make_one_table_in_which_the_last_counts(tool):
    text = tool.page([run(row("fp32"), row("bf16")), run(row("fp32", 500.0)), run(row("fp32"), gpu="NVIDIA H100")])
    assert text.count("## Networks on NVIDIA H200") == text.count("## Networks on NVIDIA H100") == 1
    assert text.count("| fp32 | 500 |") == 1
    assert text.count("| fp32 | 900 |") == 1
    assert text.count("| bf16 | 900 |") == 1


def test_convolutions(tool):
    text = tool.page([json.loads(json.dumps(layers()))])
    assert "## Convolutions of LeNet5 64x1x32x32 train on NVIDIA H200" in text
    assert "a copy 4.00 TB/s" in text
    assert "- all together, bf16 forward: minicnn 0.00 ms, cuDNN 0.00 ms, ratio 0.50, limit 0.00 ms" in text
    line = next(line for line in text.splitlines() if line.startswith("1x32x32 -> 6, 5x5") and "weight gradient" in line)
    operations = 2 * 64 * 28 * 28 * 6 * 25
    least = max(operations / 7e14, 2 * (64 * 32 * 32 + 6 * 25 + 64 * 6 * 28 * 28) / 4e12)
    shares = [f"{100 * least / seconds:.0f} %" for seconds in (2e-6, 1e-6)]
    speeds = [f"{operations / seconds / 1e12:.1f}" for seconds in (2e-6, 1e-6)]
    assert line.split() == ["1x32x32", "->", "6,", "5x5", "1", "bf16", "weight", "gradient", "2.0", "1.0", "0.50", *speeds, *" ".join(shares).split()]


def test_what_is_missing_is_listed(tool):
    text = tool.page([run(row("fp32"), row("tf32", finals=[]))])
    assert "- NVIDIA H200: ResNet18 64x3x224x224 train, tf32, bf16\n" in text
    assert "- NVIDIA H200: ResNet20 128x3x32x32 train, fp32, tf32, bf16\n" in text
    assert "- the convolutions of ResNet50" in text
    assert "- the convolutions of ResNet50" not in tool.page([layers()])


def test_passes_come_back_from_json():
    (one, *_) = layers()["networks"][0]["passes"]
    back = convs.Timed.from_dict(json.loads(json.dumps(one)))
    assert asdict(back) == {key: one[key] for key in asdict(back)}


def test_the_page_follows_its_template():
    """Who edits the page by hand loses it: the words belong into the template."""
    page = (ROOT / "docs" / "benchmarks" / "README.md").read_text().splitlines()
    fixed = [line for line in (ROOT / "tools" / "gpu_benchmarks_template.md").read_text().splitlines() if "$" not in line]
    missing = [line for line in fixed if line not in page]
    assert not missing, f"the template has lines that the page lacks; run `python tools/gpu_benchmarks_page.py`: {missing[:3]}"


def test_the_command_line(tool, tmp_path, monkeypatch):
    source, target = tmp_path / "bench.json", tmp_path / "page.md"
    source.write_text(json.dumps(run(row("tf32"))))
    monkeypatch.setattr(sys, "argv", ["gpu_benchmarks_page.py", str(source), "--out", str(target)])
    tool.main()
    assert "| tf32 | 900 |" in target.read_text()


def test_the_head_names_every_column(tool):
    assert len(tool.HEAD) == len(report.HEAD) == len(report.cells(row("fp32")))


def test_the_page_is_what_the_tool_makes_of_the_figures(tool):
    figures = [json.loads((ROOT / "docs" / "benchmarks" / name).read_text()) for name in ("h200.json", "h200_more_rows.json")]
    made_by = "python tools/gpu_benchmarks_page.py docs/benchmarks/h200.json docs/benchmarks/h200_more_rows.json"
    assert (ROOT / "docs" / "benchmarks" / "README.md").read_text() == tool.page(figures), made_by
