"""The tables of README.md and the tool that writes them."""

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import readme_tables

    yield readme_tables
    del sys.modules["readme_tables"]


def test_the_tables_are_those_of_today(tool):
    text = (ROOT / "README.md").read_text()
    assert tool.updated(text) == text, "run: python tools/readme_tables.py"
    assert "| `ResNet18` | 2015 | 11,689,512 | 1,814,073,344 | 30.43 % / 10.76 % |" in text
    assert "| `GoogLeNet` | 2014 | 6,998,552 |" in text  # without auxiliary classifiers


def test_a_table_that_is_out_of_date_is_seen(tool):
    text = (ROOT / "README.md").read_text()
    assert tool.updated(text.replace("11,689,512 | 1,814", "11,689,513 | 1,814")) == text


def test_ours_is_a_time_and_others_are_compared_with_it(tool, tmp_path, monkeypatch):
    found = {"minicnn": {"version": "1", "milliseconds": 12.345, "times_minicnn": 1.0}, "torch": {"version": "2+cpu", "milliseconds": 24.69, "times_minicnn": 2.0}}
    monkeypatch.setattr(tool, "PEERS", tmp_path / "peers.json")
    (tmp_path / "peers.json").write_text(json.dumps({"machine": "m", "networks": {"n": found}}))
    assert tool.speed() == "| a training step, m | minicnn 1 | PyTorch 2 |\n|---|--:|--:|\n| n | 12.3 ms | 2 x |\n"


def test_the_range_beside_pytorch_is_that_of_the_benchmarks():
    rows = [[cell.strip() for cell in line.split("|")] for line in (ROOT / "docs" / "benchmarks" / "README.md").read_text().splitlines()]
    best = [float(row[11]) for row in rows if len(row) > 13 and row[4] == "train" and row[11]]
    assert f"{min(best):.2f} to {max(best):.2f} times PyTorch's speed in training" in " ".join((ROOT / "README.md").read_text().split())
