"""Dropout on a CPU: hash, compare and multiply in one compiled pass. The mask is never stored: backward hashes again."""

import math
from typing import Any

import numpy as np

from minicnn.kernels import counter
from minicnn.kernels.cpu.jit import jit
from minicnn.kernels.cpu.threads import over_images
from minicnn.kernels.types import Array, Needs, Saved

# In compiled code a mixture of unsigned and signed integers would become float64.
GAMMA, MIX1, MIX2 = np.uint64(counter.GAMMA), np.uint64(counter.MIX1), np.uint64(counter.MIX2)
S27, S30, S31, TOP = (np.uint64(n) for n in (27, 30, 31, 64 - counter.BITS))


def dropout_forward(x: Array, *, p: float, seed: int, mask_axes: int) -> tuple[Array, Saved]:
    """y = x / (1 - p) where the mask says keep, else 0; one draw for each index on the first `mask_axes` axes."""
    y = np.empty(x.shape, x.dtype)
    units, shared = math.prod(x.shape[:mask_axes]), math.prod(x.shape[mask_axes:])
    loop, shape = (_drop_elements, (units,)) if shared == 1 else (_drop_rows, (units, shared))
    source, result = np.ascontiguousarray(x).reshape(shape), y.reshape(shape)
    bar = np.uint64(math.ceil(p * 2**counter.BITS))  # u >= p, without the division
    zero, scale = x.dtype.type(0), x.dtype.type(1 / (1 - p) if p < 1 else 0)

    def part(start: int, stop: int) -> None:
        loop(source[start:stop], result[start:stop], np.uint64(seed), np.uint64(start), bar, zero, scale)

    over_images(units, part, cost=x.size)
    return y, (p, seed, mask_axes)


def dropout_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """The same mask from the same seed, applied to dy."""
    p, seed, mask_axes = saved
    return (dropout_forward(dy, p=p, seed=seed, mask_axes=mask_axes)[0] if needs[0] else None,)


@jit
def _drop_elements(x: Any, y: Any, seed: Any, first: Any, bar: Any, zero: Any, scale: Any) -> None:
    """Element i has number first + i of the stream. No branch depends on a draw, so that this becomes vector code."""
    z = seed + first * GAMMA
    for i in range(x.size):
        z += GAMMA
        scaled = scale * x[i]
        y[i] = scaled if _mix(z) >> TOP >= bar else zero


@jit
def _drop_rows(x: Any, y: Any, seed: Any, first: Any, bar: Any, zero: Any, scale: Any) -> None:
    """Row i, whose elements share a draw, has number first + i of the stream."""
    z = seed + first * GAMMA
    for i in range(x.shape[0]):
        z += GAMMA
        keep = _mix(z) >> TOP >= bar
        for j in range(x.shape[1]):
            y[i, j] = scale * x[i, j] if keep else zero


@jit
def _mix(z: Any) -> Any:
    """The hash of `minicnn.kernels.counter`."""
    z = (z ^ (z >> S30)) * MIX1
    z = (z ^ (z >> S27)) * MIX2
    return z ^ (z >> S31)
