"""Filters in the order in which the matrix product reads them: panels, as `product.py` describes them."""

from typing import Any

import numpy as np

from minicnn.kernels.cpu import arena
from minicnn.kernels.cpu.jit import jit
from minicnn.kernels.cpu.product import tile_columns, whole_tiles
from minicnn.kernels.cpu.threads import over_images
from minicnn.kernels.types import Array

STRIDED = 4  # a number that is not beside the one before takes as long as so many that are


def panels_of(w: Array) -> Array:
    """Filters (G, kh, kw, C, N) as matrices (G, K, N), in panels for the product: (G, strips, K, columns of a strip)."""
    G, kh, kw, C, N = w.shape
    tile = tile_columns(w.dtype)
    panels = arena.zeros((G, whole_tiles(N, w.dtype) // tile, kh * kw * C, tile), w.dtype)
    loop, taps = _pack_rows if w.strides[4] < w.strides[3] else _pack_columns, w.reshape(G, kh * kw, C, N)
    over_images(panels.shape[1], lambda start, stop: loop(taps, panels, start, stop), cost=STRIDED * panels.size)
    return panels


def panels_of_transpose(w: Array) -> Array:
    """Filters (G, O, C, kh, kw) as matrices (G, O, kh kw C), in panels."""
    G, O, C, kh, kw = w.shape
    return panels_of(np.ascontiguousarray(w.transpose(0, 1, 3, 4, 2)).reshape(G, 1, 1, O, kh * kw * C))


@jit
def _pack_rows(w: Any, panels: Any, start: int, stop: int) -> None:
    """Strips start..stop-1 of the panels, where neighbouring columns are neighbours in w (G, taps, C, N), too."""
    G, taps, C, N = w.shape
    tile = panels.shape[3]
    for g in range(G):
        for strip in range(start, stop):
            columns = min(tile, N - strip * tile)
            for tap in range(taps):
                for c in range(C):
                    row, source = panels[g, strip, tap * C + c], w[g, tap, c, strip * tile : strip * tile + columns]
                    for n in range(columns):
                        row[n] = source[n]


@jit
def _pack_columns(w: Any, panels: Any, start: int, stop: int) -> None:
    """The same where a column's numbers are neighbours in w."""
    G, taps, C, N = w.shape
    tile = panels.shape[3]
    for g in range(G):
        for strip in range(start, stop):
            for n in range(min(tile, N - strip * tile)):
                for tap in range(taps):
                    column, source = panels[g, strip, tap * C : tap * C + C, n], w[g, tap, :, strip * tile + n]
                    for c in range(C):
                        column[c] = source[c]
