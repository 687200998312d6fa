"""Adaptive and global pooling against PyTorch, their corners, their messages, and their layers."""

import itertools

import numpy as np
import pytest

from minicnn import Tensor, nn, ops
from minicnn.errors import ArgumentError, DtypeError, ShapeError
from minicnn.testing.draw import RandomDraw


@pytest.mark.parametrize("op", ["adaptive_avg_pool2d", "adaptive_max_pool2d"])
def test_equals_pytorch(op, backend):
    torch = pytest.importorskip("torch")
    for H, P, Q in itertools.product([1, 3, 4, 7], [1, 2, 3, 5], [1, 4]):
        data = RandomDraw(H).array(2, 2, H, 5)
        x, torch_x = Tensor(data, requires_grad=True), torch.tensor(data, requires_grad=True)
        expected = getattr(torch.nn.functional, op)(torch_x, (P, Q))
        y = getattr(ops, op)(x, (P, Q))
        np.testing.assert_allclose(y.numpy(), expected.detach().numpy(), rtol=1e-12, atol=1e-14)
        dy = np.random.default_rng([4, P]).standard_normal(y.shape)
        y.backward(dy)
        expected.backward(torch.tensor(dy))
        np.testing.assert_allclose(x.grad.numpy(), torch_x.grad.numpy(), rtol=1e-12, atol=1e-14)


def test_ties_and_nan(backend):
    nan = np.nan
    image = [[1.0, 2.0, 2.0], [2.0, 0.0, nan], [nan, 1.0, nan]]
    x = Tensor(np.array([[image]]), requires_grad=True)
    y = ops.adaptive_max_pool2d(x, 2)
    y.backward(np.array([[[[1.0, 2.0], [4.0, 8.0]]]]))
    np.testing.assert_array_equal(y.numpy()[0, 0], [[2, nan], [nan, nan]])
    np.testing.assert_array_equal(x.grad.numpy()[0, 0], [[0, 1, 0], [0, 0, 2 + 8], [4, 0, 0]])


def test_one_infinite_pixel_stays_in_its_own_bin(backend):
    data = np.zeros((1, 1, 4, 4))
    data[0, 0, 0, 0] = np.inf
    y = ops.adaptive_avg_pool2d(Tensor(data), 2).numpy()
    np.testing.assert_array_equal(y[0, 0], [[np.inf, 0], [0, 0]])


def test_bins_that_tile_the_image_are_windows():
    x = Tensor(RandomDraw(1).array(2, 3, 6, 8))
    means, maxima = ops.adaptive_avg_pool2d(x, (3, 2)), ops.adaptive_max_pool2d(x, (3, 2))
    np.testing.assert_allclose(means.numpy(), ops.avg_pool2d(x, (2, 4)).numpy(), rtol=1e-12)
    np.testing.assert_array_equal(maxima.numpy(), ops.max_pool2d(x, (2, 4)).numpy())


def test_global_pooling():
    x = Tensor(RandomDraw(2).array(2, 3, 5, 4))
    np.testing.assert_allclose(ops.global_avg_pool2d(x).numpy(), x.numpy().mean((2, 3), keepdims=True), rtol=1e-13)
    np.testing.assert_array_equal(ops.global_max_pool2d(x).numpy(), x.numpy().max((2, 3), keepdims=True))


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda op, x: op(x[0], 2), ShapeError, ["4 axes (N, C, H, W)", "x.reshape(1, 3, 5, 7)"]),
        (lambda op, x: op(x[:0], 2), ShapeError, ["empty"]),
        (lambda op, x: op(x.astype("int64"), 2), DtypeError, ["int64"]),
        (lambda op, x: op(x, 0), ArgumentError, ["output_size", ">= 1", "0"]),
        (lambda op, x: op(x, (1, 2, 3)), ArgumentError, ["output_size", "(height, width)"]),
        (lambda op, x: op(x, 2.5), ArgumentError, ["output_size", "2.5"]),
    ],
)
@pytest.mark.parametrize("op", [ops.adaptive_avg_pool2d, ops.adaptive_max_pool2d])
def test_messages(op, call, error, parts):
    with pytest.raises(error) as caught:
        call(op, Tensor(np.ones((2, 3, 5, 7), np.float32)))
    for part in parts:
        assert part in str(caught.value)


def test_layers():
    x = Tensor(RandomDraw(3).array(2, 3, 5, 4))
    np.testing.assert_array_equal(nn.AdaptiveAvgPool2d((2, 3))(x).numpy(), ops.adaptive_avg_pool2d(x, (2, 3)).numpy())
    np.testing.assert_array_equal(nn.AdaptiveMaxPool2d((2, 3))(x).numpy(), ops.adaptive_max_pool2d(x, (2, 3)).numpy())
    np.testing.assert_array_equal(nn.GlobalAvgPool2d()(x).numpy(), ops.global_avg_pool2d(x).numpy())
    np.testing.assert_array_equal(nn.GlobalMaxPool2d()(x).numpy(), ops.global_max_pool2d(x).numpy())
    assert repr(nn.AdaptiveAvgPool2d((2, 3))) == "AdaptiveAvgPool2d(output_size=(2, 3))"
    assert repr(nn.AdaptiveMaxPool2d(7)) == "AdaptiveMaxPool2d(output_size=7)"
    assert repr(nn.GlobalAvgPool2d()) == "GlobalAvgPool2d()"
    with pytest.raises(ShapeError, match=r"^GlobalMaxPool2d\(\): input must have 4 axes"):
        nn.GlobalMaxPool2d()(x[0])
    with pytest.raises(ArgumentError, match="AdaptiveAvgPool2d: output_size must be"):
        nn.AdaptiveAvgPool2d(0)
