"""Mistakes that depend on when or how a function is called: state that is kept where it should not be."""

import numpy as np
import pytest

from minicnn import Tensor, ops
from minicnn.autograd import Function
from minicnn.testing import gradcheck
from tests.testing.wrong_functions import Square, normal, product_with, report, square_with


@pytest.mark.parametrize("wrong_from", [1, 2, 10])
def test_a_result_that_depends_on_the_number_of_calls(wrong_from):
    calls = []

    def forward(self, x):
        calls.append(1)
        self.save(x)
        return x * x * (1 + 1e-3 * (len(calls) > wrong_from))

    report(type("Square", (Square,), {"forward": forward}).apply, [normal(3, 4)])


def test_a_gradient_that_is_right_every_second_time_is_noticed():
    calls = []

    def change(dx, x, dy):
        calls.append(1)
        return dx if len(calls) % 2 else 2 * dx

    assert "two backward passes with the same inputs give different dx" in report(square_with(change), [normal(3, 4)])


def test_a_mistake_that_another_input_hides():
    """dx and dw are exchanged, and both inputs are equal."""
    x = normal(3, 3)
    report(product_with(lambda dx, dw: (dw, dx)), {"x": x, "w": x.copy()})
    report(product_with(lambda dx, dw: (dx, dw.T)), {"x": x, "w": x.copy()})


MEMORY = {}


def remembering(compute, slope):
    """A function that keeps its slope in a global, where the next call overwrites it."""

    def forward(self, x):
        MEMORY["slope"] = slope(x)
        return compute(x)

    return type("Remembering", (Function,), {"forward": forward, "backward": lambda self, dy: (dy * MEMORY["slope"],)}).apply


@pytest.mark.parametrize("shape", [(), (1,), (3, 4), (30, 40)])
@pytest.mark.parametrize(
    ("compute", "slope"),
    [
        (lambda x: np.maximum(x, 0), lambda x: (x > 0) * 1.0),
        (lambda x: x * x, lambda x: 2 * x),
        (np.log, lambda x: 1 / x),
        (np.sqrt, lambda x: 0.5 / np.sqrt(x)),
        (lambda x: np.sqrt(x - 0.05), lambda x: 0.5 / np.sqrt(x - 0.05)),
        (np.arcsin, lambda x: 1 / np.sqrt(1 - x * x)),
    ],
    ids=["relu", "square", "log", "sqrt", "shifted", "arcsin"],
)
def test_a_slope_kept_in_a_global(compute, slope, shape):
    x = np.random.default_rng(0).uniform(0.1, 0.9, shape)
    assert report(remembering(compute, slope), [x]) == (
        "Remembering: the gradient dx changes when the function is called once more before backward: is something kept in a "
        "global or class variable instead of in saved?"
    )


def test_a_stack_and_a_class_variable_are_no_better_than_a_global():
    slopes = []

    class Stack(Function):
        def forward(self, x):
            slopes.append(2 * x)
            return x * x

        def backward(self, dy):
            return (dy * slopes.pop(),)

    class InTheClass(Function):
        def forward(self, x):
            type(self).slope = 2 * x
            return x * x

        def backward(self, dy):
            return (dy * self.slope,)

    for function in (Stack, InTheClass):
        assert "is something kept in a global or class variable" in report(function.apply, [normal(3, 4)])


def test_labels_and_parameters_kept_in_a_global():
    class Pick(Function):
        def forward(self, x, labels):
            MEMORY["labels"] = labels
            self.save(x)
            return x[np.arange(len(labels)), labels]

        def backward(self, dy):
            (x,) = self.saved
            dx = np.zeros_like(x)
            dx[np.arange(len(dy)), MEMORY["labels"]] = dy
            return dx, None

    assert "Pick: the gradient dx changes" in report(Pick.apply, {"x": normal(3, 4), "labels": np.array([0, 3, 1])})
    w = Tensor(normal(3, 4), requires_grad=True)
    square = remembering(lambda x: x * x, lambda x: 2 * x)
    assert "the gradient dw changes" in report(lambda: square(w), [], parameters={"w": w})
    gradcheck(lambda: Square.apply(w), [], parameters={"w": w})


def test_a_global_behind_a_door_that_refuses_negative_numbers():
    def slope(x):
        if (x < 0).any():
            raise ValueError("must be positive")
        return 0.5 / np.sqrt(x)

    assert "the gradient dx changes" in report(remembering(np.sqrt, slope), [np.array([1.0, 2.0, 3.0])])


def test_a_backward_may_read_a_parameter():
    w = Tensor(normal(3, 4), requires_grad=True)

    class Scale(Function):
        def forward(self, x, factor):
            self.save(x)
            return x * factor

        def backward(self, dy):
            (x,) = self.saved
            return dy * w.data, dy * x

    gradcheck(lambda x: Scale.apply(x, w), [normal(3, 4, seed=1)], parameters={"w": w})


def test_whether_the_other_call_succeeds_does_not_matter():
    class Root(Function):
        def forward(self, x):
            if (np.diff(x) <= 0).any() or (x < 0).any():
                raise ValueError("must grow")
            self.save(x)
            return np.sqrt(x)

        def backward(self, dy):
            (x,) = self.saved
            return (dy / (2 * np.sqrt(x)),)

    gradcheck(Root.apply, [np.array([1.0, 2.0, 3.0])])
    gradcheck(ops.log, [np.array([1.0, 2.0, 3.0])])
