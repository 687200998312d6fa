"""Each convolution of a network by itself: minicnn's kernels beside cuDNN's, and both beside the limits of the GPU.

A pass (forward, the gradient of the images, the gradient of the weights) does 2 N P Q O C kh kw operations and moves at least x, w and y once. With F operations
and B bytes a second, as `peaks` measures them, it cannot take less than max(operations / F, bytes / B); "of limit" is that over the measured time.

A pass is recorded as a graph that runs it on several sets of arrays, more than a cache holds, so that neither Python nor the cache is in the figure. Of the
two memory layouts of PyTorch the faster one counts.
"""

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from minicnn.autograd import Tensor
from minicnn.backend import get_backend, use_backend
from minicnn.bench.gpu.contest import message
from minicnn.bench.gpu.device import CupyDevice, CupyGraph, TorchDevice, TorchGraph
from minicnn.bench.gpu.entrant import Device
from minicnn.bench.gpu.rival import set_precision
from minicnn.bench.recording import record
from minicnn.bench.turns import Step
from minicnn.bench.workload import Workload, pose
from minicnn.checks import bfloat16
from minicnn.ops.autocast import autocast
from minicnn.ops.dtype import astype

PLACE = "cuda"  # PyTorch's name for the GPU
PASSES = ("forward", "data gradient", "weight gradient")
DRAWN = 1 << 22  # random numbers
SETS_BYTES, MOST_SETS = 1 << 28, 12
SECONDS, TRIALS = 0.02, 3


@dataclass(frozen=True)
class Conv:
    """A convolution as a network has it.

    Attributes:
        x, w, y: shapes of images, filters and results.
        stride, padding, dilation, groups: its attributes; padding is (top, bottom, left, right).
    """

    x: tuple[int, ...]
    w: tuple[int, ...]
    y: tuple[int, ...]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    dilation: tuple[int, int]
    groups: int

    @property
    def operations(self) -> int:
        """Of one pass, two for each multiply-add."""
        return 2 * int(np.prod(self.y)) * int(np.prod(self.w[1:]))

    def bytes(self, size: int) -> int:
        """That one pass moves at least, with elements of `size` bytes."""
        return size * sum(int(np.prod(shape)) for shape in (self.x, self.w, self.y))

    @property
    def attributes(self) -> dict[str, Any]:
        """For a kernel."""
        return {"stride": self.stride, "padding": self.padding, "dilation": self.dilation, "groups": self.groups}

    @property
    def label(self) -> str:
        """In one word.

        >>> Conv((8, 64, 56, 56), (64, 64, 3, 3), (8, 64, 56, 56), (1, 1), (1, 1, 1, 1), (1, 1), 1).label
        '64x56x56 -> 64, 3x3'
        """
        C, H, W = self.x[1:]
        parts = [f"{C}x{H}x{W} -> {self.w[0]}, {self.w[2]}x{self.w[3]}"]
        parts += [f"/{self.stride[0]}"] if self.stride != (1, 1) else []
        parts += [f" groups {self.groups}"] if self.groups > 1 else []
        return "".join(parts)


@dataclass
class Timed:
    """One pass of one convolution in one precision: seconds of minicnn and of cuDNN; None and an error where there is no figure."""

    conv: Conv
    count: int
    precision: str
    direction: str
    own: float | None = None
    rival: float | None = None
    errors: list[str] = field(default_factory=list)

    def least(self, peaks: dict[str, float]) -> float:
        """Seconds that it must take on this GPU."""
        return max(self.conv.operations / peaks[self.precision], self.conv.bytes(2 if self.precision == "bf16" else 4) / peaks["bytes"])

    @classmethod
    def from_dict(cls, one: dict[str, Any]) -> "Timed":
        """The way back from `as_dict`."""
        given: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in one["conv"].items()}
        return cls(Conv(**given), **{key: one[key] for key in ("count", "precision", "direction", "own", "rival", "errors")})

    def as_dict(self, peaks: dict[str, float]) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"label": self.conv.label, "operations": self.conv.operations, "least": self.least(peaks)}


def convolutions(workload: Workload) -> list[tuple[Conv, int]]:
    """The different convolutions of a network, and how often it has each, in order.

    >>> [(conv.label, count) for conv, count in convolutions(Workload("LeNet5", (1, 32, 32), 2, "inference"))]
    [('1x32x32 -> 6, 5x5', 1), ('6x14x14 -> 16, 5x5', 1)]
    """
    with use_backend("numpy"):
        problem = pose(workload)
    program = record(problem.model, problem.model, problem.images)
    shapes = {operation.output: operation.shape for operation in program.operations}
    shapes |= {program.arguments[0]: problem.images.shape}
    state = {name: p.shape for name, p in problem.model.named_parameters()}
    shapes |= {number: state[name] for number, name in program.state.items() if name in state}
    found: Counter[Conv] = Counter()
    for operation in program.operations:
        if operation.kind in ("Conv2d", "Conv2dReLU"):
            x, w = (shapes[number] for number in operation.inputs[:2] if number is not None)
            a = operation.attributes
            found[Conv(x, w, operation.shape, a["stride"], a["padding"], a["dilation"], a["groups"])] += 1
    return list(found.items())


def measure(
    convs: list[tuple[Conv, int]],
    precisions: tuple[str, ...],
    cupy: tuple[Any, CupyDevice],
    torch: tuple[Any, TorchDevice] | None,
    deadline: float = float("inf"),
) -> Iterator[list[Timed]]:
    """Time all convolutions; gives those of one convolution in one precision at a time, until `deadline` of `time.perf_counter`."""
    for precision in precisions:
        for conv, count in convs:
            if time.perf_counter() > deadline:
                return
            rows = [Timed(conv, count, precision, direction) for direction in PASSES]
            _measure_own(rows, *cupy)
            cupy[1].rest()
            if torch is not None:
                _measure_rival(rows, *torch)
                torch[1].rest()
            yield rows


def _sets(conv: Conv, precision: str) -> int:
    return max(1, min(MOST_SETS, SETS_BYTES // conv.bytes(2 if precision == "bf16" else 4)))


def _measure_own(rows: list[Timed], cupy: Any, device: CupyDevice) -> None:
    conv, precision = rows[0].conv, rows[0].precision
    try:
        kernel = get_backend("cupy").kernel("conv2d")
        draw = _Draw(cupy, precision)
        arrays = [(draw.images(conv.x), draw(conv.w), draw.images(conv.y)) for _ in range(_sets(conv, precision))]
        saved: list[Any] = []

        def passing(direction: str) -> Callable[[], Any]:
            if direction == "forward":
                return lambda: [kernel.forward(x, w, None, **conv.attributes)[0] for x, w, _ in arrays]
            needs = (direction == "data gradient", direction == "weight gradient", False)
            return lambda: [kernel.backward(dy, kept, needs=needs) for (_, _, dy), kept in zip(arrays, saved, strict=True)]

        with use_backend("cupy"), autocast("tf32" if precision == "tf32" else "fp32"):
            saved += [kernel.forward(x, w, None, **conv.attributes)[1] for x, w, _ in arrays]
            for row in rows:
                row.own = _guarded(row, "minicnn", device, len(arrays), lambda row=row: CupyGraph(cupy, passing(row.direction)))  # type: ignore[misc]
    except Exception as error:  # noqa: BLE001 - memory, or a missing kernel: the others go on
        rows[0].errors.append(f"minicnn: {message(error)}")


class _Draw:
    """Random numbers on the GPU: a few million from the CPU, over and over again, which is done in no time and needs no library."""

    def __init__(self, cupy: Any, precision: str) -> None:
        self._cupy = cupy
        self._dtype = bfloat16("bench") if precision == "bf16" else np.dtype(np.float32)
        self._numbers = cupy.asarray(np.random.default_rng(0).standard_normal(DRAWN, dtype=np.float32))

    def __call__(self, shape: tuple[int, ...]) -> Any:
        size = int(np.prod(shape))
        flat = self._cupy.tile(self._numbers, -(-size // DRAWN))[:size]
        with use_backend("cupy"):
            return astype(Tensor.wrap(flat.reshape(shape)), self._dtype).data

    def images(self, shape: tuple[int, ...]) -> Any:
        """With the channels last in memory."""
        N, C, H, W = shape
        return self((N, H, W, C)).transpose(0, 3, 1, 2)


def _measure_rival(rows: list[Timed], torch: Any, device: TorchDevice) -> None:
    conv, precision = rows[0].conv, rows[0].precision
    top, bottom, left, right = conv.padding
    if (top, left) != (bottom, right):
        rows[0].errors.append("torch: unequal padding is no single operation there")
        return
    set_precision(torch, precision)
    for layout in (torch.channels_last, torch.contiguous_format):
        try:
            dtype = torch.bfloat16 if precision == "bf16" else torch.float32

            def draw(shape: tuple[int, ...], dtype: Any = dtype, layout: Any = layout) -> Any:
                return torch.randn(shape, device=PLACE, dtype=dtype).to(memory_format=layout)

            arrays = [(draw(conv.x), draw(conv.w), draw(conv.y)) for _ in range(_sets(conv, precision))]
            for row in rows:
                step = _rival_pass(torch, conv, (top, left), row.direction, arrays)
                seconds = _guarded(row, "torch", device, len(arrays), lambda step=step: TorchGraph(torch, step))  # type: ignore[misc]
                row.rival = min(filter(None, (row.rival, seconds)), default=None)
        except Exception as error:  # noqa: BLE001
            rows[0].errors.append(f"torch: {message(error)}")


def _rival_pass(torch: Any, conv: Conv, padding: tuple[int, int], direction: str, arrays: list[Any]) -> Step:
    if direction == "forward":
        options = {"stride": conv.stride, "padding": padding, "dilation": conv.dilation, "groups": conv.groups}
        return lambda: [torch.nn.functional.conv2d(x, w, None, **options) for x, w, _ in arrays]
    mask = [direction == "data gradient", direction == "weight gradient", False]
    backward = torch.ops.aten.convolution_backward
    return lambda: [
        backward(dy, x, w, None, list(conv.stride), list(padding), list(conv.dilation), False, [0, 0], conv.groups, mask) for x, w, dy in arrays
    ]


def _guarded(row: Timed, side: str, device: Device, sets: int, build: Callable[[], Step]) -> float | None:
    """Seconds of one pass on one set of arrays; None, and the error in the row, if it cannot be had."""
    try:
        step = build()
        for _ in range(5):  # before it is recorded, and once after
            step()
        return statistics.median(device.clock.time(step, SECONDS) for _ in range(TRIALS)) / sets
    except Exception as error:  # noqa: BLE001
        row.errors.append(f"{side}: {message(error)}")
        return None


def table(rows: list[Timed], peaks: dict[str, float]) -> list[str]:
    """The lines of the table, one for each pass."""
    cells: list[tuple[str, ...]] = [("convolution", "count", "precision", "pass", "minicnn us", "cuDNN us", "ratio", "TFLOP/s", "cuDNN", "of limit", "cuDNN")]
    for row in rows:
        least = row.least(peaks)
        cells.append((
            row.conv.label, str(row.count), row.precision, row.direction, *(f"{1e6 * s:.1f}" if s else "" for s in (row.own, row.rival)),
            f"{row.rival / row.own:.2f}" if row.own and row.rival else "",
            *(f"{row.conv.operations / s / 1e12:.1f}" if s else "" for s in (row.own, row.rival)),
            *(f"{100 * least / s:.0f} %" if s else "" for s in (row.own, row.rival)),
        ))  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    words = (0, 2, 3)
    lines = ["  ".join(t.ljust(w) if k in words else t.rjust(w) for k, (t, w) in enumerate(zip(line, widths, strict=True))).rstrip() for line in cells]
    return [*lines, *totals(rows, peaks), *dict.fromkeys(f"{row.conv.label} {row.precision} {row.direction}: {e[:200]}" for row in rows for e in row.errors)]


def totals(rows: list[Timed], peaks: dict[str, float]) -> list[str]:
    """All convolutions of the network together, by precision and pass, of those that both sides have a figure for."""
    lines = []
    for precision in dict.fromkeys(row.precision for row in rows):
        for direction in PASSES:
            found = [row for row in rows if (row.precision, row.direction) == (precision, direction) and row.own]
            if not found:
                continue
            own, least = (sum(row.count * s for row, s in zip(found, each, strict=True)) for each in ([r.own or 0 for r in found], [r.least(peaks) for r in found]))
            rival = sum(row.count * row.rival for row in found if row.rival) if all(row.rival for row in found) else None
            beside = f", cuDNN {1e3 * rival:.2f} ms, ratio {rival / own:.2f}" if rival else ""
            lines.append(f"all together, {precision} {direction}: minicnn {1e3 * own:.2f} ms{beside}, limit {1e3 * least:.2f} ms")
    return lines
