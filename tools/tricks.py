"""Small experiments for docs/where_the_time_goes.md: something done plainly and with one trick, in turns, the best time of each."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

import minicnn
from minicnn import kernels
from minicnn.kernels.cpu import arena
from minicnn.kernels.cpu.activation import relu_backward, relu_forward
from minicnn.kernels.cpu.batch_norm import (
    batch_norm_backward,
    batch_norm_forward,
    batch_norm_relu_backward,
    batch_norm_relu_forward,
)
from minicnn.kernels.cpu.blas import single_threaded
from minicnn.kernels.cpu.jit import jit
from minicnn.kernels.cpu.product import ROWS, add_product_of_columns, product, row_length, tile_columns
from minicnn.kernels.cpu.threads import SMALL, num_threads, over_images

REGIONS, BETWEEN = 100, 2e-4  # seconds
Work = Callable[[], float | None]
"""What is timed; if it returns seconds, these count instead."""
SAME = {"stride": (1, 1), "padding": (1, 1, 1, 1), "dilation": (1, 1), "groups": 1}


def measure(quick: bool = False) -> dict[str, dict[str, Any]]:
    """All experiments: for each its two ways in words, and the seconds of both."""
    rounds, N = (2, 2) if quick else (15, 16)
    experiments = [product_of_one_core(), rows_of_a_power_of_two(), winograd(N), joined(N), memory(), threads()]
    found = {}
    for name, plain, plain_work, tricky, tricky_work in experiments:
        seconds = least(rounds, plain_work, tricky_work)
        found[name] = {"plain": plain, "plain_seconds": seconds[0], "tricky": tricky, "tricky_seconds": seconds[1]}
    return found


def least(rounds: int, *works: Work) -> list[float]:
    """The least time of each, in turns, after a first call that compiles."""
    for work in works:
        work()
    best = [np.inf] * len(works)
    for _ in range(rounds):
        for k, work in enumerate(works):
            work()  # so that the other one's threads are asleep, and this one's memory is in the cache
            start = time.perf_counter()
            told = work()
            best[k] = min(best[k], time.perf_counter() - start if told is None else told)
    return best


def product_of_one_core() -> tuple[str, str, Work, str, Work]:
    """Our product of matrices beside BLAS, both in one thread."""
    M, K, N = 384, 576, 256
    tile = tile_columns(np.float32)
    A, B = np.ones((M, K), np.float32), np.ones((K, N), np.float32)
    panels = np.ascontiguousarray(B.reshape(K, N // tile, tile).swapaxes(0, 1)).reshape(-1)
    C, zeros, edge = np.empty((M, N), np.float32), np.zeros(N, np.float32), np.empty(ROWS * tile, np.float32)
    flat, result, rows, columns = A.reshape(-1), C.reshape(-1), K * np.arange(M), np.arange(K)

    def blas() -> None:
        with single_threaded():
            for _ in range(10):
                np.matmul(A, B, out=C)

    def own() -> None:
        for _ in range(10):
            product(flat, 0, rows, M, columns, panels, 0, zeros, zeros[:0], result, 0, N, N, edge)

    return "product", f"BLAS, ten products of {M}x{K} and {K}x{N}, one thread", blas, "`product.py`, with B in panels already", own


def rows_of_a_power_of_two() -> tuple[str, str, Work, str, Work]:
    """The same product with rows of 2048 bytes, and with rows an odd number of cache lines apart."""
    K, M, N, columns = 96, 48, 64, 512

    def work(length: int) -> Work:
        A, B, C = np.zeros(K * length, np.float32), np.zeros(K * length, np.float32), np.zeros(M * N, np.float32)
        rows, numbers = length * np.arange(K), np.arange(M)
        return lambda: many_products(A, B, C, rows, numbers, length, N)

    return (
        "rows", f"200 products of {M}x{K} and {K}x{N}, rows {4 * columns} bytes apart", work(columns),
        f"rows {4 * row_length(columns, 4)} bytes apart", work(row_length(columns, 4)),
    )  # fmt: skip


@jit
def many_products(A: Any, B: Any, C: Any, rows: Any, columns: Any, length: int, N: int) -> None:
    """C += Aᵀ B, again and again."""
    for _ in range(200):
        add_product_of_columns(A, 0, rows, rows.size, columns, B, 0, length, C, 0, N, N)


def winograd(images: int) -> tuple[str, str, Work, str, Work]:
    """A convolution of ResNet18's first stage, forward and backward."""
    random = np.random.default_rng(0)
    x = np.ascontiguousarray(random.standard_normal((images, 56, 56, 64), np.float32)).transpose(0, 3, 1, 2)
    w = random.standard_normal((64, 64, 3, 3), np.float32)
    kernel = kernels.find("conv2d", ["cpu"])

    def work(algorithm: str) -> Work:
        def step() -> None:
            minicnn.set_conv_algorithm(algorithm)
            try:
                y, saved = kernel.forward(x, w, None, **SAME)
                kernel.backward(y, saved, needs=(True, True, False))
            finally:
                minicnn.set_conv_algorithm("auto")

        return step

    return "winograd", f"3x3 convolution, {images}x64x56x56, all three products, by `columns.py`", work("gemm"), "by `winograd.py`", work("auto")


def joined(images: int) -> tuple[str, str, Work, str, Work]:
    """Batch norm and ReLU, forward and backward."""
    x = np.random.default_rng(0).standard_normal((images, 56, 56, 64), np.float32).transpose(0, 3, 1, 2)
    line = np.ones(64, np.float32), np.zeros(64, np.float32), None, None
    everything = (True, True, True, False, False)

    def apart() -> None:
        (y, _, _), saved = batch_norm_forward(x, *line, training=True, eps=1e-5)
        z, kept = relu_forward(y)
        dy = relu_backward(z, kept, needs=(True,))[0]
        if dy is not None:
            batch_norm_backward(dy, saved, needs=everything)

    def together() -> None:
        (z, _, _), saved = batch_norm_relu_forward(x, *line, training=True, eps=1e-5, ceiling=np.inf)
        batch_norm_relu_backward(z, saved, needs=everything)

    return "joined", f"batch norm, then ReLU, {images}x64x56x56, forward and backward", apart, "as one operation", together


def memory() -> tuple[str, str, Work, str, Work]:
    """51 MB, the result of ResNet18's first convolution for 16 images, new and used."""
    shape = (16, 112, 112, 64)
    return (
        "memory", "new memory of 51 MB, filled", lambda: np.empty(shape, np.float32).fill(1),
        "used memory of the arena", lambda: arena.empty(shape, np.float32).fill(1),
    )  # fmt: skip


def threads() -> tuple[str, str, Work, str, Work]:
    """Regions in which no thread has anything to do; between them, one works in Python for a while, as in a step."""
    pool, count = ThreadPoolExecutor(num_threads()), num_threads()

    def nothing(start: int, stop: int) -> None:
        pass

    def seconds(region: Callable[[], object]) -> float:
        spent = 0.0
        for _ in range(REGIONS):
            start = time.perf_counter()
            region()
            end = time.perf_counter()
            spent += end - start
            while time.perf_counter() < end + BETWEEN:
                pass
        return spent

    def by_pool() -> float:
        return seconds(lambda: list(pool.map(nothing, range(count), range(count))))

    def by_team() -> float:
        return seconds(lambda: over_images(count, nothing, SMALL))

    name = f"{REGIONS} empty regions, {1e6 * BETWEEN:.0f} µs of Python between them, by Python's `ThreadPoolExecutor`"
    return "threads", name, by_pool, "by `threads.py`", by_team


