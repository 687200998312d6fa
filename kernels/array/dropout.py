"""Dropout in whole-array arithmetic: the mask is one array expression."""

import math

from minicnn.kernels.array.module import array_module
from minicnn.kernels.counter import BITS, GAMMA, MIX1, MIX2
from minicnn.kernels.types import Array, Needs, Saved


def dropout_forward(x: Array, *, p: float, seed: int, mask_axes: int) -> tuple[Array, Saved]:
    """y = x / (1 - p) where the mask says keep, else 0; one draw for each index on the first `mask_axes` axes."""
    shape = x.shape[:mask_axes] + (1,) * (x.ndim - mask_axes)
    keep = _uniform(x, seed, math.prod(shape)).reshape(shape) >= p
    return _dropped(x, keep, p), (keep, p)


def dropout_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """dx = dy / (1 - p) where the mask says keep, else 0."""
    keep, p = saved
    return (_dropped(dy, keep, p) if needs[0] else None,)


def _dropped(x: Array, keep: Array, p: float) -> Array:
    scale = 1 / (1 - p) if p < 1 else 0.0
    return array_module(x).where(keep, x * scale, 0)


def _uniform(x: Array, seed: int, count: int) -> Array:
    """Numbers 0 to count - 1 of the stream that belongs to `seed`, beside `x`. Arrays of integers wrap around."""
    xp = array_module(x)
    z = xp.arange(1, count + 1, dtype=xp.uint64) * GAMMA + seed
    z = (z ^ (z >> 30)) * MIX1
    z = (z ^ (z >> 27)) * MIX2
    z = z ^ (z >> 31)
    return (z >> (64 - BITS)) * 2.0**-BITS
