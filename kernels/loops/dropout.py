"""Dropout by its definition: one random number for each thing that is kept or dropped as a whole."""

import numpy as np

from minicnn.kernels.counter import BITS, GAMMA, MIX1, MIX2
from minicnn.kernels.types import Array, Needs, Saved


def dropout_forward(x: Array, *, p: float, seed: int, mask_axes: int) -> tuple[Array, Saved]:
    """Set each unit to zero with probability p, and divide the others by 1 - p (Srivastava et al. 2014, sec. 4).

        y[i, j] = x[i, j] / (1 - p) if u[i] >= p, else 0        with u[i] uniform in [0, 1)

    i counts the indices on the first `mask_axes` axes, which are drawn independently; j is all that shares a draw. With
    mask_axes = x.ndim every element has its own (dropout), with 2 every channel of an image (spatial dropout), with 1
    every sample (drop-path). The division ("inverted" dropout) keeps the expected value, so that nothing needs to be
    done in evaluation.
    """
    y = np.zeros(x.shape, x.dtype)
    for number, i in enumerate(np.ndindex(x.shape[:mask_axes])):
        if uniform(seed, number) >= p:
            y[i] = x[i] / (1 - p)
    return y, (p, seed, mask_axes)


def dropout_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """y is x times a factor, so dx is dy times the same factor: the same mask from the same seed."""
    p, seed, mask_axes = saved
    return (dropout_forward(dy, p=p, seed=seed, mask_axes=mask_axes)[0] if needs[0] else None,)


def uniform(seed: int, i: int) -> float:
    """Number i of the stream that belongs to `seed`. Python's integers do not wrap around, hence the remainders.

    >>> uniform(seed=0, i=0)
    0.8833107948303223
    """
    z = (seed + (i + 1) * GAMMA) % 2**64
    z = (z ^ (z >> 30)) * MIX1 % 2**64
    z = (z ^ (z >> 27)) * MIX2 % 2**64
    z = z ^ (z >> 31)
    return (z >> (64 - BITS)) * 2.0**-BITS
