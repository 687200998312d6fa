"""Launches kernels on images whose threads each compute a few channels of one pixel: see pixels.cuh."""

import math
from typing import Any

import numpy as np

from minicnn.kernels.cuda.launch import THREADS, blocks, launch
from minicnn.kernels.cuda.layout import address
from minicnn.kernels.types import Array


def lanes(images: Array) -> int:
    """How many channels of (N, H, W, C) a thread can read at once: at most 16 bytes, a divisor of C, and every address a multiple of their size.

    >>> lanes(np.zeros((1, 2, 2, 8), np.float32)), lanes(np.zeros((1, 2, 2, 6), np.float32)), lanes(np.zeros((1, 2, 2, 3), np.float32))
    (4, 2, 1)
    """
    return math.gcd(16 // images.itemsize, images.shape[3], address(images) // images.itemsize)


def over_pixels(source: str, kernel: str, images: Array, result: Array, args: tuple[Any, ...], macros: tuple[str, ...] = ()) -> None:
    """Launch `kernel(*args, threads)` with a thread for every pixel of `result` and as many channels as it can read at once of `images`."""
    if result.size:
        together = lanes(images)
        threads = result.size // together
        launch(source, kernel, blocks(threads), THREADS, (*args, np.int64(threads)), dtype=images.dtype, macros=(f"LANES={together}", *macros))
