"""A step taken apart: each kind of operation beside the limits of the machine, measured here and now.

An operation must do its multiply-adds and must move its arrays through memory. With P multiply-adds a second, as a large matrix product reaches, and B bytes a
second, as a copy reaches, it cannot take less than

    limit = max(multiply-adds / P, bytes / B)

(the roofline: Williams, Waterman & Patterson 2009). "of limit" is that time over the measured one: at 100 % nothing is left to gain with the
same arithmetic. Winograd's algorithm does less arithmetic, and small arrays never leave the cache, so that both can be above.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from minicnn.backend import use_backend
from minicnn.bench.contender import build
from minicnn.bench.workload import Workload, pose
from minicnn.profiling import Record, profile

SIZE = 1536  # rows and columns of the product: 9 MB a matrix, and 3.6 thousand million multiply-adds
COPIED = 1 << 26  # bytes: more than a cache holds
TRIALS = 7
STEPS, SECONDS, MOST = 3, 0.5, 60  # so many steps are profiled, or for so long, but not more than so many


@dataclass(frozen=True)
class Limits:
    """What the machine can do.

    Attributes:
        macs: multiply-adds a second of a large float32 matrix product by NumPy's BLAS, with all threads.
        bytes: a second, read and written, of a copy that no cache can hold, by minicnn's threads.
    """

    macs: float
    bytes: float


@dataclass(frozen=True)
class Part:
    """One kind of operation in a step: the same operation on arrays of the same shapes.

    Attributes:
        op: such as "Conv2d".
        phase: "forward", "backward" or "optimizer".
        input: shape of its first input.
        window: shape of its second input, the filters of a convolution; else ().
        calls: in a step.
        seconds: in a step, of all calls.
        macs: multiply-adds in a step.
        bytes: read and written in a step.
    """

    op: str
    phase: str
    input: tuple[int, ...]
    window: tuple[int, ...]
    calls: float
    seconds: float
    macs: float
    bytes: float

    def of_limit(self, limits: Limits) -> float:
        """The least time that the machine would need, over the time that it took."""
        return max(self.macs / limits.macs, self.bytes / limits.bytes) / self.seconds


def measure_limits() -> Limits:
    """Measure the machine: the best of some trials, since others can only make it slower."""
    from minicnn.kernels.cpu.threads import over_images

    a = np.ones((SIZE, SIZE), np.float32)
    y = np.empty_like(a)
    source, target = np.ones(COPIED // 4, np.float32), np.zeros(COPIED // 4, np.float32)

    def copy() -> None:
        over_images(source.size, lambda i, j: np.copyto(target[i:j], source[i:j]), cost=source.size)

    return Limits(SIZE**3 / _least(lambda: np.matmul(a, a, out=y)), 2 * COPIED / _least(copy))


def parts(workload: Workload, backend: str = "numba") -> tuple[list[Part], float]:
    """The operations of a step, the longest first; and the seconds of a step outside of all of them.

    Example:
        >>> rows, between = parts(Workload("LeNet5", (1, 32, 32), 2, "inference"), "numpy")
        >>> {row.op for row in rows} >= {"Conv2d", "Linear"}, between > 0
        (True, True)
    """
    with use_backend("numpy"):
        problem = pose(workload)
    step = build(problem, backend)
    step()
    start = time.perf_counter()
    step()
    steps = max(STEPS, min(MOST, int(SECONDS / (time.perf_counter() - start))))
    with profile() as p:
        for _ in range(steps):
            step()
    groups: dict[tuple[Any, ...], list[Record]] = {}
    for record in p.records:
        groups.setdefault((record.op, record.phase, *_shapes(record)), []).append(record)
    found = [
        Part(key[0], key[1], key[2], key[3], len(g) / steps, sum(r.own_seconds for r in g) / steps, sum(r.macs for r in g) / steps, sum(r.bytes for r in g) / steps)
        for key, g in groups.items()
    ]
    return sorted(found, key=lambda part: -part.seconds), p.between / steps


def table(rows: Sequence[Part], between: float, limits: Limits) -> list[str]:
    """The lines of the table."""
    total = sum(part.seconds for part in rows) + between
    cells = [("operation", "phase", "input", "filters", "calls", "ms", "share", "GMAC/s", "GB/s", "of limit")]
    for part in rows:
        rates = (f"{part.macs / part.seconds / 1e9:.1f}" if part.macs else "", f"{part.bytes / part.seconds / 1e9:.1f}" if part.bytes else "")
        cells.append((
            part.op, part.phase, _by(part.input), _by(part.window), f"{part.calls:g}", f"{1e3 * part.seconds:.2f}",
            f"{100 * part.seconds / total:.1f} %", *rates, f"{100 * part.of_limit(limits):.0f} %",
        ))  # fmt: skip
    cells.append(("between operations", "", "", "", "", f"{1e3 * between:.2f}", f"{100 * between / total:.1f} %", "", "", ""))
    cells.append(("a step", "", "", "", "", f"{1e3 * total:.2f}", "100.0 %", "", "", ""))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(text.ljust(w) if k < 4 else text.rjust(w) for k, (text, w) in enumerate(zip(row, widths, strict=True))).rstrip() for row in cells]
    rule = "-" * (sum(widths) + 2 * len(widths) - 2)
    return [lines[0], rule, *lines[1:-1], rule, lines[-1]]


def limits_line(limits: Limits) -> str:
    """What "of limit" refers to.

    >>> limits_line(Limits(9e10, 2e10))
    'limits of this machine: a large matrix product 90.0 GMAC/s, a copy 20.0 GB/s'
    """
    return f"limits of this machine: a large matrix product {limits.macs / 1e9:.1f} GMAC/s, a copy {limits.bytes / 1e9:.1f} GB/s"


def as_dict(workload: Workload, rows: Sequence[Part], between: float, limits: Limits) -> dict[str, Any]:
    """Everything for JSON."""
    return {
        "workload": asdict(workload),
        "limits": asdict(limits),
        "between_seconds": between,
        "parts": [asdict(part) | {"of_limit": part.of_limit(limits)} for part in rows],
    }


def _shapes(record: Record) -> tuple[tuple[int, ...], tuple[int, ...]]:
    shapes = [*record.input_shapes, (), ()]
    return shapes[0], shapes[1] if len(shapes[1]) == 4 and record.macs else ()


def _by(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))


def _least(work: Callable[[], object]) -> float:
    times = []
    for _ in range(TRIALS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)
