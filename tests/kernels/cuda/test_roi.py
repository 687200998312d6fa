"""The pooling of regions of kernels/cuda: boxes of every kind on images of many channels, in every element type."""

import numpy as np
import pytest

from minicnn import kernels
from tests.kernels.cuda.compared import TYPES, channels_last, differs, planted

ALIGN = {"sampling_ratio": 0, "aligned": True}
BOXES = np.array([  # wholly inside, partly outside on every side, outside, one pixel; the second half on another image, overlapping
    [0, 1, 1, 4, 5], [0, -2, -1.5, 2, 3.5], [0, 4, 3, 9, 11], [0, 9, 1, 12, 3], [0, 2, 2, 2, 2],
    [1, 0, 0, 6, 7], [1, 1.5, 0.5, 5.5, 6.5], [1, 2, 1, 3, 7], [1, 3, 3, 3.5, 3.5],
])  # fmt: skip


def images(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def attributes(op, size, scale=1.0, **more):
    return {"output_size": size, "spatial_scale": scale, **((ALIGN | more) if op == "roi_align" else {})}


def boxes(op, scale=1.0):
    shift = 1 / 32 if op == "roi_align" else 0  # no point exactly at the edge beyond which nothing is seen
    return np.concatenate([BOXES[:, :1], (BOXES[:, 1:] + shift) / scale], axis=1)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("op", ["roi_pool", "roi_align"])
def test_every_element_type(op, dtype):
    x = images(2, 8, 8, 7)
    assert differs(op, [x, boxes(op, 0.5)], dtype, layout=channels_last_of_images, **attributes(op, (3, 2), 0.5)) == ""


@pytest.mark.parametrize("more", [{}, {"sampling_ratio": 2}, {"sampling_ratio": 3, "aligned": False}])
@pytest.mark.parametrize(("channels", "size"), [(1, (1, 1)), (6, (7, 3)), (4, (2, 9))])
def test_align(more, channels, size):
    assert differs("roi_align", [images(2, channels, 8, 7), boxes("roi_align")], "float64", **attributes("roi_align", size, **more)) == ""


@pytest.mark.parametrize(("channels", "size"), [(1, (1, 1)), (6, (7, 3)), (4, (2, 9))])
def test_of_equal_pixels_the_first_wins_and_nan_is_the_largest(channels, size):
    x = images(2, channels, 8, 7).round()
    x[np.random.default_rng(2).random(x.shape) < 0.05] = np.nan
    x[np.random.default_rng(3).random(x.shape) < 0.2] = -np.inf
    assert differs("roi_pool", [x, boxes("roi_pool")], **attributes("roi_pool", size)) == ""


@pytest.mark.parametrize("op", ["roi_pool", "roi_align"])
def test_results_and_gradients_are_channels_last(op):
    kernel, x = kernels.find(op, ["cuda"]), images(2, 4, 8, 7)
    y, saved = kernel.forward(x, boxes(op), **attributes(op, (2, 2)))
    dx, dboxes = kernel.backward(np.ones(y.shape), saved, needs=(True, True))
    assert y.transpose(0, 2, 3, 1).flags.c_contiguous
    assert dx.transpose(0, 2, 3, 1).flags.c_contiguous
    assert dboxes is None
    assert kernel.backward(y, saved, needs=(False, False)) == (None, None)


@pytest.mark.parametrize(
    ("op", "old", "new"),
    [
        ("roi_pool", "return {begin, end - begin + 1};", "return {begin, end - begin};"),
        ("roi_pool", "if (winner[from + l] == at.r * z.W + at.s) total[l] += REAL", "if (winner[from + l] == at.r * z.W + at.s) total[l] = REAL"),
        ("roi_align", "r.part * ((REAL(1) - s.part) * REAL(v10.v[l]) + s.part * REAL(v11.v[l]))", "r.part * (s.part * REAL(v10.v[l]) + (REAL(1) - s.part) * REAL(v11.v[l]))"),
        ("roi_align", "if (b.high == r) total += b.part;", "else if (b.high == r) total = b.part;"),
        ("roi_align", "total[l] += of_row[p]", "total[l] = of_row[p]"),
    ],
)  # fmt: skip
def test_a_mistake_would_be_seen(op, old, new, tmp_path):
    with planted(tmp_path, "roi.cu", old, new):
        assert differs(op, [images(2, 2, 8, 7), boxes(op)], **attributes(op, (3, 2)))


def channels_last_of_images(x):
    return channels_last(x) if x.ndim == 4 else x
