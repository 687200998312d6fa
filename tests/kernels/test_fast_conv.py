"""The CPU's convolutions at awkward sizes, in both element types, with one thread and several, from any layout in memory."""

import math

import numpy as np
import pytest

from minicnn.kernels.array import conv as reference
from minicnn.kernels.cpu import conv as cpu
from minicnn.kernels.cpu import threads

ONE = (1, 1)
CASES = {
    # name: images (N, C, H, W), filters (O, C/G, kh, kw), stride, padding, dilation, groups
    "a single pixel": ((1, 3, 1, 1), (5, 3, 1, 1), ONE, (0, 0, 0, 0), ONE, 1),
    "1x1 images, 3x3 windows": ((2, 16, 1, 1), (8, 16, 3, 3), ONE, (1, 1, 1, 1), ONE, 1),
    "7x7 with stride 2": ((1, 3, 15, 13), (64, 3, 7, 7), (2, 2), (3, 3, 3, 3), ONE, 1),
    "7x7 images with stride 2": ((3, 20, 7, 7), (24, 20, 3, 3), (2, 2), (1, 1, 1, 1), ONE, 1),
    "more channels than pixels": ((1, 200, 3, 2), (130, 200, 3, 3), ONE, (1, 1, 1, 1), ONE, 1),
    "more channels than pixels, Winograd": ((1, 208, 5, 4), (136, 208, 3, 3), ONE, (1, 1, 1, 1), ONE, 1),
    "odd everything": ((3, 7, 11, 5), (9, 7, 3, 5), (3, 2), (2, 0, 1, 3), (2, 1), 1),
    "one channel, six filters": ((5, 1, 32, 32), (6, 1, 5, 5), ONE, (0, 0, 0, 0), ONE, 1),
    "six channels": ((4, 6, 14, 14), (16, 6, 5, 5), ONE, (0, 0, 0, 0), ONE, 1),
    "more padding than window": ((2, 8, 4, 5), (8, 8, 3, 3), ONE, (3, 4, 3, 5), ONE, 1),
    "pointwise": ((3, 24, 5, 7), (40, 24, 1, 1), ONE, (0, 0, 0, 0), ONE, 1),
    "pointwise with stride": ((3, 24, 9, 7), (40, 24, 1, 1), (2, 2), (0, 0, 0, 0), ONE, 1),
    "pointwise with padding": ((1, 4, 3, 3), (4, 4, 1, 1), ONE, (1, 0, 2, 1), ONE, 1),
    "dilated": ((2, 16, 13, 12), (24, 16, 3, 3), ONE, (2, 2, 2, 2), (2, 2), 1),
    "pixels that no window sees": ((2, 8, 10, 10), (16, 8, 3, 3), (4, 4), (0, 0, 0, 0), ONE, 1),
    "groups": ((2, 12, 9, 8), (18, 4, 3, 3), ONE, (1, 1, 1, 1), ONE, 3),
    "groups of two and of three channels": ((2, 48, 7, 6), (32, 3, 1, 1), ONE, (0, 0, 0, 0), ONE, 16),
    "many groups": ((2, 32, 6, 6), (64, 1, 3, 3), (2, 2), (1, 1, 1, 1), ONE, 32),
    "depthwise": ((2, 24, 9, 10), (24, 1, 3, 3), ONE, (1, 1, 1, 1), ONE, 24),
    "depthwise, odd channels": ((2, 11, 7, 9), (11, 1, 5, 5), (2, 2), (2, 2, 2, 2), ONE, 11),
    "depthwise, dilated": ((1, 40, 12, 9), (40, 1, 3, 3), ONE, (2, 1, 2, 0), (2, 2), 40),
    "depthwise, wide": ((1, 136, 5, 21), (136, 1, 3, 3), ONE, (1, 1, 1, 1), ONE, 136),
    "depthwise, two filters a channel": ((2, 6, 8, 8), (12, 1, 3, 3), (2, 1), (1, 1, 1, 1), ONE, 6),
    "depthwise, window as large as the image": ((2, 8, 3, 3), (8, 1, 7, 7), ONE, (3, 3, 3, 3), ONE, 8),
}
TOLERANCE = {np.float64: 1e-13, np.float32: 5e-5}  # of the largest number; float32 may go through Winograd's algorithm


@pytest.fixture(autouse=True)
def as_it_was():
    yield
    threads.set_num_threads(None)


def as_given(x):
    return x


def channels_last(x):
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


def with_gaps(x):
    wide = np.full((*x.shape[:3], 2 * x.shape[3]), np.nan, x.dtype)
    wide[..., ::2] = x
    return wide[..., ::2]


def mirrored(x):
    return np.ascontiguousarray(x[:, :, ::-1, ::-1])[:, :, ::-1, ::-1]


def draw(name):
    x, w, stride, padding, dilation, groups = CASES[name]
    random = np.random.default_rng(sum(map(ord, name)))
    arrays = random.standard_normal(x), random.standard_normal(w), random.standard_normal(w[0])
    return arrays, {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}


def compare(name, dtype, turn, relu=None):
    arrays, attributes = draw(name)
    forward, backward, extra = reference.conv2d_forward, reference.conv2d_backward, {}
    fast, fast_backward = cpu.conv2d_forward, cpu.conv2d_backward
    if relu is not None:
        forward, backward, extra = reference.conv2d_relu_forward, reference.conv2d_relu_backward, {"ceiling": relu}
        fast, fast_backward = cpu.conv2d_relu_forward, cpu.conv2d_relu_backward
    y, saved = forward(*arrays, **attributes, **extra)
    before = reference.conv2d_forward(*arrays, **attributes)[0]
    largest = np.abs(before).max()
    dy = np.random.default_rng(9).standard_normal(y.shape)
    if relu is not None:  # rounding decides for what is at the kinks
        dy[(np.abs(before) < 1e-3 * largest) | (np.abs(before - relu) < 1e-3 * largest)] = 0
    expected = (y, *backward(dy, saved, needs=(True, True, True)))
    x, w, b, dy = (array.astype(dtype) for array in (*arrays, dy))
    y, saved = fast(turn(x), w, b, **attributes, **extra)
    actual = (y, *fast_backward(turn(dy), saved, needs=(True, True, True)))
    for what, one, two in zip(("y", "dx", "dw", "db"), actual, expected, strict=True):
        assert one.dtype == dtype
        assert one.shape == two.shape
        error = np.abs(one - two).max() / (largest if what == "y" else np.abs(two).max())
        assert error < TOLERANCE[dtype], f"{what} is off by {error:.1e} of its largest number"


@pytest.mark.parametrize("number_of_threads", [1, 3])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", CASES)
def test_equals_the_definition(name, dtype, number_of_threads, monkeypatch):
    monkeypatch.setattr(threads, "SMALL", 1)
    threads.set_num_threads(number_of_threads)
    compare(name, dtype, as_given)


@pytest.mark.parametrize("turn", [channels_last, with_gaps, mirrored])
@pytest.mark.parametrize("name", ["7x7 with stride 2", "more channels than pixels, Winograd", "depthwise", "pointwise", "groups"])
def test_from_any_layout(name, turn):
    compare(name, np.float32, turn)


@pytest.mark.parametrize("ceiling", [math.inf, 6.0])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ["odd everything", "six channels", "more channels than pixels, Winograd", "depthwise", "pointwise", "groups"])
def test_with_a_relu_behind(name, dtype, ceiling):
    compare(name, dtype, as_given, relu=ceiling)


@pytest.mark.parametrize("name", CASES)
def test_only_what_is_needed_is_computed(name):
    arrays, attributes = draw(name)
    y, saved = cpu.conv2d_forward(*arrays, **attributes)
    everything = cpu.conv2d_backward(y, saved, needs=(True, True, True))
    for i in range(3):
        alone = cpu.conv2d_backward(y, saved, needs=tuple(k == i for k in range(3)))
        np.testing.assert_array_equal(alone[i], everything[i])
        assert [k for k, gradient in enumerate(alone) if gradient is not None] == [i]


@pytest.mark.parametrize("name", ["odd everything", "more channels than pixels, Winograd", "depthwise", "one channel, six filters", "pointwise"])
def test_a_nan_stays_in_its_image(name):
    """Vectors overrun rows and tiles hang over borders: none of that may leak."""
    arrays, attributes = draw(name)
    x, w, b = (array.astype(np.float32) for array in arrays)
    x = np.concatenate([x, x])
    x[len(x) // 2 - 1] = np.nan
    x[len(x) // 2 - 1, :, ::2] = np.inf
    y, saved = cpu.conv2d_forward(x, w, b, **attributes)
    dx, _, _ = cpu.conv2d_backward(y, saved, needs=(True, True, True))
    for n in range(len(x)):
        if n != len(x) // 2 - 1:
            assert np.isfinite(y[n]).all()
            assert np.isfinite(dx[n]).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", [name for name in CASES if "Winograd" not in name])
def test_a_nan_stays_where_its_windows_are(name, value):
    """In float64, which Winograd's tiles never see: exactly the results whose window holds the pixel are touched."""
    (x, w, b), attributes = draw(name)
    x[0, :, x.shape[2] // 2, x.shape[3] // 2] = value
    with np.errstate(invalid="ignore"):
        right, _ = reference.conv2d_forward(x, w, b, **attributes)
    y, _ = cpu.conv2d_forward(x, w, b, **attributes)
    np.testing.assert_array_equal(np.isfinite(y), np.isfinite(right))
