"""Speed that must not be lost, seen without a stopwatch, or by ratios so wide that no busy machine can blur them."""

import platform
import re
import time

import llvmlite.binding
import numba
import numpy as np
import pytest

import minicnn
from minicnn import kernels, nn, ops
from minicnn.kernels.cpu import product, winograd_tiles

FUSED = re.compile(r"\bvfn?m(?:add|sub)\d*ps\b")
HAS_FMA = platform.machine().lower() in ("x86_64", "amd64") and llvmlite.binding.get_host_cpu_features().get("fma", False)


def assembly(function, *arguments):
    """The machine code of a compiled loop, compiled anew: what comes from the cache cannot be looked at."""
    compiled = numba.jit(**function.targetoptions)(function.py_func)
    compiled(*arguments)
    (text,) = compiled.inspect_asm().values()
    return text[: text.index("cpython")] if "cpython" in text else text


@pytest.mark.skipif(not HAS_FMA, reason="looks for the instructions of x86 processors since 2013")
def test_the_product_keeps_its_sums_in_registers():
    A, C = np.zeros(600, np.float32), np.zeros(600, np.float32)
    text = assembly(product._tile_of_rows, A, 0, np.arange(6), 0, np.arange(16), A, 0, A, 0, A[:0], C, 0, 16)
    loops = re.findall(r"^(\.LBB0_\d+):\n((?:(?!^\.LBB).*\n)*?)\tj\w+\t\1$", text, re.MULTILINE)
    fused = [len(FUSED.findall(body)) for _, body in loops]
    assert max(fused, default=0) >= 12, f"the inner loop has {fused} fused multiply-adds, where a round has 12"
    inner = loops[int(np.argmax(fused))][1]
    assert not re.search(r"\tv?movups\t%ymm\d+, ", inner), "a sum is stored inside the loop"
    assert "call" not in inner


@pytest.mark.parametrize("function", [product.product, product.add_product_of_columns])
def test_the_product_does_not_count_the_users_of_its_arrays(function):
    A, table = np.zeros(600, np.float32), np.arange(6)
    if function is product.product:
        text = assembly(function, A, 0, table, 6, table, A, 0, A, A[:0], A.copy(), 0, 16, 16, A)
    else:
        text = assembly(function, A, 0, table, 6, table, A, 0, 16, A.copy(), 0, 16, 16)
    assert "NRT_" not in text


@pytest.mark.skipif(not HAS_FMA, reason="looks for the instructions of x86 processors since 2013")
def test_winograds_transforms_work_on_whole_vectors():
    X = np.zeros(3000, np.float32)
    text = assembly(winograd_tiles.numbers_of_tile, 4, X, 0, 48, 8, np.zeros(288, np.float32), X, 0, 48, 8)
    assert len(re.findall(r"\tvaddps\t.*%ymm", text)) > 10
    assert not re.search(r"\tv(?:add|mul|sub)ss\t", text), "numbers are computed one by one"
    assert "callq" not in text.split("retq")[0]


@pytest.fixture
def one_thread():
    """In our kernels and in BLAS: a thread that waits for a processor would be measured with the rest."""
    minicnn.set_num_threads(1)
    yield
    minicnn.set_num_threads(None)


def least(*works, trials=7):
    """The least time of each, in turns: others on the machine can only add."""
    times = []
    for _ in range(trials + 1):
        row = []
        for work in works:
            start = time.perf_counter()
            work()
            row.append(time.perf_counter() - start)
        times.append(row)
    return np.min(times[1:], axis=0)


def convolution(folder, x, w):
    kernel = kernels.find("conv2d", [folder])

    def work():
        y, saved = kernel.forward(x, w, None, stride=(1, 1), padding=(1, 1, 1, 1), dilation=(1, 1), groups=1)
        kernel.backward(y, saved, needs=(True, True, False))

    return work


def test_a_convolution_is_far_faster_than_that_of_whole_arrays(one_thread):
    random = np.random.default_rng(0)
    x, w = random.standard_normal((8, 64, 28, 28), np.float32), random.standard_normal((64, 64, 3, 3), np.float32)
    fast, plain = least(convolution("cpu", x, w), convolution("array", x, w))
    print(f"{plain / fast:.1f} times as fast as whole arrays")
    assert plain / fast > 1.5, f"only {plain / fast:.1f} times"


def step(batch, size):
    minicnn.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.GlobalAvgPool2d(), nn.Flatten())
    x, labels = minicnn.rand(batch, 3, size, size), np.zeros(batch, np.int64)

    def work():
        net.zero_grad()
        ops.cross_entropy(net(x), labels).backward()

    return work


@pytest.mark.parametrize("what", ["images", "pixels"])
def test_the_cost_grows_no_faster_than_the_work(what, one_thread):
    """Eight times the work, at most 20 times the time: with a cost of the square it would be 64."""
    few, many = least(step(4, 32), step(32, 32) if what == "images" else step(4, 90))
    assert many / few < 20, f"{many / few:.1f} times"
