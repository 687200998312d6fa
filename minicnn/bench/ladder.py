"""The ladder of convolution on the active CUDA backend: every rung on a few convolutions, timed, and compared with the first rung.

On a GPU a few passes are recorded as a graph, and many launches of it are timed by events, so that Python is not in the figures. Arrays that fit into the
cache are found there. In the simulator (backend cudasim) the convolutions are tiny, and time says nothing about a GPU: what it shows is that all
rungs compute the same, and how often each goes to memory.
"""

import functools
import importlib
import math
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np

from minicnn._version import __version__
from minicnn.autograd import Tensor
from minicnn.backend import CUPY, get_backend
from minicnn.bench.gpu.contest import message
from minicnn.bench.gpu.convs import PASSES, Conv
from minicnn.bench.gpu.device import CupyDevice, CupyGraph
from minicnn.checks import bfloat16
from minicnn.errors import BackendError
from minicnn.kernels import geometry
from minicnn.kernels.cuda import algorithm
from minicnn.ops.autocast import autocast
from minicnn.ops.dtype import astype

BATCH = 32
RECORDED, SECONDS, TRIALS = 4, 0.01, 3  # passes in a graph, time of a measurement, measurements
SLOW = 5e-3  # seconds of a pass beside which Python does not count
DEVIATION = {"fp32": 5e-5, "tf32": 2e-3, "bf16": 1.6e-2}  # of the largest result: what rounding costs. The first rung adds 400,000 numbers one after the other: √400,000 · 2⁻²⁴ = 4e-5
# Multiply-adds of a multiprocessor in a cycle, by compute capability. NVIDIA's whitepapers on the A100 (2020) and the H100 (2022).
PEAKS = {"80": {"fp32": 64, "tf32": 512, "bf16": 1024}, "90": {"fp32": 128, "tf32": 1024, "bf16": 2048}}


@dataclass(frozen=True)
class Rung:
    """An algorithm in one precision.

    Attributes:
        reads: how many numbers a thread reads from global memory for each multiply-add, in full tiles.
    """

    name: str
    precision: str
    reads: float

    @property
    def number(self) -> int:
        """From 1."""
        return algorithm.RUNGS[self.name]


RUNGS = (
    Rung("naive", "fp32", 2),
    Rung("im2col", "fp32", 2),
    Rung("tiled", "fp32", 2 / 32),
    Rung("registers", "fp32", 2 / 64),
    Rung("implicit", "fp32", 2 / 128),
    Rung("tensor", "tf32", 2 / 128),
    Rung("hopper", "tf32", 2 / 128),
    Rung("tensor", "bf16", 2 / 128),
    Rung("hopper", "bf16", 2 / 128),
)


@dataclass
class Climbed:
    """What a rung did with a convolution.

    Attributes:
        seconds: by pass; none in the simulator.
        deviation: by pass, the largest from the first rung, relative to its largest result.
        error: why it came to no end.
    """

    rung: Rung
    seconds: dict[str, float] = field(default_factory=dict)
    deviation: dict[str, float] = field(default_factory=dict)
    error: str = ""

    @property
    def is_right(self) -> bool:
        """Nothing is farther off than its precision explains. A NaN is."""
        return not self.error and all(d <= DEVIATION[self.rung.precision] for d in self.deviation.values())

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        rung = {"rung": self.rung.number, "name": self.rung.name, "precision": self.rung.precision, "reads": self.rung.reads}
        return rung | {"seconds": self.seconds, "deviation": self.deviation, "error": self.error, "right": self.is_right}


def convolutions(batch: int = BATCH) -> list[Conv]:
    """Those of ResNet: the first layer, 3x3 at four sizes, and a 1x1."""
    return [_conv(batch, 3, 224, 64, 7, 2), *(_conv(batch, C, 3584 // C, C, 3) for C in (64, 128, 256, 512)), _conv(batch, 256, 56, 64, 1)]


def tiny_convolutions() -> list[Conv]:
    """Of the same kinds, for the simulator."""
    return [_conv(1, 3, 15, 8, 7, 2), _conv(1, 16, 6, 16, 3), _conv(1, 32, 4, 16, 1)]


def _conv(N: int, C: int, size: int, O: int, k: int, stride: int = 1) -> Conv:
    around = (k // 2,) * 4
    result = geometry.output_window((size, size), (k, k), (stride, stride), around, (1, 1))
    return Conv((N, C, size, size), (O, C, k, k), (N, O, *result), (stride, stride), around, (1, 1), 1)


def rungs() -> list[Rung]:
    """Those that this machine can climb."""
    return [rung for rung in RUNGS if _can(rung)]


def _can(rung: Rung) -> bool:
    try:
        algorithm.require(rung.name, get_backend().xp)
    except BackendError:
        return False
    return True


class Passes:
    """The three products of a convolution, as one rung computes them.

    Args:
        arrays: x, w and dy, in float32.
    """

    def __init__(self, conv: Conv, arrays: tuple[Any, ...], precision: str) -> None:
        dtype = bfloat16("bench --ladder") if precision == "bf16" else np.dtype(np.float32)
        self._kernel, self._conv = get_backend().kernel("conv2d"), conv
        self._x, self._w, self._dy = (astype(Tensor.wrap(a), dtype).data for a in arrays)
        _, self._saved = self._kernel.forward(self._x, self._w, None, **conv.attributes)

    def __call__(self, direction: str) -> Any:
        """y, dx or dw."""
        if direction == PASSES[0]:
            return self._kernel.forward(self._x, self._w, None, **self._conv.attributes)[0]
        needs = (direction == PASSES[1], direction == PASSES[2], False)
        return next(g for g in self._kernel.backward(self._dy, self._saved, needs=needs) if g is not None)


def draw(conv: Conv) -> tuple[Any, ...]:
    """Random x, w and dy, images with their channels innermost."""
    backend, random = get_backend(), np.random.default_rng(0)

    def images(shape: tuple[int, ...]) -> Any:
        N, C, H, W = shape
        return backend.asarray(random.standard_normal((N, H, W, C), np.float32)).transpose(0, 3, 1, 2)

    return images(conv.x), backend.asarray(random.standard_normal(conv.w, np.float32)), images(conv.y)


Time = Callable[[Callable[[], Any]], float]


def climb(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All rungs on all convolutions; gives what is known of each convolution when its rungs are done, and enters it into `found`, which `start` has made."""
    on_gpu = get_backend().name == CUPY
    time = _clock() if on_gpu else None
    for conv in convolutions() if on_gpu else tiny_convolutions():
        one = {"label": conv.label, "operations": conv.operations, "rungs": [climbed.as_dict() for climbed in climbed_rungs(conv, time)]}
        found["convs"].append(one)
        yield one


def climbed_rungs(conv: Conv, time: Time | None) -> Iterator[Climbed]:
    """All rungs on one convolution.

    Args:
        time: measures seconds of a pass; None, where they would mean nothing.
    """
    before, arrays = algorithm.conv_algorithm(), draw(conv)
    first: dict[str, Any] = {}
    try:
        for rung in rungs():
            done = Climbed(rung)
            algorithm.set_conv_algorithm(rung.name)
            try:
                _climb_one(done, conv, arrays, first, time)
            except Exception as error:  # noqa: BLE001 - the other rungs go on
                done.error = message(error)
            yield done
    finally:
        algorithm.set_conv_algorithm(before)


def _climb_one(done: Climbed, conv: Conv, arrays: tuple[Any, ...], first: dict[str, Any], time: Time | None) -> None:
    with autocast("tf32" if done.rung.precision == "tf32" else None):
        passes = Passes(conv, arrays, done.rung.precision)
        for direction in PASSES:
            found = astype(Tensor.wrap(passes(direction)), np.dtype(np.float32)).data
            done.deviation[direction] = _deviation(found, first.setdefault(direction, found))
            if time is not None:
                done.seconds[direction] = time(functools.partial(passes, direction))


def _deviation(found: Any, first: Any) -> float:
    """The largest, relative to the largest number of `first`."""
    with np.errstate(all="ignore"):  # what is wrong shows in the table
        difference, largest = float(abs(found - first).max()), float(abs(first).max())
    return difference / largest if largest else math.inf


def _clock() -> Time:
    """Measures seconds of a pass on a GPU."""
    cupy = importlib.import_module("cupy")
    device = CupyDevice(cupy)

    def time(one: Callable[[], Any]) -> float:
        once = min(device.clock.time(one, 0) for _ in range(2))
        if once > SLOW:
            return once

        def several() -> None:
            for _ in range(RECORDED):
                one()

        graph = CupyGraph(cupy, several)
        for _ in range(2):  # before it is recorded, and once after
            graph()
        seconds = statistics.median(device.clock.time(graph, SECONDS) for _ in range(TRIALS))
        device.rest()
        return seconds / RECORDED

    return time


def start() -> dict[str, Any]:
    """What the figures depend on, and room for them."""
    backend, date = get_backend().name, datetime.now(UTC).strftime("%Y-%m-%d")
    found = {"backend": backend, "date": date, "minicnn": __version__, "batch": 1, "gpu": None, "peaks": {}, "convs": []}
    return found | _gpu() if backend == CUPY else found


def _gpu() -> dict[str, Any]:
    """Its name, and operations a second by precision, two for each multiply-add, at its highest clock; of those GPUs that PEAKS knows."""
    cupy = importlib.import_module("cupy")
    device, properties = cupy.cuda.Device(), cupy.cuda.runtime.getDeviceProperties(0)
    cycles = 1e3 * device.attributes.get("ClockRate", 0) * device.attributes["MultiProcessorCount"]
    peaks = {precision: 2 * n * cycles for precision, n in PEAKS.get(device.compute_capability, {}).items() if cycles}
    return {"gpu": properties["name"].decode(), "batch": BATCH, "peaks": peaks}


def is_right(found: dict[str, Any]) -> bool:
    """Every rung gave what the first gave."""
    return all(rung["right"] for conv in found["convs"] for rung in conv["rungs"])
