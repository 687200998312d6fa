"""Says which passes make a convolution and its data gradient: the struct `Pass` of conv_pass.cuh, filled in.

Forward, one pass is enough: result (u, v) looks at rows u sh - top + i dh of the images, for the taps i = 0, 1, ...

The data gradient is a convolution of dy with the same filters, seen from the other side: pixel h of x was read by result p through tap i if
h = p sh - top + i dh, so dx[h] sums over the taps i for which p = (h + top - i dh) / sh is an integer. Which taps those are depends on h modulo sh only. So
the pixels fall into sh sw classes, and for each of them the gradient is a convolution with stride 1 and every so-many-th tap: a pass
for each, without a multiplication by zero.
"""

import functools
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minicnn.kernels.types import Padding, Window

_DIVISOR = [("divisor", np.uint32), ("multiplier", np.uint32), ("shift", np.uint32)]
FIELDS = np.dtype(
    [(name, np.int32) for name in ("M", "K", "C", "O")]
    + [("V", _DIVISOR), ("UV", _DIVISOR)]
    + [
        (name, np.int32)
        for name in (
            "IH", "IW", "pitch_in", "step_h", "step_w", "chunk", "taps_h", "taps_w", "tap_h0", "tap_dh", "tap_w0", "tap_dw",
            "w_first", "w_tap_h", "w_tap_w", "w_row", "w_group", "OH", "OW", "pitch_out", "out_h0", "out_w0", "out_step_h", "out_step_w", "plain", "dense",
        )
    ]
)  # fmt: skip


class Pass(NamedTuple):
    """A pass: results, length of the sum, channels read and written in one group; and all of it as the kernels get it, a structure `Pass`."""

    M: int
    K: int
    C: int
    O: int
    structure: Any


class Shape(NamedTuple):
    """The sizes and attributes of a convolution, C and O those of one group."""

    N: int
    H: int
    W: int
    C: int
    P: int
    Q: int
    O: int
    kernel_size: Window
    stride: Window
    padding: Padding
    dilation: Window
    groups: int


@functools.lru_cache(maxsize=4096)
def forward_pass(s: Shape, step: int = 0) -> Pass:
    """The pass from x (N, H, W, G C) with weights (G O, kh, kw, C) to y (N, P, Q, G O); in chunks of `step` channels, if it divides them."""
    kh, kw = s.kernel_size
    return _filled(
        M=s.N * s.P * s.Q, K=kh * kw * s.C, C=s.C, O=s.O, V=divisor(s.Q), UV=divisor(s.P * s.Q),
        IH=s.H, IW=s.W, pitch_in=s.groups * s.C, step_h=s.stride[0], step_w=s.stride[1],
        chunk=_chunk(s.C, step), taps_h=kh, taps_w=kw, tap_h0=-s.padding[0], tap_dh=s.dilation[0], tap_w0=-s.padding[2], tap_dw=s.dilation[1],
        w_first=0, w_tap_h=kw * s.C, w_tap_w=s.C, w_row=kh * kw * s.C, w_group=s.O * kh * kw * s.C,
        OH=s.P, OW=s.Q, pitch_out=s.groups * s.O, out_h0=0, out_w0=0, out_step_h=1, out_step_w=1,
    )  # fmt: skip


@functools.lru_cache(maxsize=4096)
def data_passes(s: Shape, step: int = 0) -> tuple[Pass, ...]:
    """The passes from dy (N, P, Q, G O) with weights (G, kh, kw, C, O) to dx (N, H, W, G C), which together write all of it."""
    rows = [_axis(a, s.H, s.kernel_size[0], s.stride[0], s.padding[0], s.dilation[0]) for a in range(min(s.stride[0], s.H))]
    columns = [_axis(b, s.W, s.kernel_size[1], s.stride[1], s.padding[2], s.dilation[1]) for b in range(min(s.stride[1], s.W))]
    return tuple(_data_pass(s, row, column, step) for row in rows for column in columns)


@dataclass(frozen=True, slots=True)
class _Axis:
    """One class of pixels along an axis: first + stride · u for u < count, and the taps that reach them."""

    first: int
    count: int
    taps: int
    first_tap: int
    tap_step: int
    offset: int  # of the result that the first tap comes from, counted from u
    offset_step: int


def _axis(first: int, size: int, kernel_size: int, stride: int, before: int, dilation: int) -> _Axis:
    taps = [i for i in range(kernel_size) if (first + before - i * dilation) % stride == 0]
    step = stride // math.gcd(stride, dilation)
    start = taps[0] if taps else 0
    return _Axis(
        first, -(-(size - first) // stride), len(taps), start, step, (first + before - start * dilation) // stride, -(dilation * step // stride)
    )


def _data_pass(s: Shape, row: _Axis, column: _Axis, step: int) -> Pass:
    kw, tap = s.kernel_size[1], s.C * s.O
    return _filled(
        M=s.N * row.count * column.count, K=row.taps * column.taps * s.O, C=s.O, O=s.C,
        V=divisor(column.count), UV=divisor(row.count * column.count),
        IH=s.P, IW=s.Q, pitch_in=s.groups * s.O, step_h=1, step_w=1,
        chunk=_chunk(s.O, step), taps_h=max(1, row.taps), taps_w=max(1, column.taps), tap_h0=row.offset, tap_dh=row.offset_step, tap_w0=column.offset, tap_dw=column.offset_step,
        w_first=(row.first_tap * kw + column.first_tap) * tap, w_tap_h=row.tap_step * kw * tap, w_tap_w=column.tap_step * tap,
        w_row=s.O, w_group=s.kernel_size[0] * kw * tap,
        OH=s.H, OW=s.W, pitch_out=s.groups * s.C, out_h0=row.first, out_w0=column.first, out_step_h=s.stride[0], out_step_w=s.stride[1],
    )  # fmt: skip


def _chunk(channels: int, step: int) -> int:
    return step if step and channels % step == 0 else channels


def divisor(d: int) -> tuple[int, int, int]:
    """What a kernel needs to divide by d with a multiplication: d, and m, l such that n // d = (n m // 2^32 + n) >> l for 0 <= n < 2^31.

    With l = ceil(log2 d) and m = floor(2^32 (2^l - d) / d) + 1.

    Source:
        Granlund & Montgomery 1994, "Division by invariant integers using multiplication", fig. 4.1.

    >>> d, m, l = divisor(7)
    >>> all((n * m // 2**32 + n) >> l == n // 7 for n in (0, 6, 7, 48, 2**31 - 1))
    True
    """
    shift = (d - 1).bit_length()
    return d, 2**32 * (2**shift - d) // d + 1, shift


def _filled(**values: Any) -> Pass:
    filled = np.zeros((), FIELDS)
    for name, value in values.items():
        filled[name] = value
    results = [values["UV"][0] // values["V"][0], values["V"][0], 1, 1]
    same = [values[name] for name in ("IH", "IW", "step_h", "step_w")] == results
    filled["plain"] = same and values["K"] == values["C"] and values["tap_h0"] == values["tap_w0"] == 0
    filled["dense"] = [values[name] for name in ("OH", "OW", "out_step_h", "out_step_w")] == results
    structure = filled.view(f"V{FIELDS.itemsize}")  # a lump of bytes: to describe all fields anew for each launch would take longer than the launch
    return Pass(values["M"], values["K"], values["C"], values["O"], structure)
