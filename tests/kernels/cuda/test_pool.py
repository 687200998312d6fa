"""The pooling of kernels/cuda: windows of every kind, channels of every number, all element types; ties, NaN and infinities; results channels last."""

import ml_dtypes
import numpy as np
import pytest

from minicnn import kernels
from tests.kernels.cuda.compared import TYPES, channels_last, differs, off_by_one, planted

MAX, AVG = "max_pool2d", "avg_pool2d"
# kernel_size, stride, padding (top, bottom, left, right), dilation, ceil_mode, (H, W)
WINDOWS = {
    "2x2": ((2, 2), (2, 2), (0, 0, 0, 0), (1, 1), False, (8, 6)),
    "3x3, stride 2, padded": ((3, 3), (2, 2), (1, 1, 1, 1), (1, 1), False, (9, 12)),
    "3x3, stride 2, hangs over": ((3, 3), (2, 2), (0, 0, 0, 0), (1, 1), True, (8, 10)),
    "3x3, stride 1": ((3, 3), (1, 1), (1, 1, 1, 1), (1, 1), False, (5, 7)),
    "gaps between windows": ((2, 1), (3, 4), (0, 0, 0, 0), (1, 1), False, (11, 10)),
    "uneven": ((3, 5), (1, 2), (0, 1, 2, 0), (1, 1), True, (6, 11)),
    "dilated": ((2, 3), (2, 1), (1, 0, 1, 1), (3, 2), False, (9, 8)),
    "the whole image": ((5, 4), (1, 1), (0, 0, 0, 0), (1, 1), False, (5, 4)),
    "one pixel": ((3, 3), (2, 2), (1, 1, 1, 1), (1, 1), False, (1, 1)),
}


def images(name, N=2, C=4, seed=0):
    return np.random.default_rng(seed).standard_normal((N, C, *WINDOWS[name][5]))


def attributes(op, name, counted=True):
    kernel_size, stride, padding, dilation, ceil_mode, _ = WINDOWS[name]
    own = {"dilation": dilation} if op == MAX else {"count_include_pad": counted}
    return {"kernel_size": kernel_size, "stride": stride, "padding": padding, "ceil_mode": ceil_mode, **own}


@pytest.mark.parametrize("name", WINDOWS)
def test_windows_of_every_kind(name):
    assert differs(MAX, [images(name)], **attributes(MAX, name)) == ""
    if WINDOWS[name][3] == (1, 1):
        for counted in (True, False):
            assert differs(AVG, [images(name)], layout=channels_last, **attributes(AVG, name, counted)) == ""


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("C", [1, 8, 40])
def test_channels_of_every_number(C, dtype):
    for op in (MAX, AVG):
        name = "3x3, stride 2, padded"
        assert differs(op, [images(name, C=C)], dtype, layout=channels_last, **attributes(op, name)) == ""


@pytest.mark.parametrize("op", [MAX, AVG])
def test_images_at_odd_addresses(op):
    def layout(x):
        return off_by_one(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)

    assert differs(op, [images("2x2")], layout=layout, **attributes(op, "2x2")) == ""


@pytest.mark.parametrize("op", [MAX, AVG])
def test_results_and_gradients_are_channels_last(op):
    kernel, x = kernels.find(op, ["cuda"]), images("2x2")
    y, saved = kernel.forward(x, **attributes(op, "2x2"))
    (dx,) = kernel.backward(np.ones(y.shape), saved, needs=(True,))
    assert y.transpose(0, 2, 3, 1).flags.c_contiguous
    assert dx.transpose(0, 2, 3, 1).flags.c_contiguous
    assert kernel.backward(y, saved, needs=(False,)) == (None,)


@pytest.mark.parametrize("name", ["2x2", "3x3, stride 2, padded", "dilated"])
def test_of_equal_pixels_the_first_wins(name):
    x = images(name).round()  # whole numbers from -3 to 3
    assert differs(MAX, [x], **attributes(MAX, name)) == ""
    assert differs(MAX, [np.zeros_like(x)], **attributes(MAX, name)) == ""
    assert differs(MAX, [np.full_like(x, -np.inf)], **attributes(MAX, name)) == ""


@pytest.mark.parametrize("name", ["2x2", "3x3, stride 2, padded", "dilated"])
def test_nan_is_the_largest_and_the_first_nan_wins(name):
    x = images(name)
    x[np.random.default_rng(2).random(x.shape) < 0.3] = np.nan
    x[np.random.default_rng(3).random(x.shape) < 0.2] = np.inf
    assert differs(MAX, [x], **attributes(MAX, name)) == ""


@pytest.mark.parametrize(("kernel_size", "taps"), [((16, 16), np.uint8), ((16, 17), np.int32)])
def test_windows_of_more_taps_than_a_byte_can_tell_apart(kernel_size, taps):
    x = np.zeros((1, 2, 16, 17), np.float32)
    x[0, 0, 15, kernel_size[1] - 1] = 1  # the last tap wins
    how = {"kernel_size": kernel_size, "stride": (1, 1), "padding": (0, 0, 0, 0), "dilation": (1, 1), "ceil_mode": False}
    _, (winner, *_) = kernels.find(MAX, ["cuda"]).forward(x, **how)
    assert winner.dtype == taps
    assert winner[0, 0, 0, 0] == kernel_size[0] * kernel_size[1] - 1
    assert differs(MAX, [x.astype(float)], **how) == ""


def test_no_images():
    for op in (MAX, AVG):
        kernel, x = kernels.find(op, ["cuda"]), np.empty((0, 4, 8, 6))
        y, saved = kernel.forward(x, **attributes(op, "2x2"))
        assert y.shape == (0, 4, 4, 3)
        assert kernel.backward(y, saved, needs=(True,))[0].shape == x.shape


def test_a_mean_in_16_bits_is_rounded_once():
    x = np.full((1, 1, 16, 16), 1.0078125)  # 1 + 2^-7 in bfloat16; the sum of 256 of them is far beyond its 8 bits
    how = {"kernel_size": (16, 16), "stride": (1, 1), "padding": (0, 0, 0, 0), "ceil_mode": False, "count_include_pad": False}
    y, _ = kernels.find(AVG, ["cuda"]).forward(x.astype(ml_dtypes.bfloat16), **how)
    assert float(y.item()) == 1.0078125


@pytest.mark.parametrize(
    ("op", "file", "old", "new"),
    [
        (MAX, "pixels.cuh", "!(v <= best) && best == best", "v >= best || v != v"),  # the last of equals wins
        (MAX, "pixels.cuh", "!(v <= best) && best == best", "v > best"),  # NaN is forgotten
        (MAX, "pool.cu", "tap[l] = rows.first * w.kw + columns.first;", "tap[l] = 0;"),  # -inf in the padding wins
        (MAX, "pool.cu", "start < 0 ? (-start + dilation - 1) / dilation : 0", "start < 0 ? -start / dilation : 0"),
        (MAX, "pool.cu", "end = place / stride + 1;", "end = place / stride;"),
        (MAX, "pool.cu", "(place - extent) / stride + 1", "(place - extent) / stride + 2"),
        (MAX, "pool.cu", "if (i * w.dh + p * w.sh != r) continue;", ""),
        (AVG, "pool.cu", "min(r + w.kh, w.H + w.low)", "(r + w.kh)"),
        (AVG, "pool.cu", "(size - start + dilation - 1) / dilation;", "(size - start - 1) / dilation;"),
    ],
)
def test_a_mistake_would_be_seen(op, file, old, new, tmp_path):
    with planted(tmp_path, file, old, new):
        said = ""
        for name in ("3x3, stride 2, padded", "dilated", "3x3, stride 2, hangs over"):
            if op == MAX or WINDOWS[name][3] == (1, 1):
                x = images(name, C=1)
                ties = x.round()
                ties[:, :, :3, :3] = -np.inf
                ties[:, :, -1, -1] = np.nan
                said = said or differs(op, [x], **attributes(op, name)) or (op == MAX and differs(op, [ties], **attributes(op, name)))
        assert said
