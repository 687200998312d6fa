"""Winograd's convolution: equal to the definition at every size, with errors within what the documentation promises."""

import numpy as np
import pytest

import minicnn
from minicnn.errors import ArgumentError
from minicnn.kernels.array import conv as reference
from minicnn.kernels.cpu import conv as cpu
from minicnn.kernels.cpu import threads, winograd, winograd_weights

pytestmark = pytest.mark.usefixtures("on_the_cpu")

PROMISED = 5e-5  # of the largest result: what `minicnn.set_conv_algorithm` says
SIZES = [
    # images, height, width, channels, filters, padding
    (1, 1, 1, 8, 16, (1, 1, 1, 1)),
    (3, 2, 5, 16, 8, (1, 1, 1, 1)),
    (2, 3, 3, 8, 8, (0, 0, 0, 0)),
    (1, 7, 7, 64, 40, (1, 1, 1, 1)),
    (2, 13, 11, 16, 8, (2, 1, 0, 2)),
    (5, 9, 4, 24, 32, (0, 2, 2, 0)),
    (1, 33, 17, 8, 56, (1, 1, 1, 1)),
    (2, 14, 14, 512, 512, (1, 1, 1, 1)),  # few tiles, many channels: the other way of summing dU
]


@pytest.fixture(autouse=True)
def as_it_was():
    yield
    minicnn.set_conv_algorithm("auto")
    threads.set_num_threads(None)


def draw(N, H, W, C, O, padding):
    random = np.random.default_rng([N, H, W, C, O])
    x, w, b = random.standard_normal((N, C, H, W)), random.standard_normal((O, C, 3, 3)), random.standard_normal(O)
    dy = random.standard_normal((N, O, H + padding[0] + padding[1] - 2, W + padding[2] + padding[3] - 2))
    return x, w, b, dy


def definition(x, w, b, dy, padding):
    y, saved = reference.conv2d_forward(x, w, b, stride=(1, 1), padding=padding, dilation=(1, 1), groups=1)
    return y, *reference.conv2d_backward(dy, saved, needs=(True, True, False))[:2]


def last(x):
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1))


def error(actual, expected):
    return np.abs(actual - expected).max() / np.abs(expected).max()


@pytest.mark.parametrize("m", [2, 4])
@pytest.mark.parametrize("number_of_threads", [1, 3])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_equals_the_definition(size, number_of_threads, m, monkeypatch):
    monkeypatch.setattr(threads, "SMALL", 1)
    threads.set_num_threads(number_of_threads)
    padding, (x, w, b, dy) = size[5], draw(*size)
    y, dx, dw = definition(x, w, b, dy, padding)
    x, w, b, dy = (array.astype(np.float32) for array in (x, w, b, dy))
    bound = PROMISED if m == 4 else 2e-6
    assert error(winograd.forward(last(x), w, b, padding, m).transpose(0, 3, 1, 2), y) < bound
    assert error(winograd.backward_data(last(dy), w, padding, x.shape[2:], m).transpose(0, 3, 1, 2), dx) < bound
    assert error(winograd_weights.backward_weights(last(dy), last(x), padding, m), dw) < bound


@pytest.mark.parametrize("m", [2, 4])
@pytest.mark.parametrize("size", SIZES[:-1], ids=str)
def test_in_float64_it_is_the_same_function(size, m):
    """The transforms are exact but for rounding: with 16 digits the error is as many digits smaller. (Only tests compute it so.)"""
    padding, (x, w, b, dy) = size[5], draw(*size)
    y, dx, dw = definition(x, w, b, dy, padding)
    assert error(winograd.forward(last(x), w, b, padding, m).transpose(0, 3, 1, 2), y) < 1e-13
    assert error(winograd.backward_data(last(dy), w, padding, x.shape[2:], m).transpose(0, 3, 1, 2), dx) < 1e-13
    assert error(winograd_weights.backward_weights(last(dy), last(x), padding, m), dw) < 1e-13


def test_both_ways_of_summing_over_tiles_agree():
    _, _, _, C, O, padding = size = (4, 9, 10, 16, 24, (1, 1, 1, 1))
    x, _, _, dy = draw(*size)
    tiles = (3, 3)
    arguments = (last(dy).astype(np.float32), last(x).astype(np.float32), padding, 4, tiles, 4 * 9)
    by_tiles, by_channels = winograd_weights._by_tiles(*arguments), winograd_weights._by_channels(*arguments)
    assert by_tiles.shape == (O, C, 3, 3)
    np.testing.assert_allclose(by_tiles, by_channels, rtol=1e-4, atol=1e-4)


def used(algorithm, dtype, monkeypatch, size=(2, 9, 9, 16, 16, (1, 1, 1, 1)), **attributes):
    """Whether Winograd's algorithm computed a convolution, forward and backward."""
    calls = []
    for module, name in ((winograd, "forward"), (winograd, "backward_data"), (winograd_weights, "backward_weights")):
        original = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a, _f=original, _n=name, **k: (calls.append(_n), _f(*a, **k))[1])
    minicnn.set_conv_algorithm(algorithm)
    x, w, b, _ = (array.astype(dtype) for array in draw(*size))
    given = {"stride": (1, 1), "padding": size[5], "dilation": (1, 1), "groups": 1} | attributes
    y, saved = cpu.conv2d_forward(x, w, b, **given)
    cpu.conv2d_backward(y, saved, needs=(True, True, True))
    return set(calls) >= {"forward", "backward_data", "backward_weights"} if calls else False


def test_float64_never_uses_an_inexact_path(monkeypatch):
    for algorithm in ("auto", "winograd", "gemm"):
        assert not used(algorithm, np.float64, monkeypatch)


def test_the_algorithm_is_the_one_that_was_asked_for(monkeypatch):
    assert used("auto", np.float32, monkeypatch)
    assert used("winograd", np.float32, monkeypatch)
    assert not used("gemm", np.float32, monkeypatch)
    tiny = (2, 1, 1, 16, 16, (1, 1, 1, 1))
    assert used("winograd", np.float32, monkeypatch, tiny)
    assert not used("auto", np.float32, monkeypatch, tiny)


@pytest.mark.parametrize("attributes", [{"stride": (2, 1)}, {"dilation": (2, 2)}, {"padding": (3, 1, 1, 1)}], ids=str)
def test_other_convolutions_are_computed_exactly_even_if_asked(attributes, monkeypatch):
    assert not used("winograd", np.float32, monkeypatch, **attributes)


def test_odd_numbers_of_channels_are_computed_exactly(monkeypatch):
    assert not used("winograd", np.float32, monkeypatch, (2, 9, 9, 12, 16, (1, 1, 1, 1)))
    assert not used("winograd", np.float32, monkeypatch, (2, 9, 9, 16, 12, (1, 1, 1, 1)))


def test_unknown_algorithms_are_refused():
    with pytest.raises(ArgumentError, match=r"unknown algorithm 'winogrod'.*winograd"):
        minicnn.set_conv_algorithm("winogrod")
