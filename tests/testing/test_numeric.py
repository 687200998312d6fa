"""Slopes at kinks, near them, and under rounding."""

import numpy as np
import pytest

from minicnn import ops
from minicnn.autograd import Function
from minicnn.testing import gradcheck
from tests.testing.wrong_functions import Relu, report


@pytest.mark.parametrize("at_zero", [0.0, 0.3, 1.0])
def test_any_subgradient_is_right_at_a_kink(at_zero):
    x = np.array([[0.0, 0.0, 1.0, -1.0], [1e-7, -1e-8, 0.0, 3e-6]])
    gradcheck(type("R", (Relu,), {"at_zero": at_zero}).apply, [x])
    gradcheck(type("R", (Relu,), {"at_zero": at_zero}).apply, [np.zeros((2, 3))])


@pytest.mark.parametrize("at_zero", [-0.1, 1.1, 2.0])
def test_anything_else_is_wrong_at_a_kink(at_zero):
    text = report(type("R", (Relu,), {"at_zero": at_zero}).apply, [np.array([[0.0, 0.5, 1.0, -1.0]])])
    assert "dx[0, 0]" in text
    assert "is wrong in 1 of 4" in text
    assert "only where the input is zero or ties" in text


@pytest.mark.parametrize("distance", [1e-5, 3e-6, 1e-6, 2e-7, 1e-8])
def test_a_kink_nearby_is_no_mistake(distance):
    gradcheck(lambda x: ops.relu(x - 1.0), [1 + distance * np.array([-1.0, 1.0])])
    wrong = type("R", (Relu,), {"backward": lambda self, dy: (dy * 0.5,)})
    report(lambda x: wrong.apply(x - 1.0), [1 + distance * np.array([-1.0, 1.0])])


def test_ties_must_share_one_gradient():
    class Largest(Function):
        share = 1.0

        def forward(self, x):
            self.save(x)
            return x.max(axis=1)

        def backward(self, dy):
            (x,) = self.saved
            return (dy[:, None] * (x == x.max(axis=1, keepdims=True)) * self.share,)

    x = np.array([[2.0, 2.0, 1.0], [3.0, 0.0, 3.0]])
    gradcheck(type("L", (Largest,), {"share": 0.5}).apply, [x])
    gradcheck(ops.max_pool2d, [np.ones((1, 1, 4, 6)), 2])
    assert "of several that tie, each gets the whole gradient" in report(Largest.apply, [x])


@pytest.mark.parametrize("width", [1.0, 1e-2, 1e-4, 1e-6])
def test_a_smooth_function_is_never_excused_as_a_kink(width):
    class RoundedAbs(Function):
        """sqrt(x² + w²): its slope goes from -1 to 1 within about w."""

        factor = 1.0

        def forward(self, x):
            self.save(x)
            return np.sqrt(x * x + width**2)

        def backward(self, dy):
            (x,) = self.saved
            return (dy * x / np.sqrt(x * x + width**2) + self.factor,)

    x = np.array([0.0, 0.7, -1.3])
    gradcheck(type("R", (RoundedAbs,), {"factor": 0.0}).apply, [x])
    for offset in (0.5, -0.5, 0.01):
        assert "dx[0]" in report(type("R", (RoundedAbs,), {"factor": offset}).apply, [x])


def test_a_jump_is_not_excused():
    class Step(Function):
        def forward(self, x):
            return np.where(x >= 0, 1.0, 0.0)

        def backward(self, dy):
            return (dy * 3.0,)

    assert "dx[0]: analytic" in report(Step.apply, [np.array([0.0])])


SMALL_AMONG_LARGE = [
    (ops.sqrt, [1e-12, 1e-8, 1e-4, 1]),
    (ops.log, [1e-12, 1e-8, 1]),
    (ops.sqrt, [1e-12, 1e-12, 1]),
    (lambda x: 1 / x, [1e-12, 1e-8, 1]),
    (ops.relu, [1e-7, -1e-7, 1e-9, 0, 3]),
    (ops.relu, [1e-7, -1e-7, 1e-9, 3]),
    (ops.abs, [*(10.0**-k for k in range(3, 11)), 1]),
    (ops.abs, [-(10.0**-k) for k in range(11)]),
]


@pytest.mark.parametrize(("function", "x"), SMALL_AMONG_LARGE, ids=["sqrt", "log", "tied", "inverse", "zero", "relu", "abs", "negative"])
@pytest.mark.parametrize("seed", range(3))
def test_small_elements_among_large_ones_beside_a_kink_or_the_end_of_the_domain(function, x, seed):
    assert gradcheck(function, [np.array(x)], seed=seed).error < 1e-4


@pytest.mark.parametrize(("function", "x"), SMALL_AMONG_LARGE[:3] + SMALL_AMONG_LARGE[4:], ids=["sqrt", "log", "tied", "zero", "relu", "abs", "negative"])
def test_a_mistake_at_any_of_them_is_found(function, x):
    class Nudge(Function):
        def forward(self, x):
            return x * 1.0

        def backward(self, dy):
            return (dy * (1 + 1e-2 * (np.arange(dy.size) == self.where)),)

    for where in range(len(x)):
        nudge = type("Nudge", (Nudge,), {"where": where}).apply
        if function is not ops.relu or x[where] > 0:
            assert f"dx[{where}]: analytic" in report(lambda x, nudge=nudge: function(nudge(x)), [np.array(x)])


@pytest.mark.parametrize("size", [1e-9, 1e-12, 1e-15, 1e-20])
def test_a_tie_of_small_elements_is_still_found(size):
    class Largest(Function):
        def forward(self, x):
            self.save(x)
            return x.max(keepdims=True)

        def backward(self, dy):
            (x,) = self.saved
            return (dy * (x == x.max()),)  # each of those that tie gets the whole gradient

    assert "of several that tie" in report(Largest.apply, [np.array([size, size, -3.0])])


@pytest.mark.parametrize(("x", "place"), [([0.0, 1.0, 2.0], "0"), ([2.0, 0.0], "1")])
def test_where_no_slope_can_be_measured_no_cause_is_invented(x, place):
    assert report(lambda x: x**1.5, [np.array(x)]) == (
        f"function: cannot measure the slope at x[{place}] = 0, so that dx cannot be compared there: to one side of it the function "
        "is not finite, or its changes are lost in rounding; move it away from there"
    )
    assert "cannot measure the slope at x = 0," in report(lambda x: x**1.5, [np.array(0.0)])
    wrong = type("Nudge", (Relu,), {"backward": lambda self, dy: (2 * dy,), "forward": lambda self, x: x * 1.0}).apply
    others = report(lambda x: wrong(x) ** 1.5, [np.array(x)])
    assert "nan" not in others
    assert "ratio 2" in others
