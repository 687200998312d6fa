"""Time by events, and CuPy's graphs, with a GPU that only pretends."""

import types
from contextlib import contextmanager

import pytest

from minicnn.bench.gpu import device
from minicnn.bench.gpu.device import CupyDevice, CupyGraph, DeviceClock, TorchDevice
from minicnn.bench.turns import take_turns


class Gpu:
    """Works off its stream only when somebody waits. An event holds the time at which the stream comes to it."""

    def __init__(self, seconds, unseen=0.0):
        self.seconds, self.unseen = seconds, unseen
        self.stream_time, self.host_time, self.launched = 0.0, 0.0, 0

    def step(self):
        self.launched += 1
        self.stream_time += self.seconds

    def mark(self):
        self.stream_time = max(self.stream_time, self.host_time)
        return self.stream_time

    def wait(self):
        self.host_time = max(self.host_time, self.stream_time) + self.unseen * self.launched

    def clock(self, monkeypatch):
        monkeypatch.setattr(device.time, "perf_counter", lambda: self.host_time)
        return DeviceClock(self.mark, lambda a, b: b - a, self.wait)


def test_the_figure_is_the_mean_between_two_events(monkeypatch):
    gpu = Gpu(seconds=0.25)
    clock = gpu.clock(monkeypatch)
    assert clock.time(gpu.step, 1.0) == 0.25
    assert gpu.launched == 1 + 4  # one to see how many fill the time
    assert not clock.unseen


def test_a_long_step_is_measured_once(monkeypatch):
    gpu = Gpu(seconds=3.0)
    assert gpu.clock(monkeypatch).time(gpu.step, 1.0) == 3.0
    assert gpu.launched == 1


def test_no_block_is_endless(monkeypatch):
    gpu = Gpu(seconds=0.0)
    gpu.clock(monkeypatch).time(gpu.step, 1.0)
    assert gpu.launched == 1 + device.MOST


def test_work_that_events_do_not_see_is_timed_by_the_computer(monkeypatch):
    gpu = Gpu(seconds=0.125, unseen=0.125)
    clock = gpu.clock(monkeypatch)
    assert clock.time(gpu.step, 0.5) > 0.2
    assert clock.unseen


def test_turns_are_taken_on_it(monkeypatch):
    gpus = {"a": Gpu(0.5), "b": Gpu(0.25)}
    clocks = {name: gpu.clock(monkeypatch) for name, gpu in gpus.items()}
    timings = take_turns({name: gpu.step for name, gpu in gpus.items()}, rounds=2, seconds=1, pause=0, clocks=clocks)
    assert timings["a"].rounds == (0.5, 0.5)
    assert timings["b"].rounds == (0.25, 0.25)


class Cupy:
    """As much of CuPy as is asked for, with a log."""

    def __init__(self):
        self.log, self.current = [], Stream(self, "usual")
        pool = types.SimpleNamespace(total_bytes=lambda: 300, used_bytes=lambda: 200, free_all_blocks=lambda: self.log.append("free"))
        self.get_default_memory_pool = lambda: pool
        self.cuda = types.SimpleNamespace(
            MemoryPool=lambda: types.SimpleNamespace(malloc="own pool", total_bytes=lambda: 700),
            Stream=lambda non_blocking: Stream(self, "own"),
            get_current_stream=lambda: self.current,
            using_allocator=self.using_allocator,
            Event=lambda: types.SimpleNamespace(record=lambda: self.log.append("event")),
            get_elapsed_time=lambda a, b: 2000.0,
            runtime=types.SimpleNamespace(deviceSynchronize=lambda: self.log.append("wait")),
        )

    @contextmanager
    def using_allocator(self, allocator):
        self.log.append(f"in {allocator}")
        yield


class Stream:
    def __init__(self, cupy, name):
        self.cupy, self.name = cupy, name

    def record(self):
        return self.name

    def wait_event(self, event):
        self.cupy.log.append(f"{self.name} waits for {event}")

    def synchronize(self):
        pass

    def begin_capture(self):
        self.cupy.log.append("recording")

    def end_capture(self):
        self.cupy.log.append("recorded")
        return types.SimpleNamespace(launch=lambda stream: self.cupy.log.append(f"launch on {stream.name}"))

    def __enter__(self):
        self.before, self.cupy.current = self.cupy.current, self

    def __exit__(self, *_):
        self.cupy.current = self.before


def test_a_function_is_called_once_recorded_once_and_launched():
    cupy = Cupy()
    graph = CupyGraph(cupy, lambda: cupy.log.append(f"step on {cupy.current.name}") or "scores")
    around = ["own waits for usual", "in own pool"], ["usual waits for own"]
    assert [graph() for _ in range(3)] == ["scores"] * 3
    called, recorded, launched = ([*around[0], *inner, *around[1]] for inner in (["step on own"], ["recording", "step on own", "recorded"], ["launch on own"]))
    assert cupy.log == [*called, *recorded, *launched, *launched]
    assert graph.total_bytes() == 700


def test_a_recording_that_fails_is_ended():
    cupy, calls = Cupy(), []

    def step():
        calls.append(1)
        if len(calls) > 1:
            raise RuntimeError("cuBLAS cannot be captured")

    graph = CupyGraph(cupy, step)
    graph()
    with pytest.raises(RuntimeError, match="cannot be captured"):
        graph()
    assert "recorded" in cupy.log
    assert cupy.current.name == "usual"


def test_memory_of_cupy():
    found = CupyDevice(Cupy())
    found.rest()
    assert found.memory() == {"reserved": 300, "in_use_now": 200}
    assert found.clock.time(lambda: None, 0) == 2.0


def test_memory_of_pytorch_is_counted_from_when_the_peak_was_forgotten():
    log = []
    names = ("synchronize", "empty_cache", "reset_peak_memory_stats")
    cuda = types.SimpleNamespace(**{name: lambda name=name: log.append(name) for name in names}, max_memory_reserved=lambda: 5, max_memory_allocated=lambda: 4)
    found = TorchDevice(types.SimpleNamespace(cuda=cuda))
    found.forget_peak()
    assert log == list(names)
    assert found.memory() == {"reserved": 5, "allocated": 4}
