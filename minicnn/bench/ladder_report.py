"""The table of `minicnn bench --ladder`, from what goes into JSON."""

from collections.abc import Sequence
from typing import Any

from minicnn.bench.gpu.convs import PASSES

Found = dict[str, Any]


def head(found: Found) -> list[str]:
    """Titles of the columns: a rung, then the same of each pass; in the simulator, the deviation of each pass."""
    if not found["gpu"]:
        return ["rung", "name", "precision", "reads", *PASSES]
    return ["rung", "name", "precision", *["us", "GFLOP/s", "of peak" if found["peaks"] else "of fastest", "times", "deviation"] * len(PASSES)]


def cells(found: Found, conv: Found) -> list[list[str]]:
    """A row for each rung of a convolution.

    "of peak" is what the units of that precision could do at their highest clock; "times": how many times faster than the rung below.
    """
    return [_row(found, conv, rung) for rung in conv["rungs"]]


def _row(found: Found, conv: Found, rung: Found) -> list[str]:
    row = [str(rung["rung"]), rung["name"], rung["precision"]]
    deviation = {p: f"{rung['deviation'][p]:.0e}" if p in rung["deviation"] else "" for p in PASSES}
    if not found["gpu"]:
        return [*row, f"{rung['reads']:g}", *deviation.values()]
    for direction in PASSES:
        row += [*_speed(found, conv, rung, direction), deviation[direction]]
    return row


def _speed(found: Found, conv: Found, rung: Found, direction: str) -> list[str]:
    seconds = rung["seconds"].get(direction)
    if seconds is None:
        return [""] * 4
    rate, lower = conv["operations"] / seconds, _below(conv, rung, direction)
    fastest = min(r["seconds"].get(direction, seconds) for r in conv["rungs"])
    share = rate / found["peaks"][rung["precision"]] if found["peaks"] else fastest / seconds
    return [f"{1e6 * seconds:.1f}", f"{rate / 1e9:,.0f}", f"{100 * share:.1f} %", f"{lower / seconds:.2f}" if lower else ""]


def _below(conv: Found, rung: Found, direction: str) -> float | None:
    """Seconds of the rung one lower, in the same precision if it is there."""
    lower = sorted((r for r in conv["rungs"] if r["rung"] == rung["rung"] - 1), key=lambda r: r["precision"] != rung["precision"])
    return lower[0]["seconds"].get(direction) if lower else None


def table(found: Found, conv: Found) -> list[str]:
    """A convolution, for a terminal."""
    rows = [head(found), *cells(found, conv)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(t.ljust(w) if k in (1, 2) else t.rjust(w) for k, (t, w) in enumerate(zip(row, widths, strict=True))) for row in rows]
    if found["gpu"]:
        starts = [sum(widths[: 3 + 5 * k]) + 2 * (3 + 5 * k) for k in range(len(PASSES))]
        lines.insert(0, "".join(" " * (start - last) + direction for start, last, direction in zip(starts, _ends(starts), PASSES, strict=True)))
    wrong = [f"rung {r['rung']}, {r['name']} in {r['precision']}: {r['error'] or 'NOT what the first rung gives'}" for r in conv["rungs"] if not r["right"]]
    return [f"{conv['label']}, batch {found['batch']}, {conv['operations'] / 1e9:.3g} GFLOP", *(line.rstrip() for line in lines), *wrong]


def _ends(starts: list[int]) -> list[int]:
    """Where the words end that stand before each start."""
    return [0, *(start + len(direction) for start, direction in zip(starts, PASSES[:-1], strict=False))]


def notes(found: Found) -> Sequence[str]:
    """What has to be known of the figures."""
    deviation = "deviation: the largest from the first rung, of its largest result"
    if not found["gpu"]:
        return [
            f"{deviation}; reads: numbers that a thread reads from global memory for each multiply-add, where tiles are full",
            "The simulator runs threads one after the other: no time here would say anything about a GPU. On one: --backend cupy",
        ]
    times = "times: so many times faster than the rung below (tensor in bf16 against implicit in fp32)"
    peaks = ", ".join(f"{name} {value / 1e12:.0f}" for name, value in found["peaks"].items())
    return [f"{times}; {deviation}", f"{found['gpu']}{': at the highest clock, ' + peaks + ' TFLOP/s' if peaks else ''}"]
