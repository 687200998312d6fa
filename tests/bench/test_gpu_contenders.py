"""minicnn and PyTorch as they take part on a GPU, here on the processor: the same steps, in every style that needs no GPU."""

import types
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from minicnn.backend import use_backend
from minicnn.bench.gpu import own, rival
from minicnn.bench.gpu.contest import STEPS, deviation
from minicnn.bench.gpu.device import TorchGraph
from minicnn.bench.workload import Workload, pose

TRAIN = Workload("LeNet5", (1, 32, 32), 4, "train")


@pytest.fixture
def torch():
    """PyTorch, whose settings are as before afterwards."""
    torch = pytest.importorskip("torch")
    places = (torch.backends.cuda.matmul, "allow_tf32"), (torch.backends.cudnn, "allow_tf32"), (torch.backends.cudnn, "benchmark")
    before = [getattr(*place) for place in places]
    yield torch
    for place, value in zip(places, before, strict=True):
        setattr(*place, value)


def problem(workload=TRAIN):
    with use_backend("numpy"):
        return pose(workload)


def in_float64(posed):
    return replace(posed, model=posed.model.astype("float64"), images=posed.images.astype("float64"))


def results(running, steps=STEPS):
    return [running.read(running.step()) for _ in range(steps)]


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("mode", ["train", "inference"])
def test_both_do_the_same_steps(torch, mode, channels_last):
    """In float64: in float32 a value of a ReLU that rounding moves across zero is a difference of 1e-4 some steps later."""
    posed = in_float64(problem(Workload("ResNet20", (3, 16, 16), 4, mode)))
    theirs = results(rival.build(torch, posed, "fp32", place="cpu", channels_last=channels_last))
    ours = results(own.build(posed, "fp32", backend="numpy"))
    assert deviation(ours, theirs) < 1e-12
    assert ours[0].shape == (() if mode == "train" else (4, 10))
    assert (deviation(theirs[:1], theirs[-1:]) > 1e-4) == (mode == "train")


def test_bfloat16_is_felt_and_is_near(torch):
    posed = problem()
    exact, short = (results(rival.build(torch, posed, precision, place="cpu")) for precision in ("fp32", "bf16"))
    assert 1e-6 < deviation(short, exact) < 5e-2
    ours = results(own.build(posed, "bf16", backend="cudasim"), 2)
    assert 1e-6 < deviation(ours, exact) < 5e-2


def test_the_precision_of_pytorch_is_set(torch):
    for precision, allowed in (("tf32", True), ("fp32", False), ("bf16", True)):
        rival.set_precision(torch, precision)
        assert torch.backends.cuda.matmul.allow_tf32 == torch.backends.cudnn.allow_tf32 == allowed
    assert torch.backends.cudnn.benchmark


def test_four_rivals_two_of_them_graphs(torch):
    found = rival.entrants(torch, None)
    assert [(e.name, e.style) for e in found] == [
        ("torch", "eager"), ("torch channels-last", "eager"), ("torch graph", "graph"), ("torch graph channels-last", "graph"),
    ]  # fmt: skip
    assert all(e.is_rival for e in found)
    assert [(e.name, e.style, e.is_rival) for e in own.entrants(None)] == [("minicnn", "eager", False), ("minicnn graph", "graph", False)]


class Cuda:
    """As much of torch.cuda as a graph needs: what is called inside `graph` is written down, and done at each replay."""

    def __init__(self):
        self.log, self.recording = [], None

    def stream_of(self, name):
        return types.SimpleNamespace(wait_stream=lambda other: self.log.append(f"{name} waits for {other.name}"), name=name)

    def Stream(self):
        return self.stream_of("side")

    def current_stream(self):
        return self.stream_of("main")

    @contextmanager
    def stream(self, stream):
        self.log.append(f"on {stream.name}")
        yield

    def CUDAGraph(self):
        return types.SimpleNamespace(replay=lambda: self.log.append("replay"))

    @contextmanager
    def graph(self, graph, capture_error_mode):
        self.log.append("recording")
        yield
        self.log.append("recorded")


def test_a_step_of_pytorch_is_warmed_up_beside_recorded_once_and_replayed():
    cuda = Cuda()
    step = TorchGraph(types.SimpleNamespace(cuda=cuda), lambda: cuda.log.append("step") or "loss")
    assert [step() for _ in range(5)] == ["loss"] * 5
    warm = ["side waits for main", "on side", "step", "main waits for side"]
    assert cuda.log == [*warm * 3, "recording", "step", "recorded", "replay", "replay"]


def test_a_recorded_step_gets_the_batch_and_gives_the_loss(monkeypatch):
    """As `minicnn.compile_step` is called: the network, the loss, the optimiser; then images and labels."""
    import minicnn

    def compile_step(model, loss, optimizer):
        def step(images, labels):
            optimizer.zero_grad()
            value = loss(model(images), labels)
            value.backward()
            optimizer.step()
            return value

        return step

    monkeypatch.setattr(minicnn, "compile_step", compile_step, raising=False)
    posed = problem()
    recorded, called = (results(own.build(posed, "fp32", backend="numpy", style=style)) for style in ("graph", "eager"))
    np.testing.assert_array_equal(recorded, called)
