"""The adaptive pooling of kernels/cuda: bins that divide the image, that share pixels, that are more than there are pixels; and the whole image as one."""

import numpy as np
import pytest

from minicnn import kernels
from tests.kernels.cuda.compared import TYPES, channels_last, differs, planted

OPS = ["adaptive_avg_pool2d", "adaptive_max_pool2d"]


def images(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("output_size", [(1, 1), (7, 9), (3, 4), (2, 1), (1, 9), (5, 7), (10, 11)])
def test_bins_of_every_kind(op, output_size):
    assert differs(op, [images(2, 4, 7, 9)], output_size=output_size) == ""


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("op", OPS)
def test_every_element_type(op, dtype):
    for output_size in ((1, 1), (3, 2)):
        assert differs(op, [images(3, 8, 6, 5)], dtype, layout=channels_last, output_size=output_size) == ""


# Channels: fewer and more than a block has, and ragged ends. Pixels: fewer than a block has parts, one, many.
@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("shape", [(2, 1, 3, 3), (1, 3, 1, 1), (2, 12, 5, 1), (1, 4, 30, 31), (2, 132, 7, 7), (1, 260, 2, 3), (3, 5, 13, 11)])
def test_the_whole_image(op, shape):
    assert differs(op, [images(*shape)], layout=channels_last, output_size=(1, 1)) == ""


@pytest.mark.parametrize("output_size", [(1, 1), (2, 3)])
def test_of_equal_pixels_the_first_wins_and_nan_is_the_largest(output_size):
    x = images(2, 4, 12, 13).round()
    assert differs("adaptive_max_pool2d", [x], output_size=output_size) == ""
    assert differs("adaptive_max_pool2d", [np.full_like(x, -np.inf)], output_size=output_size) == ""
    x[np.random.default_rng(2).random(x.shape) < 0.05] = np.nan
    x[np.random.default_rng(3).random(x.shape) < 0.05] = np.inf
    assert differs("adaptive_max_pool2d", [x], output_size=output_size) == ""


@pytest.mark.parametrize("op", OPS)
def test_results_and_gradients_are_channels_last(op):
    kernel, x = kernels.find(op, ["cuda"]), images(2, 4, 6, 6)
    for output_size in ((1, 1), (2, 2)):
        y, saved = kernel.forward(x, output_size=output_size)
        (dx,) = kernel.backward(np.ones(y.shape), saved, needs=(True,))
        assert y.transpose(0, 2, 3, 1).flags.c_contiguous
        assert dx.transpose(0, 2, 3, 1).flags.c_contiguous
        assert kernel.backward(y, saved, needs=(False,)) == (None,)


@pytest.mark.parametrize("op", OPS)
def test_no_images(op):
    kernel, x = kernels.find(op, ["cuda"]), np.empty((0, 4, 6, 6))
    for output_size in ((1, 1), (2, 2)):
        y, saved = kernel.forward(x, output_size=output_size)
        assert y.shape == (0, 4, *output_size)
        assert kernel.backward(y, saved, needs=(True,))[0].shape == x.shape


@pytest.mark.parametrize(
    ("op", "old", "new"),
    [
        ("adaptive_avg_pool2d", "    __syncthreads();\n    if (threadIdx.y < half)\n      for (int l = 0; l < LANES; l++) sums", "    if (threadIdx.y < half)\n      for (int l = 0; l < LANES; l++) sums"),
        ("adaptive_max_pool2d", "equal ? places[l][other] < places[l][me] : beats", "beats"),
        ("adaptive_max_pool2d", "values[l][me] = theirs, places[l][me] = places[l][other];", "values[l][me] = theirs;"),
        ("adaptive_avg_pool2d", "(long long)(p + 1) * pixels + bins - 1", "(long long)(p + 1) * pixels"),
    ],
)  # fmt: skip
def test_a_mistake_would_be_seen(op, old, new, tmp_path):
    x = images(2, 3, 9, 7).round()
    x[0, 0, :, 3:] = -np.inf
    x[0, 1, 8, 6] = x[0, 1, 4, 2] = np.nan
    x[0, 2, :2] = -np.inf
    with planted(tmp_path, "adaptive_pool.cu", old, new):
        if op == "adaptive_avg_pool2d":
            x = images(2, 3, 9, 7)
        assert any(differs(op, [x], output_size=output_size) for output_size in ((1, 1), (2, 3)))
