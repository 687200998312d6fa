"""`minicnn bench --backend cupy`, with contenders that only pretend."""

import json

import numpy as np
import pytest

from minicnn.bench import gpu
from minicnn.bench.gpu import STANDARD, Entrant, Running, session
from minicnn.cli import bench_gpu


class Device:
    def __init__(self):
        self.clock = self

    def time(self, step, seconds):
        step()
        return 0.5

    def rest(self):
        pass

    forget_peak = rest

    def memory(self):
        return {"reserved": 10**9}


@pytest.fixture
def pretend(monkeypatch):
    """Two contenders; returns the list of what each was built for."""
    built = []

    def build(problem, precision):
        built.append((problem.workload, precision))
        return Running(lambda: 1.0, np.asarray)

    def entrants(against_torch):
        device = Device()
        return [Entrant("minicnn", device, build), *([Entrant("torch", device, build, is_rival=True)] if against_torch else [])]

    monkeypatch.setattr(gpu, "entrants", entrants)
    monkeypatch.setattr(session, "machine", lambda: {"gpu": "Z80", "minicnn": "1", "date": "today"})
    monkeypatch.setattr(session, "free_memory", lambda: 0)
    return built


def test_rows_in_every_precision(minicnn, pretend, tmp_path):
    path = tmp_path / "found.json"
    code, out, err = minicnn("bench", "LeNet5", "--backend", "cupy", "--mode", "train", "--against", "torch", "--batch-size", "4", "--repeats", "1", "--out", str(path))
    assert (code, err) == (0, "")
    lines = [line.split() for line in out.splitlines() if line.startswith("LeNet5")]
    assert [line[:6] for line in lines] == [["LeNet5", "1x32x32", "4", "train", precision, "8"] for precision in ("fp32", "tf32", "bf16")]
    assert "Z80, minicnn 1, today" in out
    assert [row["precision"] for row in json.loads(path.read_text())["rows"]] == ["fp32", "tf32", "bf16"]
    assert {precision for _, precision in pretend} == {"fp32", "tf32", "bf16"}


def test_as_json(minicnn, pretend):
    code, out, _ = minicnn("bench", "LeNet5", "--backend", "cupy", "--mode", "inference", "--batch-size", "4", "--repeats", "1", "--precision", "bf16", "--json")
    assert code == 0
    (row,) = json.loads(out)["rows"]
    assert (row["precision"], row["mode"], [heat["name"] for heat in row["heats"]]) == ("bf16", "inference", ["minicnn"])


def rows(minicnn, monkeypatch, *options):
    """The rows that a command asks for, without measuring them."""
    asked = []
    monkeypatch.setattr(gpu, "entrants", lambda against_torch: [])
    monkeypatch.setattr(session.Session, "run", lambda self, given: asked.extend(given) or self.found)
    monkeypatch.setattr(session, "machine", lambda: {"minicnn": "1", "date": "today"})
    assert minicnn("bench", *options, "--backend", "cupy")[0] == 0
    return asked


def test_without_a_name_the_standard_rows_are_measured(minicnn, monkeypatch):
    assert tuple(rows(minicnn, monkeypatch)) == STANDARD
    assert {row.workload.mode for row in rows(minicnn, monkeypatch, "--mode", "inference")} == {"inference"}


def test_a_named_network_has_its_standard_batches_or_one(minicnn, monkeypatch):
    found = rows(minicnn, monkeypatch, "resnet18", "VGG11", "--mode", "train", "--precision", "tf32")
    assert [(row.workload.model, row.workload.batch_size) for row in found] == [("ResNet18", 256), ("ResNet18", 64), ("VGG11", bench_gpu.BATCH_SIZE)]
    one = rows(minicnn, monkeypatch, "ResNet18", "--mode", "train", "--precision", "tf32", "--batch-size", "7")
    assert [row.workload.batch_size for row in one] == [7]
    assert [row.workload.batch_size for row in rows(minicnn, monkeypatch, "ResNet20", "--mode", "train", "--precision", "tf32", "--quick")] == [16]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("LeNet5 --backend numpy --precision bf16", "--precision and --out are for a GPU: add --backend cupy"),
        ("LeNet5 --backend numpy --out found.json", "--precision and --out are for a GPU: add --backend cupy"),
        ("LeNet5 --backend cupy,numpy", "leave out the other backends"),
        ("LeNet5 --backend cupy --threads 2", "leave out --threads and --no-memory"),
        ("LeNet5 --backend cupy --no-memory", "leave out --threads and --no-memory"),
        ("LeNet5 --backend cupy --precision fp16", "bench: precision must be one of 'fp32', 'tf32', 'bf16', not 'fp16'"),
        ("--backend cupy --input 3x32x32", "name the network too"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(minicnn, pretend, arguments, sentence):
    code, out, err = minicnn("bench", *arguments.split())
    assert (code, out) == (2, "")
    assert sentence in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("options", [[], ["--layers"], ["--against", "torch"]])
def test_without_a_gpu(minicnn, options, monkeypatch):
    monkeypatch.setattr("minicnn.cuda.machine._gpu_found", False)
    monkeypatch.setattr("minicnn.cuda.machine.gpu_problem", lambda: "there is no NVIDIA driver: install it")
    code, out, err = minicnn("bench", "LeNet5", "--backend", "cupy", *options)
    assert (code, out) == (2, "")
    assert "backend 'cupy' cannot run here: there is no NVIDIA driver: install it" in err
