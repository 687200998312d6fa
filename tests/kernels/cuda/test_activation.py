"""The activations of kernels/cuda: several blocks with ragged ends, all element types, and every order in memory, which they keep."""

import numpy as np
import pytest

from minicnn import kernels
from tests.kernels.cuda.compared import (
    TYPES,
    backwards,
    channels_last,
    differs,
    dtype_of,
    off_by_one,
    planted,
)

OPS = ["relu", "leaky_relu", "relu6", "sigmoid", "tanh", "silu", "hardswish"]
SLOPE = {"leaky_relu": {"negative_slope": 0.2}}


def numbers(*shape):
    return 4 * np.random.default_rng(len(shape)).standard_normal(shape)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("op", OPS)
def test_numbers_of_several_blocks(op, dtype):
    assert differs(op, [numbers(2, 3, 37, 41)], dtype, **SLOPE.get(op, {})) == ""


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("shape", [(), (1,), (3,), (17, 1), (2, 3, 5, 7), (1, 4, 1, 1)])
def test_odd_shapes(op, shape):
    assert differs(op, [numbers(*shape)], **SLOPE.get(op, {})) == ""


@pytest.mark.parametrize("layout", [channels_last, off_by_one, np.asfortranarray, backwards])
def test_any_order_in_memory(layout):
    assert differs("relu", [numbers(4, 6, 5, 3)], layout=layout) == ""
    assert differs("silu", [numbers(4, 6, 5, 3)], layout=layout) == ""


@pytest.mark.parametrize("op", OPS)
def test_the_order_in_memory_is_kept(op):
    kernel, x = kernels.find(op, ["cuda"]), channels_last(numbers(2, 8, 5, 7).astype(np.float32))
    y, saved = kernel.forward(x, **SLOPE.get(op, {}))
    (dx,) = kernel.backward(np.ones(x.shape, x.dtype), saved, needs=(True,))
    assert y.strides == dx.strides == x.strides


@pytest.mark.parametrize("op", OPS)
def test_no_gradient_where_none_is_wanted(op):
    kernel, x = kernels.find(op, ["cuda"]), numbers(2, 3)
    _, saved = kernel.forward(x, **SLOPE.get(op, {}))
    assert kernel.backward(x, saved, needs=(False,)) == (None,)


def test_an_empty_array_stays_one():
    assert kernels.find("relu", ["cuda"]).forward(np.empty((0, 3, 2, 2)))[0].shape == (0, 3, 2, 2)


@pytest.mark.parametrize("dtype", TYPES)
def test_extreme_numbers(dtype):
    x = np.array([-np.inf, -1e4, -0.0, 0.0, 1e4, np.inf, np.nan], dtype_of(dtype))
    found = {op: kernels.find(op, ["cuda"]).forward(x, **SLOPE.get(op, {}))[0].astype(np.float64) for op in OPS}
    big = float(x[4])
    np.testing.assert_array_equal(found["relu"], [0, 0, 0, 0, big, np.inf, np.nan])
    np.testing.assert_array_equal(found["relu6"], [0, 0, 0, 0, 6, 6, np.nan])
    np.testing.assert_array_equal(found["sigmoid"], [0, 0, 0.5, 0.5, 1, 1, np.nan])
    np.testing.assert_array_equal(found["tanh"], [-1, -1, 0, 0, 1, 1, np.nan])
    np.testing.assert_array_equal(found["silu"][1:5], [0, 0, 0, big])
    np.testing.assert_array_equal(found["hardswish"][1:5], [0, 0, 0, big])
    np.testing.assert_array_equal(np.isnan(found["leaky_relu"]), np.isnan(x.astype(np.float64)))


def test_no_gradient_passes_a_unit_that_is_off_not_even_an_infinite_one():
    for op in ("relu", "relu6"):
        kernel = kernels.find(op, ["cuda"])
        _, saved = kernel.forward(np.array([-1.0, 0.0, 2.0]))
        np.testing.assert_array_equal(kernel.backward(np.array([np.inf, np.nan, 3.0]), saved, needs=(True,))[0], [0, 0, 3])


@pytest.mark.parametrize(
    ("op", "file", "old", "new"),
    [
        ("silu", "packs.cuh", "if (i + j < count) y[i + j] = pack.v[j];", "if (i + j + 1 < count) y[i + j] = pack.v[j];"),
        ("silu", "packs.cuh", "i + j < count ? x[i + j] : STORE(REAL(0))", "i + j + 1 < count ? x[i + j] : STORE(REAL(0))"),
        ("silu", "packs.cuh", "((long long)blockIdx.x * PACKS + k) * blockDim.x * WIDTH", "((long long)blockIdx.x + k) * blockDim.x * WIDTH"),
        ("relu6", "activation.cu", "v > REAL(6) ? REAL(6) : v;", "v > REAL(6) ? REAL(0) : v;"),
    ],
)
def test_a_mistake_would_be_seen(op, file, old, new, tmp_path):
    with planted(tmp_path, file, old, new):
        assert differs(op, [numbers(2, 3, 37, 41)])
