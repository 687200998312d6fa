"""The trace is JSON whose bars nest: operations in modules, modules in modules, on a line for each thread."""

import itertools
import json
import os

import pytest

import minicnn
from minicnn import models, nn, ops
from minicnn.errors import CheckpointError
from minicnn.profiling import ModuleCall, Record
from minicnn.profiling.trace_file import events

ROUNDING = 1e-4  # microseconds; all times are whole nanoseconds


def bars(path):
    trace = json.loads(path.read_text())
    assert trace["displayTimeUnit"] == "ms"
    return [event for event in trace["traceEvents"] if event["ph"] == "X"]


def inside(a, b):
    return b["ts"] - ROUNDING <= a["ts"] and a["ts"] + a["dur"] <= b["ts"] + b["dur"] + ROUNDING


def apart(a, b):
    return a["ts"] + a["dur"] <= b["ts"] + ROUNDING or b["ts"] + b["dur"] <= a["ts"] + ROUNDING


@pytest.fixture
def profile():
    net = models.LeNet5()
    with minicnn.profile() as p:
        ops.cross_entropy(net(minicnn.ones(2, 1, 32, 32)), minicnn.arange(2)).backward()
    return p


def test_bars_of_lenet_nest(profile, tmp_path):
    found = bars(profile.save_trace(tmp_path / "trace.json"))
    assert len(found) == len(profile.records) + len(profile.module_calls) == 26 + 8
    assert all(inside(a, b) or inside(b, a) or apart(a, b) for a, b in itertools.combinations(found, 2))
    assert [(a["ts"], -a["dur"]) for a in found] == sorted((a["ts"], -a["dur"]) for a in found)
    (layer,) = [bar for bar in found if bar["name"] == "c3 Conv2d"]
    (whole,) = [bar for bar in found if bar["name"] == "LeNet5"]
    (op,) = [bar for bar in found if bar["cat"] == "forward" and bar["args"]["path"] == "c3"]
    assert inside(op, layer)
    assert inside(layer, whole)
    assert not any(inside(bar, whole) for bar in found if bar["cat"] == "backward")


def test_fields_of_a_bar():
    conv = Record("Conv2d", "forward", "a.b", "Conv2d", 0.5, 0.25, 0.25, (1, 2), ((3,), ()), 7, 8, 9)
    name, module, op = events([conv], [ModuleCall("a.b", "Conv2d", 0.5, 0.25, 9)])
    assert name == {"name": "process_name", "ph": "M", "pid": os.getpid(), "tid": 0, "args": {"name": "minicnn"}}
    assert (module["name"], module["cat"]) == ("a.b Conv2d", "module")
    assert op == {
        "name": "Conv2d", "cat": "forward", "ph": "X", "ts": 500_000.0, "dur": 250_000.0, "pid": os.getpid(), "tid": 9,
        "args": {
            "path": "a.b", "layer": "Conv2d", "phase": "forward", "shape": (1, 2), "input shapes": ((3,), ()), "multiply-adds": 7, "bytes": 8,
        },
    }  # fmt: skip


def test_rounding_keeps_an_inner_bar_inside():
    thirds = [k / 3e9 for k in range(1, 40)]  # between nanoseconds
    for start, stop in itertools.combinations(thirds, 2):
        call = ModuleCall("", "Net", 0.0, stop, 1)
        inner = Record("Exp", "forward", "", "Net", start, stop - start, 0.0, (), (), 0, 0, 1)
        _, a, b = events([inner], [call])
        assert inside(b, a)


def test_a_file_that_cannot_be_written(profile, tmp_path):
    with pytest.raises(CheckpointError, match=r"the trace .* cannot be written: No such file"):
        profile.save_trace(tmp_path / "missing" / "trace.json")


def test_an_old_file_is_replaced_at_once(profile, tmp_path):
    path = tmp_path / "trace.json"
    path.write_text("old")
    assert profile.save_trace(str(path)) == path
    assert bars(path)
    assert [p.name for p in tmp_path.iterdir()] == ["trace.json"]


def test_after_an_exception_the_bars_nest_as_well(tmp_path):
    net = nn.Sequential(nn.ReLU(), nn.Linear(3, 2))
    with pytest.raises(ValueError, match="features"), minicnn.profile() as p:
        net(minicnn.ones(1, 4))
    assert [bar["name"] for bar in bars(p.save_trace(tmp_path / "trace.json"))] == ["Sequential", "0 ReLU", "ReLU", "1 Linear"]
