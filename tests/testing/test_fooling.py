"""Mistakes that a gradient check may be fooled by: rare, hidden, or out of reach of its first look."""

import numpy as np
import pytest

from minicnn import ops
from minicnn.autograd import Function
from minicnn.testing import gradcheck
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw
from tests.testing.wrong_functions import Relu, Square, normal, report, square_with

# Rare


def test_only_a_sample_of_a_large_input_is_compared_but_all_of_it_counts():
    x = normal(40, 50)
    assert gradcheck(lambda x: x * x, [x]).slopes < 100

    class OneWrong(Relu):
        def backward(self, dy):
            dx = super().backward(dy)[0].copy()
            dx[17, 23] += 0.01
            return (dx,)

    assert "dx[17, 23]: analytic" in report(OneWrong.apply, [x])


@pytest.mark.parametrize("shape", [(10_000,), (4, 5, 30, 20)])
@pytest.mark.parametrize("where", ["first", "last", "any"])
def test_one_wrong_element_of_ten_thousand(shape, where):
    x = normal(*shape)
    place = {"first": 0, "last": x.size - 1, "any": 7_351}[where]

    def change(dx, x, dy):
        dx.flat[place] *= 1.01
        return dx

    gradcheck(Square.apply, [x])
    text = report(square_with(change), [x])
    index = ", ".join(map(str, np.unravel_index(place, shape)))
    assert f"dx[{index}]: analytic" in text


@pytest.mark.parametrize("error", [1e-2, 1e-5])
@pytest.mark.parametrize("op", ["conv2d", "batch_norm", "layer_norm", "max_pool2d", "matmul", "sigmoid", "logsumexp", "divide"])
def test_one_element_off_by_little_is_enough(op, error):
    class Nudge(Function):
        def forward(self, x):
            return x * 1.0

        def backward(self, dy):
            dx = dy.copy()
            dx.flat[np.argmax(np.abs(dx))] *= 1 + error
            return (dx,)

    case = CASES[op](RandomDraw(5))
    gradcheck(case.function, case.inputs)
    report(lambda first, *others: case.function(Nudge.apply(first), *others), case.inputs)


@pytest.mark.parametrize("shape", [(3, 4), (60, 50)])
@pytest.mark.parametrize(
    "where",
    [lambda x: x < 0, lambda x: x > 1.5, lambda x: np.abs(x) < 0.1, lambda x: np.arange(x.size).reshape(x.shape) == 0],
    ids=["negative", "large", "small", "first"],
)
def test_wrong_for_some_inputs_only(where, shape):
    x = normal(*shape)
    x.flat[:3] = -1.0, 2.0, 0.05
    assert "dx[" in report(square_with(lambda dx, x, dy: np.where(where(x), 1.1 * dx, dx)), [x])


# Hidden by the upstream gradient


@pytest.mark.parametrize(
    "change",
    [
        lambda dx, x, dy: 2 * x * dy.mean(),
        lambda dx, x, dy: 2 * x * dy.flat[0],
        lambda dx, x, dy: 2 * x * np.sign(dy),
        lambda dx, x, dy: 2 * x * np.abs(dy),
        lambda dx, x, dy: 2 * x * dy**2,
        lambda dx, x, dy: 2 * x * dy[::-1],
        lambda dx, x, dy: 2 * x * (dy > 0),
    ],
    ids=["mean", "first", "sign", "absolute", "squared", "flipped", "positive"],
)
def test_right_for_an_upstream_gradient_of_ones_only(change):
    x = normal(3, 4)
    np.testing.assert_array_equal(change(2 * x, x, np.ones((3, 4))), 2 * x)
    assert "dx[" in report(square_with(change), [x])


@pytest.mark.parametrize("shape", [(), (1,), (3, 4), (30, 40)])
@pytest.mark.parametrize(
    "change",
    [
        lambda dx, x, dy: 2 * x * np.clip(dy, -2, 2),
        lambda dx, x, dy: 2 * x * dy * (np.abs(dy) > 0.4),
        lambda dx, x, dy: np.clip(dx, -20, 20),
        lambda dx, x, dy: dx / max(1.0, np.linalg.norm(dx) / 100),
        lambda dx, x, dy: 2 * x * dy * dy / dy,
        lambda dx, x, dy: 2 * x * dy + 1e-7 * dy**3,
    ],
    ids=["clipped", "small dropped", "gradient clipped", "norm clipped", "divided", "cubic"],
)
def test_a_backward_that_is_not_linear(change, shape):
    text = report(square_with(change), [np.asarray(normal(*shape))])
    assert text.startswith("Square: backward is not linear in dy: dx")
    assert text.endswith("; is dy or the gradient clipped?")


def test_the_report_of_a_backward_that_is_not_linear():
    text = report(square_with(lambda dx, x, dy: 2 * x * np.clip(dy, -2, 2)), [np.array([3.0, 1.0])])
    assert "; is dy or the gradient clipped?" in text
    assert "when dy is pulled back in two parts, one multiplied and one divided by 1000, and this is undone afterwards" in text


# Hidden by rounding


@pytest.mark.parametrize("shape", [(3, 4), (30, 40)])
@pytest.mark.parametrize(
    ("constant", "error"),
    [(1e4, 1e-5), (1e6, 1e-5), (1e8, 1e-3), (1e8, -1.0), (1e10, 1e-3), (1e10, 0.05), (1e10, -1.0), (1e12, 0.05), (1e18, -1.0)],
)
def test_a_large_constant_hides_no_mistake(constant, error, shape):
    report(square_with(lambda dx, x, dy: dx * (1 + error), constant), [normal(*shape)])


@pytest.mark.parametrize(
    "function",
    [lambda x: x * x, ops.exp, ops.sigmoid, lambda x: (x * x).sum(), lambda x: ops.max(x, 0)],
    ids=["square", "exp", "sigmoid", "sum", "max"],
)
@pytest.mark.parametrize("constant", [1e2, 1e4, 1e6])
def test_right_gradients_pass_under_a_constant(constant, function):
    gradcheck(lambda x: function(x) + constant, [normal(3, 4)])


def test_what_rounding_hides_is_said():
    text = report(square_with(lambda dx, x, dy: dx, 1e12), [normal(3, 4)])
    assert text == (
        "Square: cannot tell whether dx is right: the result is as large as 1e+12, and its changes are lost in rounding; "
        "subtract the constant, or scale the inputs"
    )


def test_a_kink_is_told_from_a_mistake_under_a_constant():
    x = np.array([[0.0, 0.5, 1.0, -1.0]])
    for at_zero in (0.0, 0.4, 1.0):
        relu = type("R", (Relu,), {"at_zero": at_zero}).apply
        gradcheck(lambda x, relu=relu: relu(x) + 1e5, [x])
    for at_zero in (-0.1, 1.1):
        relu = type("R", (Relu,), {"at_zero": at_zero}).apply
        assert "dx[0, 0]" in report(lambda x, relu=relu: relu(x) + 1e5, [x])


@pytest.mark.parametrize("gap", [10, 20, 25, 30, 36, 40, 60, 400])
def test_a_right_gradient_too_small_to_be_seen_passes(gap):
    """The loss of a network that is sure: what the smaller scores change in it is lost in the rounding of the largest."""
    logits, labels = np.array([[gap, 0.3, -1.2], [0.5, 1.1 * gap, 0.2]]), np.array([0, 1])
    gradcheck(lambda logits: ops.cross_entropy(logits, labels), [logits])


@pytest.mark.parametrize("constant", [1e8, 1e10])
def test_what_long_steps_can_see_is_compared(constant):
    gradcheck(square_with(lambda dx, x, dy: dx, constant), [normal(3, 4)])


def test_a_small_element_among_large_ones_is_not_forgotten_under_a_constant():
    x = np.array([1.0, 1e-3])
    assert "cannot tell whether dx is right" in report(lambda x: x * x * x + 1e10, [x])
    for error in (1e-3, 1e-2, 0.1):
        wrong = square_with(lambda dx, x, dy, error=error: dx + error * (x < 0.1), 1e9)
        assert "dx[1]: analytic" in report(wrong, [x])
