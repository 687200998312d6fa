"""Softmax in kernels/cuda: lines shorter and longer than a warp, along every axis, in every order in memory; large numbers, infinities."""

import numpy as np
import pytest

from minicnn import kernels
from tests.kernels.cuda.compared import TYPES, channels_last, differs, off_by_one, planted

OPS = ["softmax", "log_softmax"]


def numbers(*shape):
    return 3 * np.random.default_rng(len(shape)).standard_normal(shape)


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("K", [1, 2, 3, 10, 31, 32, 33, 100, 1000])
def test_lines_of_every_length(op, K):
    assert differs(op, [numbers(7, K)], axis=1) == ""


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("op", OPS)
def test_every_element_type(op, dtype):
    assert differs(op, [numbers(67, 19)], dtype, axis=1) == ""
    assert differs(op, [numbers(3, 5, 6, 7)], dtype, axis=1) == ""


@pytest.mark.parametrize("layout", [lambda x: x, channels_last, np.asfortranarray, off_by_one], ids=["C", "channels last", "F", "odd address"])
@pytest.mark.parametrize("axis", range(4))
@pytest.mark.parametrize("op", OPS)
def test_along_every_axis_in_every_order(op, axis, layout):
    assert differs(op, [numbers(3, 6, 4, 5)], layout=layout, axis=axis) == ""
    x = layout(numbers(3, 6, 4, 5))
    y, saved = kernels.find(op, ["cuda"]).forward(x, axis=axis)
    (dx,) = kernels.find(op, ["cuda"]).backward(x, saved, needs=(True,))
    assert y.strides == dx.strides == x.strides


@pytest.mark.parametrize("op", OPS)
def test_large_numbers_do_not_overflow(op):
    assert differs(op, [np.array([[1e4, 1e4, -1e4], [-1e38, 1e38, 0]])], axis=1) == ""


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("K", [4, 70])
def test_infinities(op, K):
    x = numbers(4, K)
    x[0, 1], x[1, :], x[2, 2], x[3, 3] = -np.inf, -np.inf, np.inf, np.nan
    with np.errstate(invalid="ignore"):
        expected, _ = kernels.find(op, ["array"]).forward(x, axis=1)
    y, _ = kernels.find(op, ["cuda"]).forward(x, axis=1)
    np.testing.assert_allclose(y, expected, rtol=1e-13)


def test_no_gradient_where_none_is_wanted():
    for op in OPS:
        kernel = kernels.find(op, ["cuda"])
        y, saved = kernel.forward(numbers(2, 3), axis=0)
        assert kernel.backward(y, saved, needs=(False,)) == (None,)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("lines.cuh", "for (int lanes = team / 2; lanes > 0; lanes /= 2) v += __shfl_xor_sync", "for (int lanes = team / 4; lanes > 0; lanes /= 2) v += __shfl_xor_sync"),
        ("lines.cuh", "number < lines ? K : 0", "number < lines ? K - 1 : 0"),
        ("lines.cuh", "exp(REAL(x[i]) - largest)", "exp(REAL(x[i]))"),
        ("softmax.cu", "REAL(y[i]) * (REAL(dy[i]) - total)", "REAL(y[i]) * REAL(dy[i])"),
    ],
)  # fmt: skip
def test_a_mistake_would_be_seen(file, old, new, tmp_path):
    with planted(tmp_path, file, old, new):
        assert any(differs("softmax", [x], axis=1) for x in (numbers(7, 40), 100 + numbers(7, 40)))
