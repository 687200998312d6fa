"""Arithmetic against PyTorch, scalars, corners of the power, and the messages for shapes that do not fit."""

import operator

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, ops
from minicnn.errors import ArgumentError, DtypeError, ShapeError
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw

OPERATORS = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "power": operator.pow,
    "negative": operator.neg,
}


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("op", OPERATORS)
def test_equals_pytorch(op, seed, equals_pytorch):
    equals_pytorch(CASES[op](RandomDraw(seed)), OPERATORS[op])


@pytest.mark.parametrize("op", [op for op in OPERATORS if op != "negative"])
def test_operators_work_from_both_sides(op):
    symbol, values = OPERATORS[op], np.array([1.5, 2.0], np.float32)
    x = Tensor(values)
    for other in (2, 2.5, np.float64(2.5), np.int64(3), np.array([0.5, 3.0], np.float32), x):
        plain = other.numpy() if isinstance(other, Tensor) else float(other) if np.ndim(other) == 0 else other
        np.testing.assert_allclose(symbol(x, other).numpy(), symbol(values, plain), rtol=1e-6)
        np.testing.assert_allclose(symbol(other, x).numpy(), symbol(plain, values), rtol=1e-6)
        assert symbol(x, other).dtype == symbol(other, x).dtype == np.float32


def test_a_column_and_a_row_broadcast_as_in_numpy():
    column, row = Tensor(np.ones((3, 1)), requires_grad=True), Tensor(np.ones(4), requires_grad=True)
    y = column * row
    assert y.shape == (3, 4)
    y.sum().backward()
    np.testing.assert_array_equal(column.grad.numpy(), np.full((3, 1), 4.0))
    np.testing.assert_array_equal(row.grad.numpy(), np.full(4, 3.0))


def test_an_empty_axis_broadcasts():
    x, b = Tensor(np.ones((0, 3)), requires_grad=True), Tensor(np.ones((1, 3)), requires_grad=True)
    (x + b).sum().backward()
    assert x.grad.shape == (0, 3)
    np.testing.assert_array_equal(b.grad.numpy(), np.zeros((1, 3)))


def test_powers_at_zero_have_finite_gradients():
    a = Tensor([0.0, 0.0, 0.0, -2.0], requires_grad=True)
    (a ** Tensor([0.0, 1.0, 2.0, 3.0])).sum().backward()
    np.testing.assert_array_equal(a.grad.numpy(), [0.0, 1.0, 0.0, 12.0])
    b = Tensor([2.0], requires_grad=True)
    (0.0**b).sum().backward()
    assert b.grad.item() == 0.0


def test_division_by_zero_is_silent_infinity():
    y = Tensor([1.0, -1.0, 0.0]) / 0.0
    np.testing.assert_array_equal(y.numpy(), [np.inf, -np.inf, np.nan])


def test_booleans_count_as_zero_and_one():
    mask = Tensor([True, True, False])
    assert (mask + mask).tolist() == [2, 2, 0]
    assert (mask - mask).tolist() == [0, 0, 0]
    assert (-mask).tolist() == [-1, -1, 0]
    assert (mask * 0.5).dtype == np.float32


def test_a_factor_that_needs_no_gradient_is_not_kept_alive():
    w = Tensor([1.0, 2.0], requires_grad=True)
    y = w * 3.0
    with minicnn.no_grad():
        w *= 0.0  # legal: backward of w * 3 needs the 3 only
    y.sum().backward()
    assert w.grad.tolist() == [3.0, 3.0]


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda: minicnn.ones(2, 3) + minicnn.ones(2, 4), ShapeError, ["add", "(2, 3)", "(2, 4)", "axis -1", "3", "4"]),
        (lambda: minicnn.ones(5, 1, 3) * minicnn.ones(2, 4, 3, 3), ShapeError, ["multiply", "axis -3", "5", "4"]),
        (lambda: minicnn.ones(8, 16, 5, 5) + minicnn.ones(16), ShapeError, ["per channel", "(16, 1, 1)"]),
        (lambda: minicnn.ones(3) - None, DtypeError, ["real numbers"]),
        (lambda: minicnn.ones(3) / "2", DtypeError, ["real numbers"]),
        (lambda: minicnn.arange(3) ** -1, ArgumentError, ["negative power", "astype"]),
        (lambda: minicnn.zeros(3, dtype="uint8") + 300, ArgumentError, ["300", "uint8"]),
    ],
)
def test_messages(call, error, parts):
    with pytest.raises(error) as caught:
        call()
    for part in parts:
        assert part in str(caught.value)


def test_functions_take_plain_numbers_and_arrays():
    assert ops.add(1, 2).item() == 3
    assert ops.multiply(np.ones(2, np.float32), 2).dtype == np.float32
