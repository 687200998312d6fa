"""The convolutions of kernels/cuda, at sizes of several tiles with ragged ends, in each of their ways and element types, against whole-array arithmetic."""

import contextlib
from unittest import mock

import ml_dtypes
import numpy as np
import pytest

from minicnn import kernels
from minicnn.errors import BackendError, SimulatorError
from minicnn.kernels.cuda import conv, precision
from minicnn.kernels.cuda.simulator import get_thread_order, set_memory_check, set_thread_order
from minicnn.kernels.cuda.simulator.settings import ORDERS
from tests.kernels.cuda.compared import planted

ARRAY, CUDA = kernels.find("conv2d", ["array"]), kernels.find("conv2d", ["cuda"])
# N, C, H, W, O, kernel_size, stride, padding, dilation, groups
SHAPES = {
    "3x3": (2, 72, 9, 11, 136, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1),
    "3x3, stride 2": (2, 64, 13, 9, 48, (3, 3), (2, 2), (1, 1, 1, 1), (1, 1), 1),
    "1x1": (3, 200, 7, 7, 72, (1, 1), (1, 1), (0, 0, 0, 0), (1, 1), 1),
    "1x1, stride 2": (2, 16, 11, 12, 24, (1, 1), (2, 2), (0, 0, 0, 0), (1, 1), 1),
    "first layer": (2, 3, 33, 31, 64, (7, 7), (2, 2), (3, 3, 3, 3), (1, 1), 1),
    "odd channels": (2, 13, 8, 9, 21, (3, 2), (1, 3), (0, 2, 1, 0), (2, 1), 1),
    "dilation and stride share a factor": (1, 8, 17, 19, 16, (3, 3), (4, 2), (2, 1, 3, 0), (2, 4), 1),
    "wide groups": (2, 64, 6, 7, 64, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 2),
    "wide groups of 64 and 36": (1, 128, 5, 5, 72, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 2),  # 16 bytes divide the one, but not the other
    "wide groups of odd size": (1, 66, 5, 7, 70, (3, 3), (1, 2), (1, 1, 1, 1), (1, 1), 2),
    "narrow groups": (2, 24, 9, 8, 36, (3, 3), (2, 1), (1, 1, 1, 1), (1, 1), 6),
    "depthwise": (2, 40, 9, 10, 40, (5, 5), (2, 2), (2, 2, 2, 2), (1, 1), 40),
    "depthwise of odd number": (2, 5, 9, 10, 5, (3, 3), (1, 1), (1, 1, 1, 1), (1, 2), 5),
    "depthwise, twice as many": (2, 6, 9, 10, 12, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 6),
    "many pixels": (2, 8, 40, 40, 8, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1),
    "one pixel": (1, 8, 1, 1, 8, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1),
}
# Relative deviation of a whole array, in the norm: what rounding the inputs to so many bits costs (TF32 11 bits, bfloat16 8).
KINDS = {"float64": 1e-14, "float32": 1e-6, "tf32": 7e-4, "float16": 7e-4, "bfloat16": 8e-3}


def computed(kernel, arrays, dy, attributes, dtype):
    x, w, b, dy = (np.asarray(a).astype(dtype) for a in (*arrays, dy))
    y, saved = kernel.forward(x, w, b, **attributes)
    return (y, *kernel.backward(dy, saved, needs=(True, True, True)))


def drawn(shape, seed=0):
    N, C, H, W, O, kernel_size, stride, padding, dilation, groups = SHAPES[shape]
    random = np.random.default_rng(seed)
    arrays = [random.standard_normal(s) for s in ((N, C, H, W), (O, C // groups, *kernel_size), (O,))]
    attributes = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    y, _ = ARRAY.forward(*arrays, **attributes)
    return arrays, random.standard_normal(y.shape), attributes


WAYS = [(shape, kind) for shape in SHAPES for kind in KINDS]
WAYS += [(shape, f"{kind} on hopper") for shape in ("3x3, stride 2", "first layer", "1x1", "wide groups") for kind in ("tf32", "bfloat16")]
WAYS += [("many pixels", "float16 on hopper")]


def deviations(shape, kind):
    """Of y, dx, dw and db from float64, and the element type."""
    arrays, dy, attributes = drawn(shape)
    kind, _, on_hopper = kind.partition(" on ")
    dtype = np.dtype({"tf32": "float32", "bfloat16": ml_dtypes.bfloat16}.get(kind, kind))
    before = precision.set_precision("tf32" if kind == "tf32" else "fp32")
    try:
        with mock.patch.object(conv, "_tensor_cores", return_value="hopper" if on_hopper else "tensor"):
            actual = computed(CUDA, arrays, dy, attributes, dtype)
    finally:
        precision.restore_precision(before)
    assert all(a.dtype == dtype for a in actual)
    expected = computed(ARRAY, arrays, dy, attributes, "float64")
    pairs = zip(("y", "dx", "dw", "db"), actual, expected, strict=True)
    with np.errstate(invalid="ignore"):  # a mistake may well produce NaN
        return {name: np.linalg.norm(a.astype("float64") - e) / np.linalg.norm(e) for name, a, e in pairs}


@pytest.mark.parametrize(("shape", "kind"), WAYS)
def test_all_ways_agree(shape, kind):
    wrong = {name: f"{d:.1e}" for name, d in deviations(shape, kind).items() if not d < KINDS[kind.partition(" on ")[0]]}
    assert not wrong


@pytest.mark.parametrize("kind", ["float32", "tf32", "bfloat16", "bfloat16 on hopper"])
def test_the_order_of_threads_does_not_matter(kind):
    """To the last digit: what differs is a race."""
    found = []
    for order in ORDERS:
        before = get_thread_order()
        set_thread_order(order, seed=3)
        try:
            found.append(deviations("3x3, stride 2", kind))
        finally:
            set_thread_order(*before)
    assert found[1:] == found[:-1]


def rounded(a):
    """float32 numbers with 11 bits, halves away from zero."""
    return ((a.astype(np.float32).view(np.uint32) + 0x1000) & 0xFFFFE000).view(np.float32).astype(np.float64)


def test_tf32_rounds_both_factors_and_nothing_else():
    """Compared with products of rounded numbers, only float32 sums are inexact: in each pass other factors meet."""
    (x, w, b), dy, attributes = drawn("3x3, stride 2")
    before = precision.set_precision("tf32")
    try:
        with mock.patch.object(conv, "_tensor_cores", return_value="tensor"):
            actual = computed(CUDA, (x, w, b), dy, attributes, np.dtype(np.float32))
    finally:
        precision.restore_precision(before)
    y, dx, dw, _ = computed(ARRAY, (rounded(x), rounded(w), b.astype(np.float32)), rounded(dy), attributes, "float64")
    for a, e in zip(actual, (y, dx, dw), strict=False):
        assert np.linalg.norm(a - e) / np.linalg.norm(e) < 1e-6


@contextlib.contextmanager
def memory_check():
    set_memory_check(True)
    try:
        yield
    finally:
        set_memory_check(False)


@pytest.mark.parametrize("kind", ["float32", "tf32", "bfloat16", "bfloat16 on hopper"])
def test_every_read_and_write(kind):
    with memory_check():
        assert all(d < KINDS[kind.partition(" on ")[0]] for d in deviations("3x3, stride 2", kind).values())


def test_a_race_that_no_order_shows(tmp_path):
    """Results are put where other warps may still read numbers: right in every order of the simulator's, since a thread runs until it waits."""
    old = "  copy_async_wait<0>();\n  __syncthreads();"
    with planted(tmp_path, "conv_tensor.cu", old, "  copy_async_wait<0>();"), memory_check(), pytest.raises(SimulatorError, match="with no barrier between"):
        deviations("3x3, stride 2", "bfloat16")


# file, a line of it, what a hand might write instead, and a case that runs it
MISTAKES = {
    "no barrier before numbers are read": ("conv_gather", "    __syncthreads();  // this step's", "    // this step's", "float32"),
    "no barrier before copies are read": ("conv_tensor", "    __syncthreads();  // everybody's", "    // everybody's", "bfloat16"),
    "no barrier before a buffer is filled again": ("conv_tensor_weights", "    copy_async_wait<STAGES - 2>();\n    __syncthreads();", "    copy_async_wait<STAGES - 2>();", "tf32"),
    "waits for a copy too few": ("conv_tensor", "copy_async_wait<STAGES - 2>", "copy_async_wait<STAGES - 1>", "bfloat16"),
    "halo one pixel too wide": ("conv_pass.cuh", "(unsigned)(window.row + row) < (unsigned)p.IH", "(unsigned)(window.row + row) <= (unsigned)p.IH", "float32"),
    "fragment of the left factor transposed": ("conv_tensor", "ldmatrix_x4(a[i]", "ldmatrix_x4_trans(a[i]", "bfloat16"),
    "fragment of the left factor shifted": ("conv_tensor", "2 * k + lane / 16)", "2 * k + lane / 8 % 2)", "tf32"),
    "fragments of the right factor exchanged": ("conv_tensor", "b[j][1] = two[1], b[j + 1][0] = two[2]", "b[j][1] = two[2], b[j + 1][0] = two[1]", "bfloat16"),
    "results of a fragment in the wrong rows": ("conv_tensor", "lane / 4 + e / 2 * 8", "lane / 4 + e % 2 * 8", "bfloat16"),
    "pieces of a row not where they are looked for": ("conv_tensor", "lane % 16, 2 * k + lane / 16", "lane % 16, (2 * k + lane / 16) ^ 1", "bfloat16"),
    "weight gradient: fragment not transposed": ("conv_tensor_weights", "ldmatrix_x4_trans(a[i]", "ldmatrix_x4(a[i]", "bfloat16"),
    "weight gradient: columns of 32-bit numbers": ("conv_tensor_weights", "n * 4 + i % 4", "n + i % 4 * 8", "tf32"),
    "hopper: products overtaken by copies": ("conv_hopper", "wgmma_wait<0>();\n    __syncthreads();  //", "wgmma_wait<2>();\n    __syncthreads();  //", "bfloat16 on hopper"),
    "hopper: second half of the rows": ("conv_hopper", "part + i * 64 + t / 32 % 4 * 16", "part + i * 64 + t / 32 % 2 * 16", "bfloat16 on hopper"),
    "hopper: distance of the columns": ("conv_hopper_weights", "operand(right + k * 2048, 1024, BLOCK)", "operand(right + k * 2048, 1024, 2 * BLOCK)", "bfloat16 on hopper"),
    "part of the pixels forgotten": ("conv_parts", "part < count; part++", "part < count - 1; part++", "float32"),
    "division": ("conv_pass.cuh", "+ (unsigned)n) >> shift", "+ (unsigned)n + 1) >> shift", "float32"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_planted_mistake_is_seen(name, tmp_path):
    file, old, new, kind = MISTAKES[name]
    limit = KINDS[kind.partition(" on ")[0]]
    with planted(tmp_path, file if "." in file else f"{file}.cu", old, new):
        assert any(is_seen(kind, limit, order) for order in ORDERS)


def is_seen(kind, limit, order):
    before = get_thread_order()
    set_thread_order(order, seed=3)
    try:
        return any(not d < limit for shape in ("3x3, stride 2", "3x3") for d in deviations(shape, kind).values())
    except SimulatorError:
        return True
    finally:
        set_thread_order(*before)


def test_arrays_that_begin_anywhere():
    """16 bytes at once can only be read from where 16 divides the address; a piece of a larger array may begin elsewhere."""
    arrays, dy, attributes = drawn("3x3")
    whole = [np.concatenate([[0], a.ravel()]).astype(ml_dtypes.bfloat16) for a in (*arrays, dy)]
    x, w, b, dy = (v[1:].reshape(a.shape) for v, a in zip(whole, (*arrays, dy), strict=True))
    y, saved = CUDA.forward(x, w, b, **attributes)
    copies = [a.copy() for a in (x, w, b, dy)]
    again, saved_again = CUDA.forward(*copies[:3], **attributes)
    results = (y, *CUDA.backward(dy, saved, needs=(True, True, True)))
    for one, other in zip(results, (again, *CUDA.backward(copies[3], saved_again, needs=(True, True, True))), strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize(("size", "kernel_size"), [((1, 40_000), (1, 3)), ((40_000, 1), (3, 1))])
def test_images_that_are_wider_or_higher_than_16_bits_count(size, kernel_size):
    x, w = np.ones((1, 8, *size), ml_dtypes.bfloat16), np.ones((8, 8, *kernel_size), ml_dtypes.bfloat16)
    y, _ = CUDA.forward(x, w, None, stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1), groups=1)
    assert (y == 24).all()


def test_arrays_of_more_numbers_than_the_kernels_count():
    with pytest.raises(BackendError, match=r"conv2d: an array of 3,288,334,336 numbers is too large for the CUDA kernels, which count up to 2,147,483,648: make the batch smaller"):
        conv._check_size(np.zeros(1), np.zeros(1), 1024 * 64 * 224**2)
