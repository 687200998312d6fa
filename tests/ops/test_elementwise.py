"""Elementwise functions against PyTorch, and what they do at their corners."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, ops
from minicnn.errors import ArgumentError, DtypeError, ShapeError
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw


def torch_function(op):
    torch = pytest.importorskip("torch")
    return {
        "exp": torch.exp,
        "log": torch.log,
        "sqrt": torch.sqrt,
        "abs": torch.abs,
        "clip": lambda x, low, high: torch.clamp(x, min=low, max=high),
        "where": lambda a, b, condition: torch.where(torch.tensor(condition), a, b),
        "maximum": torch.maximum,
        "minimum": torch.minimum,
    }[op]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("op", ["exp", "log", "sqrt", "abs", "clip", "where", "maximum", "minimum"])
def test_equals_pytorch(op, seed, equals_pytorch):
    equals_pytorch(CASES[op](RandomDraw(seed)), torch_function(op))


@pytest.mark.parametrize("function", [ops.maximum, ops.minimum])
def test_equal_operands_share_the_gradient(function):
    a, b = (Tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    function(a, b).sum().backward()
    assert a.grad.tolist() == b.grad.tolist() == [0.5, 0.5]


def test_where_sends_no_gradient_to_the_other_side():
    a, b = Tensor([1.0, 2.0], requires_grad=True), Tensor([[3.0], [4.0]], requires_grad=True)
    ops.where(np.array([True, False]), a, b).sum().backward()
    assert a.grad.tolist() == [2.0, 0.0]
    assert b.grad.tolist() == [[1.0], [1.0]]


def test_where_notices_an_edit_of_its_condition():
    x = Tensor([1.0, 2.0], requires_grad=True)
    condition = Tensor([True, False])
    y = ops.where(condition, x, 0.0).sum()
    condition[0] = False
    with pytest.raises(minicnn.errors.AutogradError, match="Where needs its input 0"):
        y.backward()


def test_corners_of_clip_and_abs():
    x = Tensor([-1.0, 0.0, 1.0, 2.0], requires_grad=True)
    x.clip(-1.0, 1.0).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0, 1.0, 0.0]
    x.zero_grad()
    abs(x).sum().backward()
    assert x.grad.tolist() == [-1.0, 0.0, 1.0, 1.0]


def test_the_bounds_of_clip_may_be_infinite_and_of_numpy():
    x = Tensor([-3.0, 9.0])
    assert x.clip(-np.inf, np.float32(6.0)).tolist() == [-3.0, 6.0]
    assert x.clip(np.int64(0), np.inf).tolist() == [0.0, 9.0]


def test_outside_their_domain_they_are_silent():
    np.testing.assert_array_equal(Tensor([0.0, -1.0]).log().numpy(), [-np.inf, np.nan])
    np.testing.assert_array_equal(Tensor([-1.0]).sqrt().numpy(), [np.nan])
    np.testing.assert_array_equal(Tensor([1e3]).exp().numpy(), [np.inf])


@pytest.mark.parametrize(
    ("call", "error", "part"),
    [
        (lambda x: x.clip(), ArgumentError, "lower bound, an upper bound"),
        (lambda x: x.clip(1.0, -1.0), ArgumentError, "1.0 exceeds the upper bound -1.0"),
        (lambda x: x.clip(x, 2.0), ArgumentError, "clip: the lower bound must be a number; for a Tensor"),
        (lambda x: x.clip(0.0, minicnn.ones(1)), ArgumentError, "use minimum(x, bound)"),
        (lambda x: x.clip("a"), ArgumentError, "clip: the lower bound must be a number, not 'a'"),
        (lambda x: x.clip(0.0, np.nan), ArgumentError, "clip: the upper bound must be a number, not nan"),
        (lambda x: x.clip(np.zeros(3)), ArgumentError, "clip: the lower bound must be a number, not array"),
        (lambda x: ops.where(x, x, x), DtypeError, "boolean"),
        (lambda x: ops.where(x > 0, x, minicnn.ones(4)), ShapeError, "(3,) and (4,)"),
        (lambda x: ops.where(minicnn.ones(2, dtype=bool), x, x), ShapeError, "(2,) and (3,)"),
    ],
)
def test_messages(call, error, part):
    with pytest.raises(error) as caught:
        call(minicnn.ones(3))
    assert part in str(caught.value)
