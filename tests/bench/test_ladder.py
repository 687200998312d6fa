"""`minicnn bench --ladder`: all rungs are climbed and compared, in the simulator and on a stand-in for a GPU; a wrong rung is said to be wrong."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from minicnn.backend import use_backend
from minicnn.bench import ladder, ladder_report
from minicnn.bench.gpu.convs import PASSES
from minicnn.cli import main
from minicnn.errors import BackendError
from minicnn.kernels.cuda import algorithm, conv_ladder
from tests.stand_in_cupy import install_gpu

ROOT = Path(__file__).resolve().parents[2]
ONE = [ladder._conv(1, 3, 6, 5, 3)]


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(ladder, "tiny_convolutions", lambda: ONE)


def climbed(backend="cudasim"):
    with use_backend(backend):
        found = ladder.start()
        list(ladder.climb(found))
    return found


def test_the_convolutions_of_resnet():
    labels = [conv.label for conv in ladder.convolutions()]
    three = [f"{C}x{s}x{s} -> {C}, 3x3" for C, s in ((64, 56), (128, 28), (256, 14), (512, 7))]
    assert labels == ["3x224x224 -> 64, 7x7/2", *three, "256x56x56 -> 64, 1x1"]
    assert ladder.convolutions()[0].y == (ladder.BATCH, 64, 112, 112)
    assert len({conv.operations for conv in ladder.convolutions()[1:5]}) == 1


def test_every_algorithm_is_a_rung():
    assert {rung.name for rung in ladder.RUNGS} == set(algorithm.RUNGS)


def test_in_the_simulator_all_rungs_agree_and_nothing_is_timed():
    found = climbed()
    rungs = found["convs"][0]["rungs"]
    assert [(r["name"], r["precision"]) for r in rungs] == [(r.name, r.precision) for r in ladder.RUNGS]
    assert ladder.is_right(found)
    assert all(set(r["deviation"]) == set(PASSES) and r["seconds"] == {} for r in rungs)
    assert max(rungs[0]["deviation"].values()) == 0
    assert algorithm.conv_algorithm() == "auto"
    assert json.loads(json.dumps(found)) == found
    table = "\n".join([*ladder_report.table(found, found["convs"][0]), *ladder_report.notes(found)])
    assert "registers  fp32        0.03125" in table
    assert "GFLOP/s" not in table
    assert "no time here would say anything about a GPU" in table


@pytest.mark.parametrize("factor", [1.01, np.nan])
def test_a_rung_that_computes_something_else_is_found(factor, monkeypatch):
    real = conv_ladder.backward_data

    def mistaken(dy, w, dx, shape, rung):
        real(dy, w, dx, shape, rung)
        if rung == "tiled":
            dx *= factor

    monkeypatch.setattr(conv_ladder, "backward_data", mistaken)
    found = climbed()
    assert [r["name"] for r in found["convs"][0]["rungs"] if not r["right"]] == ["tiled"]
    assert "rung 3, tiled in fp32: NOT what the first rung gives" in ladder_report.table(found, found["convs"][0])
    assert not ladder.is_right(found)


def test_a_rung_that_fails_does_not_stop_the_next(monkeypatch):
    def fail(*_):
        raise BackendError("out of order")

    monkeypatch.setattr(conv_ladder, "backward_weights", fail)
    found = climbed()
    wrong = [r["name"] for r in found["convs"][0]["rungs"] if not r["right"]]
    assert wrong == ["naive", "im2col", "tiled", "registers"]
    assert any("rung 2, im2col in fp32: " in line and "out of order" in line for line in ladder_report.table(found, found["convs"][0]))


PEAKS = {"fp32": 60e12, "tf32": 500e12, "bf16": 1000e12}


@pytest.fixture
def gpu(monkeypatch):
    """A stand-in for a GPU of compute capability 9.0; the processor's clock."""
    install_gpu(monkeypatch)
    monkeypatch.setattr(ladder, "convolutions", lambda batch=1: ONE)
    monkeypatch.setattr(ladder, "_gpu", lambda: {"gpu": "Z80", "batch": 1, "peaks": PEAKS})


def test_on_a_gpu_all_passes_are_timed(gpu):
    found = climbed("cupy")
    assert ladder.is_right(found)
    assert all(set(r["seconds"]) == set(PASSES) and min(r["seconds"].values()) > 0 for r in found["convs"][0]["rungs"])
    assert "of peak" in ladder_report.table(found, found["convs"][0])[2]


@pytest.mark.parametrize("peaks", [PEAKS, {}])
def test_the_figures_of_the_table(peaks):
    """Rung k takes 2^-k seconds; the pass has 6e9 operations."""
    rungs = []
    for rung in ladder.RUNGS:
        done = ladder.Climbed(rung, dict.fromkeys(PASSES, 2.0**-rung.number), dict.fromkeys(PASSES, 1e-7))
        rungs.append(done.as_dict())
    conv = {"label": "a", "operations": 6e9, "rungs": rungs}
    found = {"gpu": "Z80", "peaks": peaks, "batch": 32, "convs": [conv]}
    rows = {(row[1], row[2]): row[3:8] for row in ladder_report.cells(found, conv)}
    assert rows["naive", "fp32"] == ["500000.0", "12", "0.0 %" if peaks else "1.6 %", "", "1e-07"]
    assert rows["implicit", "fp32"] == ["31250.0", "192", "0.3 %" if peaks else "25.0 %", "2.00", "1e-07"]
    assert rows["hopper", "bf16"][2] == ("0.1 %" if peaks else "100.0 %")
    assert rows["tensor", "bf16"][3] == rows["hopper", "tf32"][3] == "2.00"
    lines = ladder_report.table(found, conv)
    assert [lines[1].index(p) for p in PASSES] == sorted(lines[1].index(p) for p in PASSES)
    assert lines[1].index("weight gradient") < lines[2].rindex("us")


def test_peaks_of_known_gpus(monkeypatch):
    device = SimpleNamespace(compute_capability="90", attributes={"ClockRate": 1_980_000, "MultiProcessorCount": 132})
    module = install_gpu(monkeypatch)
    monkeypatch.setattr(module.cuda, "Device", lambda: device)
    monkeypatch.setattr(module.cuda.runtime, "getDeviceProperties", lambda number: {"name": b"NVIDIA H200"}, raising=False)
    about = ladder._gpu()
    assert about["gpu"] == "NVIDIA H200"
    assert {name: round(peak / 1e12) for name, peak in about["peaks"].items()} == {"fp32": 67, "tf32": 535, "bf16": 1071}
    device.compute_capability = "75"
    assert ladder._gpu()["peaks"] == {}


def test_rungs_that_a_gpu_lacks_are_left_out(gpu, monkeypatch):
    monkeypatch.setattr(algorithm, "tensor_cores", lambda xp: "gather")
    with use_backend("cupy"):
        assert [rung.name for rung in ladder.rungs()] == ["naive", "im2col", "tiled", "registers", "implicit"]


def run(*args):
    return main(["bench", "--ladder", *args])


def test_the_command(capsys, tmp_path):
    assert run("--backend", "cudasim", "--out", str(tmp_path / "ladder.json")) == 0
    out = capsys.readouterr().out
    assert "3x6x6 -> 5, 3x3, batch 1" in out
    assert json.loads((tmp_path / "ladder.json").read_text())["convs"][0]["label"] == "3x6x6 -> 5, 3x3"
    assert run("--backend", "cudasim", "--json") == 0
    assert json.loads(capsys.readouterr().out)["backend"] == "cudasim"


@pytest.mark.parametrize(
    ("args", "said"),
    [(("--backend", "numba"), "add --backend cupy, or --backend cudasim"), (("LeNet5", "--batch-size", "8", "--backend", "cudasim"), "leave out LeNet5, --batch-size")],
)
def test_what_the_command_refuses(args, said, capsys):
    assert run(*args) != 0
    assert said in capsys.readouterr().err


def test_the_command_tells_a_wrong_rung_by_its_code(monkeypatch):
    monkeypatch.setattr(ladder, "DEVIATION", dict.fromkeys(ladder.DEVIATION, 0.0))
    assert run("--backend", "cudasim", "--json") == 1


def test_what_has_to_be_compiled_is_found_beforehand(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    monkeypatch.setattr(ladder, "convolutions", lambda batch: ONE)
    import gpu_compile

    sources = {key[0] for key in gpu_compile.collect_ladder("cudasim")}
    assert {"conv_ladder", "conv_ladder_product", "conv_gather", "conv_tensor", "conv_hopper"} <= sources
    sys.modules.pop("gpu_compile")
