"""`minicnn bench`."""

import importlib.util
import json

import pytest

from minicnn import bench
from minicnn.backend import get_backend, set_num_threads, use_backend
from minicnn.bench import turns

QUICK = ("--quick", "--repeats", "1", "--no-memory", "--backend", "numpy")


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    monkeypatch.setattr("minicnn.cli.bench.QUICK_SECONDS", 0)
    with use_backend("numba"):  # on a GPU other rows are measured: tests/bench/test_gpu_*.py
        yield
    set_num_threads(None)


def test_the_table(minicnn):
    code, out, err = minicnn("bench", "lenet5", *QUICK)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["model", "input", "batch", "mode", "numpy", "img/s"]
    assert [line.split()[:4] for line in lines[1:3]] == [["LeNet5", "1x32x32", "8", "train"], ["LeNet5", "1x32x32", "2", "inference"]]
    assert "images per second, median of 1 round(s)" in out
    assert " numpy " in lines[-1]
    assert "torch" not in out


def test_against_pytorch_as_json(minicnn):
    pytest.importorskip("torch")
    code, out, _ = minicnn("bench", "LeNet5", *QUICK, "--mode", "train", "--batch-size", "3", "--threads", "1", "--against", "torch", "--json")
    assert code == 0
    report = json.loads(out)
    assert report["machine"]["threads"] == 1
    assert report["machine"]["torch"]
    (row,) = report["rows"]
    assert (row["batch_size"], row["mode"]) == (3, "train")
    assert [c["name"] for c in row["contenders"]] == ["numpy", "torch", "torch channels-last"]
    assert row["contenders"][0]["ratio"]["median"] > 0
    assert row["best_rival"].startswith("torch")


def test_several_backends_are_measured_in_turns(minicnn):
    code, out, _ = minicnn("bench", "LeNet5", "--quick", "--repeats", "1", "--no-memory", "--mode", "inference", "--backend", "numpy,loops,numpy", "--batch-size", "1")
    assert code == 0
    assert "numpy img/s" in out.splitlines()[0]
    assert "loops img/s" in out.splitlines()[0]


def test_without_a_name_the_standard_rows_are_measured(minicnn, monkeypatch):
    asked = {}

    def run(workloads, contenders, **options):
        asked.update(workloads=tuple(workloads), names=[c.name for c in contenders], **options)
        return bench.Report({"processor": "Z80", "threads": 1}, {"rounds": 5}, ())

    monkeypatch.setattr(bench, "run", run)
    assert minicnn("bench")[0] == 0
    assert asked["workloads"] == bench.STANDARD
    assert (asked["names"], asked["rounds"], asked["memory"], asked["threads"]) == ([get_backend().name], turns.ROUNDS, True, None)
    assert minicnn("bench", "--mode", "inference", "--batch-size", "3")[0] == 0
    assert [(w.model, w.batch_size) for w in asked["workloads"]] == [("ResNet18", 3), ("VGG16", 3), ("MobileNetV2", 3)]
    assert minicnn("bench", "--quick", "--threads", "1")[0] == 0
    assert [w.batch_size for w in asked["workloads"]] == [2, 2, 16, 2, 2, 2, 8]
    assert asked["threads"] == 1
    assert asked["rounds"] < turns.ROUNDS


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("ResNet81", "unknown model 'ResNet81': did you mean ResNet18?"),
        ("LeNet5 --batch-size 0", "argument --batch-size: must be an integer >= 1, not '0'"),
        ("LeNet5 --repeats none", "argument --repeats: must be an integer >= 1, not 'none'"),
        ("LeNet5 --threads 0", "argument --threads: must be an integer >= 1, not '0'"),
        ("LeNet5 --backend numba,nunpy", "unknown backend 'nunpy': did you mean numpy?"),
        ("LeNet5 --backend meta", "computes nothing that could be timed"),
        ("LeNet5 --backend numpy,", "unknown backend ''"),
        ("LeNet5 --against jax", "argument --against: invalid choice: 'jax'"),
        ("LeNet5 --mode test", "argument --mode: invalid choice: 'test'"),
        ("LeNet5 --input 32x32", "must be CxHxW such as 3x224x224, not '32x32'"),
        ("LeNet5 --input 3x32x32", "expected 1"),
        ("--input 3x32x32", "name the network too"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(minicnn, arguments, sentence):
    code, out, err = minicnn("bench", *arguments.split())
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.startswith("minicnn: ")
    assert len(err.splitlines()) == 1


def test_without_pytorch(minicnn, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "torch" else find_spec(name, *rest))
    code, out, err = minicnn("bench", "LeNet5", "--against", "torch")
    assert (code, out) == (2, "")
    assert "pip install torch==" in err
    assert len(err.splitlines()) == 1


def test_a_step_taken_apart(minicnn):
    code, out, _ = minicnn("bench", "LeNet5", "--layers", "--quick", "--mode", "train", "--backend", "numpy")
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "LeNet5 8x1x32x32 train, backend numpy"
    assert lines[2].split() == ["operation", "phase", "input", "filters", "calls", "ms", "share", "GMAC/s", "GB/s", "of", "limit"]
    assert any(line.split()[:4] == ["Conv2d", "backward", "8x1x32x32", "6x1x5x5"] for line in lines)
    assert "a large matrix product" in out
    assert lines[-3].startswith("a step") or any(line.startswith("a step") for line in lines)


def test_a_step_taken_apart_as_json(minicnn):
    code, out, _ = minicnn("bench", "LeNet5", "--layers", "--quick", "--mode", "inference", "--backend", "numpy,loops", "--batch-size", "1", "--json")
    assert code == 0
    report = json.loads(out)
    assert [part["backend"] for part in report["layers"]] == ["numpy", "loops"]
    one = report["layers"][0]
    assert one["limits"]["macs"] > 1e9
    conv = next(part for part in one["parts"] if part["input"] == [1, 1, 32, 32])
    assert conv["macs"] == 28 * 28 * 6 * 25
    least = max(conv["macs"] / one["limits"]["macs"], conv["bytes"] / one["limits"]["bytes"])
    assert conv["of_limit"] == pytest.approx(least / conv["seconds"])
    code, _, err = minicnn("bench", "LeNet5", "--layers", "--against", "torch")
    assert code == 2
    assert "leave out --against" in err
