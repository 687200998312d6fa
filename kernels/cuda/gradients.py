"""Norm, clipping and unscaling of all gradients, in a few launches and without waiting for the GPU."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minicnn.kernels.array.module import array_module
from minicnn.kernels.cuda import elementwise, reduction
from minicnn.kernels.cuda.launch import THREADS, launch
from minicnn.kernels.cuda.tensors import Table, packed, tables
from minicnn.kernels.types import Array


def clip(gradients: Sequence[Array], max_norm: float) -> Array:
    """Scale all gradients, in place, by max_norm / (norm + 1e-6) if that is below 1 and their common norm finite.

    Args:
        gradients: arrays of types that the kernels know, without gaps in memory.
        max_norm: above 0, or infinite.

    Returns:
        An array of one float64, which may be not finite: the sum of their squares.
    """
    parts = _by_type(gradients)
    partial: Array = array_module(gradients[0]).zeros(max(1, sum(table.blocks for _, table in parts)), np.float64)
    start = 0
    for dtype, table in parts:
        _launch("sum_of_squares", dtype, table, partial[start:])
        start += table.blocks
    squares = reduction.sum_over(partial, (0,))
    for dtype, table in parts:
        _launch("clip", dtype, table, squares, float(max_norm))
    return squares


def unscale(gradients: Iterable[Array], scale: Array) -> Array:
    """Divide all gradients, in place, by scale[0], and tell whether all are finite afterwards.

    Args:
        gradients: arrays of types that the kernels know; there must be one.
        scale: of one float32, where the gradients are.

    Returns:
        An array of one int32: 0 if all numbers are finite, else 1. Updates of optimisers can be told to heed it (`optimizer.py`).
    """
    given = list(gradients)
    whole = [g if packed(g) else elementwise.copy(g) for g in given]
    found: Array = array_module(scale).zeros(1, np.int32)
    for dtype, table in _by_type(whole):
        _launch("unscale", dtype, table, scale, found)
    for gradient, unscaled in zip(given, whole, strict=True):
        if unscaled is not gradient:
            elementwise.assign(gradient, unscaled)
    return found


def _by_type(gradients: Iterable[Array]) -> list[tuple[Any, Table]]:
    types: dict[Any, list[tuple[Array]]] = {}
    for gradient in gradients:
        if gradient.size:
            types.setdefault(gradient.dtype, []).append((gradient,))
    return [(dtype, table) for dtype, rows in types.items() for table in tables(rows)]


def _launch(kernel: str, dtype: Any, table: Table, *arguments: Any) -> None:
    launch("gradients", kernel, table.blocks, THREADS, (table.tensors, *arguments), dtype=dtype)
