"""Heats and finals, with contenders that only pretend; and all that is made of their figures."""

import gc
import json
import math

import numpy as np
import pytest

from minicnn.bench.gpu import Entrant, GpuRow, Running, Session
from minicnn.bench.gpu import session as session_module
from minicnn.bench.gpu.contest import Heat, contest, deviation, heat_as_dict, pairs
from minicnn.bench.gpu.report import best, cells, head, line, machine_line
from minicnn.bench.workload import Workload
from minicnn.errors import BackendError

ROW = GpuRow(Workload("LeNet5", (1, 32, 32), 4, "train"), "fp32")
FAST = {"rounds": 2, "seconds": 0, "pause": 0}


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    monkeypatch.setattr(gc, "collect", lambda: 0)


class Device:
    """A clock on which each step takes as long as its contender says, and an allocator that remembers who was last."""

    def __init__(self):
        self.now, self.held, self.rests = 0.0, 0, 0
        self.clock = self

    def time(self, step, seconds):
        before = self.now
        step()
        return self.now - before

    def rest(self):
        self.rests += 1
        self.held = 0

    def forget_peak(self):
        pass

    def memory(self):
        return {"reserved": self.held}


def entrant(name, device, seconds, *, style="eager", is_rival=False, loss=2.0, held=100, fails_at=None):
    """Takes some seconds for each step, holds some bytes, and may fail at a step."""

    def build(problem, precision):
        assert precision == ROW.precision
        count = 0

        def step():
            nonlocal count
            count += 1
            if count == fails_at:
                raise MemoryError("Out of memory allocating 7 bytes")
            device.now += seconds
            device.held = max(device.held, held)
            return np.float64(loss)

        return Running(step, np.asarray)

    return Entrant(name, device, build, style, is_rival)


def everybody(device, **changes):
    """Two of ours, four of theirs; changes by name."""
    kinds = {
        "minicnn": (4.0, "eager", False), "minicnn graph": (2.0, "graph", False),
        "torch": (5.0, "eager", True), "torch channels-last": (3.0, "eager", True),
        "torch graph": (3.0, "graph", True), "torch graph channels-last": (1.0, "graph", True),
    }  # fmt: skip
    return [entrant(n, device, s, style=style, is_rival=r, **changes.get(n, {})) for n, (s, style, r) in kinds.items()]


def test_the_best_of_each_side_meet_in_each_style():
    result = contest(ROW, everybody(Device()), **FAST)
    assert [(f.own, f.rival) for f in result.finals] == [("minicnn", "torch channels-last"), ("minicnn graph", "torch graph channels-last")]
    assert [f.ratio.median for f in result.finals] == [0.75, 0.5]
    assert [h.seconds[0] for h in result.heats] == [4.0, 2.0, 5.0, 3.0, 3.0, 1.0]


def test_if_a_style_is_missing_the_fastest_of_all_meet():
    result = contest(ROW, everybody(Device(), **{"minicnn graph": {"fails_at": 1}}), **FAST)
    assert [(f.own, f.rival) for f in result.finals] == [("minicnn", "torch channels-last"), ("minicnn", "torch graph channels-last")]


@pytest.mark.parametrize("step", [1, 3, 7])
def test_whoever_fails_leaves_an_error_and_the_others_go_on(step):
    result = contest(ROW, everybody(Device(), torch={"fails_at": step}), **FAST)
    (failed,) = [h for h in result.heats if h.error]
    assert (failed.name, failed.error) == ("torch", "MemoryError: Out of memory allocating 7 bytes")
    assert len(result.finals) == 2
    assert "torch: MemoryError: Out of memory" in line(result.as_dict())


def test_a_final_that_fails_leaves_an_error():
    """The 15th step comes in the final only: a heat has six, then one, and three times two in turns."""
    device = Device()
    result = contest(ROW, everybody(device, minicnn={"fails_at": 15}), rounds=9, seconds=0, pause=0)
    assert not result.heats[0].error
    assert result.finals[0].error.startswith("MemoryError")
    assert result.finals[0].ratio is None
    assert result.finals[1].ratio.median == 0.5


def test_between_two_heats_memory_is_given_back():
    device = Device()
    result = contest(ROW, everybody(device, minicnn={"held": 700}, torch={"held": 300}), **FAST, free=lambda: 10_000 - device.held)
    assert [h.memory["reserved"] for h in result.heats[:3]] == [700, 100, 300]
    assert [h.memory["gone_from_device"] for h in result.heats[:3]] == [700, 100, 300]


def test_whoever_computes_something_else_is_named():
    result = contest(ROW, everybody(Device(), minicnn={"loss": 2.01}, **{"minicnn graph": {"loss": math.nan}}), **FAST)
    found = {h["name"]: h for h in result.as_dict()["heats"]}
    assert found["minicnn"]["deviates"]
    assert found["minicnn graph"]["deviates"]
    assert not found["torch"]["deviates"]
    assert "the result is not finite" in found["minicnn graph"]["note"]
    later = contest(ROW, everybody(Device(), **{"torch graph": {"loss": 2.01}}), **FAST).as_dict()
    (odd,) = [h for h in later["heats"] if h["deviates"]]
    assert odd["name"] == "torch graph"
    assert odd["deviation"] == pytest.approx(0.005)
    assert "torch graph: deviates from PyTorch by 5.0e-03" in line(later)


def test_minicnn_is_compared_with_the_rival_that_comes_after_it():
    """Ours are measured first, so that their figures are there if time runs out."""
    result = contest(ROW, everybody(Device(), minicnn={"loss": 2.02}), **FAST)
    found = {h.name: h.deviation for h in result.heats}
    assert found["minicnn"] == pytest.approx(0.01)
    assert found["torch"] is None
    assert found["minicnn graph"] == 0


def test_deviations():
    assert deviation([np.ones(2), np.ones(2)], [np.ones(2), np.full(2, 2.0)]) == 0.5
    assert deviation([np.array([np.nan])], [np.ones(1)]) == math.inf
    assert deviation([np.ones(3)], [np.ones(2)]) == math.inf


def test_nobody_meets_if_one_side_is_missing():
    assert not list(pairs([Heat("minicnn", "eager", False, seconds=(1.0,)), Heat("torch", "eager", True, error="no")]))


def test_a_slow_contender_is_measured_less(monkeypatch):
    monkeypatch.setattr("minicnn.bench.gpu.contest.SLOW", -1.0)
    device = Device()
    result = contest(ROW, [entrant("minicnn", device, 3.0)], rounds=5, seconds=100, pause=0)
    assert result.heats[0].seconds == (3.0,)
    assert len(result.heats[0].results) == 3


def session(entrants, path=None, **options):
    return Session(entrants, path, **FAST, about={"date": "today", "minicnn": "1"}, alive=options.pop("alive", lambda: None), free=lambda: 0, **options)


def test_everything_is_written_after_each_row(tmp_path):
    path, seen = tmp_path / "found.json", []

    def look(result):
        seen.append(len(json.loads(path.read_text())["rows"]))

    rows = [ROW, GpuRow(Workload("LeNet5", (1, 32, 32), 2, "inference"), "fp32")]
    found = session(everybody(Device()), path, on_row=look).run(rows)
    assert seen == [1, 2]
    assert json.loads(path.read_text()) == json.loads(json.dumps(found))
    first = found["rows"][0]
    assert (first["model"], first["precision"], first["batch_size"]) == ("LeNet5", "fp32", 4)
    assert first["heats"][0]["images_per_second"] == {"median": 1.0, "min": 1.0, "max": 1.0}
    assert first["finals"][0]["ratio"]["median"] == 0.75


def test_a_row_that_cannot_be_posed_leaves_an_error_and_the_next_is_measured():
    rows = [GpuRow(Workload("LeNet5", (3, 32, 32), 4, "train"), "fp32"), ROW]
    found = session(everybody(Device())).run(rows)["rows"]
    assert "expected 1" in found[0]["error"]
    assert found[0]["heats"] == []
    assert found[1]["heats"]
    assert "expected 1" in line(found[0])


def test_when_the_gpu_is_lost_what_was_found_is_kept(tmp_path):
    def alive():
        raise BackendError("nothing works any more")

    path = tmp_path / "found.json"
    with pytest.raises(BackendError, match="nothing works any more"):
        session(everybody(Device(), torch={"fails_at": 2}), path, alive=alive).run([ROW, ROW])
    (only,) = json.loads(path.read_text())["rows"]
    assert only["error"] == "nothing works any more"
    assert [h["name"] for h in only["heats"]] == ["minicnn", "minicnn graph", "torch"]


def test_the_table():
    row = contest(ROW, everybody(Device(), minicnn={"held": int(3e9)}, **{"minicnn graph": {"held": int(2e9)}, "torch graph channels-last": {"held": int(4e9)}}), **FAST).as_dict()
    expected = ["LeNet5", "1x32x32", "4", "train", "fp32", "1", "2", "1", "4", "0.75", "0.50", "0.50", "2.00", "4.00", "0.50", "0e+00"]
    assert cells(row) == expected
    assert len(head()[1].split()) == len(expected)
    alone = contest(ROW, everybody(Device())[:1], **FAST).as_dict()
    assert line(alone).split() == ["LeNet5", "1x32x32", "4", "train", "fp32", "1", "0.00"]


def test_the_machine_in_one_line():
    machine = {"gpu": "NVIDIA H200", "nvidia_smi": {"driver_version": "580.1"}, "minicnn": "1.0", "cupy": "14.2.0", "torch": "2.11.0", "cudnn": 91002, "date": "2026-11-26"}
    assert machine_line(machine) == "NVIDIA H200, driver 580.1, minicnn 1.0, CuPy 14.2.0, PyTorch 2.11.0, cuDNN 91002, 2026-11-26"
    assert machine_line({"minicnn": "1.0", "date": "today"}) == "no GPU, minicnn 1.0, today"


def test_the_table_and_the_finals_agree_on_who_is_the_fastest():
    """Of two blocks, the mean of the speeds and the mean of the times may disagree: speeds count, in both."""
    a, b = Heat("torch", "eager", True, seconds=(0.01, 0.2)), Heat("torch channels-last", "eager", True, seconds=(0.09, 0.08))
    own = Heat("minicnn", "eager", False, seconds=(1.0,))
    assert list(pairs([own, a, b])) == [("minicnn", "torch")]
    assert best({"heats": [heat_as_dict(heat, 4, "fp32") for heat in (own, a, b)]}, False, None)["name"] == "torch"


def test_what_cannot_be_found_out_about_the_machine_is_said(monkeypatch):
    monkeypatch.setattr(session_module, "nvidia_smi", lambda: 1 / 0)
    found = session_module.machine()
    assert found["date"].endswith("UTC")
    assert any("ZeroDivisionError" in line for line in found["not_found_out"])
