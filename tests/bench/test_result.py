"""Medians, ratios, and what goes into JSON."""

import json
from dataclasses import replace

import pytest

from minicnn.bench.memory import Memory
from minicnn.bench.report import Table
from minicnn.bench.result import Report, Row, Spread, as_dict, measurement
from minicnn.bench.turns import Timing
from minicnn.bench.workload import Workload

WORKLOAD = Workload("LeNet5", (1, 32, 32), 12, "train")
SETTINGS = {"rounds": 3, "seconds": 0.3, "pause": 0.05}
MACHINE = {"processor": "Z80", "threads": 1000, "python": "3.11", "numpy": "2.4", "numba": None}


def row(memory=None, **rounds):
    """Of the seconds per step in each round; whose name begins with torch is a rival."""
    parts = (measurement(name, name.startswith("torch"), Timing(9.0, tuple(figures)), 12, memory) for name, figures in rounds.items())
    return Row(WORKLOAD, tuple(parts))


def test_images_per_second_are_the_batch_over_the_time_of_a_step():
    (m,) = row(numba=[2, 1, 4]).measurements
    assert m.images_per_second == Spread(median=6, min=3, max=12)


def test_an_even_number_of_rounds():
    assert Spread.of([1.0, 2.0, 4.0, 8.0]) == Spread(3.0, 1.0, 8.0)


def test_the_ratio_is_above_1_for_the_faster_one():
    assert row(numba=[1, 1], torch=[2, 2]).ratio("numba") == Spread(2, 2, 2)
    assert row(numba=[4, 4], torch=[2, 2]).ratio("numba") == Spread(0.5, 0.5, 0.5)


def test_the_ratio_is_taken_round_by_round():
    """A machine that is three times as slow in one round and ten times in another does not change it."""
    assert row(numba=[1, 3, 10], torch=[0.5, 1.5, 5]).ratio("numba") == Spread(0.5, 0.5, 0.5)
    # Ratio of the medians: 2 / 3. Ratios: 4, 0.5, 1.
    assert row(numba=[1, 6, 3], torch=[4, 3, 3]).ratio("numba") == Spread(1, 0.5, 4)


def test_the_best_layout_counts_and_is_the_same_in_all_rounds():
    both = row(numba=[1, 1, 1], torch=[1, 9, 9], **{"torch channels-last": [2, 2, 2]})
    assert both.best_rival.name == "torch channels-last"
    assert both.ratio("numba") == Spread(2, 2, 2)
    assert row(numba=[1]).ratio("numba") is None


def test_json_has_everything():
    report = Report(MACHINE, SETTINGS, (row(Memory(100, 300), numba=[2, 1, 4], torch=[1, 1, 1]),))
    found = json.loads(json.dumps(report.as_dict()))
    assert found["machine"] == MACHINE
    assert found["settings"] == SETTINGS
    (only,) = found["rows"]
    assert {key: only[key] for key in ("model", "input", "batch_size", "mode", "best_rival")} == {
        "model": "LeNet5", "input": [1, 32, 32], "batch_size": 12, "mode": "train", "best_rival": "torch",
    }  # fmt: skip
    assert only["contenders"][0] == {
        "name": "numba",
        "images_per_second": {"median": 6, "min": 3, "max": 12},
        "seconds_per_step": {"median": 2, "min": 1, "max": 4, "rounds": [2, 1, 4]},
        "first_step_seconds": 9,
        "ratio": {"median": 0.5, "min": 0.25, "max": 1},
        "memory": {"imports": 100, "peak": 300, "above_imports": 200},
    }
    assert only["contenders"][1]["ratio"] is None


def test_without_rivals_and_memory_json_has_nulls():
    found = as_dict(row(numba=[1]))
    assert (found["best_rival"], found["contenders"][0]["ratio"], found["contenders"][0]["memory"]) == (None, None, None)


@pytest.mark.parametrize("memory", [None, Memory(100_000_000, 300_000_000)])
def test_the_table_lines_up(memory):
    names = ("numba", "numpy", "torch", "torch channels-last")
    measured = row(memory, **{name: [2, 1, 4] for name in names})
    table = Table([WORKLOAD], names, names[:2], memory is not None)
    line = table.line(measured)
    assert len(line) == len(table.head)
    for text in ("LeNet5", "1x32x32", "12", "train", "6.0 ±75%", "1.00 ±0%", *(["300 (200)"] if memory else [])):
        assert text in line
    notes = "\n".join(table.notes(Report(MACHINE, SETTINGS, (measured,))))
    assert "above 1 minicnn is faster" in notes
    assert ("in brackets" in notes) == (memory is not None)
    assert "Z80, 1000 threads; python 3.11, numpy 2.4" in notes
    assert "WARNING" not in notes


def test_a_machine_that_others_use_is_warned_of():
    table = Table([WORKLOAD], ["numba"], ["numba"], False)
    rows = tuple(replace(row(numba=[1]), elsewhere=used) for used in (None, 0.0, 1.26))
    assert "other programs used up to 1.3 processors" in "\n".join(table.notes(Report(MACHINE, SETTINGS, rows)))
    assert "WARNING" not in "\n".join(table.notes(Report(MACHINE, SETTINGS, rows[:2])))
    assert as_dict(rows[2])["processors_used_elsewhere"] == 1.26


def test_without_a_rival_there_is_no_ratio_in_the_table():
    table = Table([WORKLOAD], ["numba"], ["numba"], False)
    assert ":" not in table.head
    assert table.line(row(numba=[1])).split() == ["LeNet5", "1x32x32", "12", "train", "12.0", "±0%"]
