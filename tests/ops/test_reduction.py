"""Reductions against PyTorch, ties, accuracy in float32, and their messages."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, ops
from minicnn.errors import ArgumentError, ShapeError
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw


def torch_function(op):
    torch = pytest.importorskip("torch")

    function = getattr(torch, {"max": "amax", "min": "amin"}.get(op, op))

    def reduce(x, axis, keepdims, **correction):
        return function(x, tuple(range(x.ndim)) if axis is None else axis, keepdim=keepdims, **correction)

    return reduce


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("op", ["sum", "mean", "max", "min", "logsumexp", "var", "std"])
def test_equals_pytorch(op, seed, equals_pytorch):
    equals_pytorch(CASES[op](RandomDraw(seed)), torch_function(op))


@pytest.mark.parametrize(("function", "extreme"), [(ops.max, 3.0), (ops.min, -3.0)])
def test_ties_share_the_gradient(function, extreme):
    x = Tensor([[extreme, 0.0, extreme], [0.0, extreme, 1.0]], requires_grad=True)
    function(x, axis=1).backward([1.0, 10.0])
    assert x.grad.tolist() == [[0.5, 0.0, 0.5], [0.0, 10.0, 0.0]]
    x.zero_grad()
    function(x).backward()
    np.testing.assert_allclose(x.grad.numpy(), np.array([[1, 0, 1], [0, 1, 0]]) / 3, rtol=1e-6)


def test_an_empty_sum_is_zero():
    assert minicnn.ones(0).sum().item() == 0.0
    assert minicnn.ones(2, 0).sum(axis=1).tolist() == [0.0, 0.0]


def test_sums_of_booleans_count():
    right = Tensor([1, 2, 3, 4]) == Tensor([1, 2, 0, 0])
    assert right.sum().item() == 2
    assert right.mean().item() == 0.5


def test_logsumexp_does_not_overflow():
    x = Tensor([1e4, 1e4 - 1], requires_grad=True)
    y = ops.logsumexp(x)
    y.backward()
    assert y.item() == pytest.approx(10000.313, abs=1e-3)
    assert x.grad.tolist() == pytest.approx([0.7311, 0.2689], abs=1e-3)


def test_std_is_a_method_too():
    x = Tensor([[1.0, 3.0], [2.0, 2.0]])
    assert x.std(axis=1, keepdims=True, correction=np.int64(0)).tolist() == [[1.0], [0.0]]


def test_argmax():
    x = minicnn.tensor([[0.1, 0.7, 0.7], [0.9, 0.3, 0.2]], requires_grad=True)
    assert x.argmax(axis=1).tolist() == [1, 0]
    assert x.argmax(axis=-2).tolist() == [1, 0, 0]
    assert x.argmax().item() == 3
    assert x.argmax(1).dtype == np.int64
    assert not x.argmax(1).requires_grad


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda x: x.sum(axis=2), ShapeError, ["sum", "no axis 2", "0 to 1"]),
        (lambda x: x.mean(axis=-3), ShapeError, ["mean", "no axis -3"]),
        (lambda x: x.max(axis=(0, -2)), ArgumentError, ["max", "twice"]),
        (lambda x: x.sum(axis=1.5), ArgumentError, ["integer", "1.5"]),
        (lambda x: x.sum(axis="rows"), ArgumentError, ["integer"]),
        (lambda x: x[:0].mean(), ShapeError, ["mean", "(0, 3)", "empty batch"]),
        (lambda x: x[:0].max(axis=0), ShapeError, ["max", "axis 0"]),
        (lambda x: x[:0].argmax(), ShapeError, ["argmax"]),
        (lambda x: x.var(correction="a"), ArgumentError, ["var: correction must be an integer >= 0, not 'a'"]),
        (lambda x: x.std(correction=-1), ArgumentError, ["correction must be an integer >= 0, not -1"]),
        (lambda x: x[:1].var(axis=0, correction=1), ArgumentError, ["var", "correction 1", "(1, 3)"]),
        (lambda x: x.sum().sum(axis=0), ShapeError, ["no axes"]),
    ],
)
def test_messages(call, error, parts):
    with pytest.raises(error) as caught:
        call(minicnn.ones(2, 3))
    for part in parts:
        assert part in str(caught.value)
