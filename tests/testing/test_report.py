"""What a failed check says: where, how much, and why."""

import numpy as np
import pytest

from minicnn import get_backend
from minicnn.autograd import Function
from minicnn.errors import MinicnnError
from minicnn.testing import GradcheckError, gradcheck
from tests.testing.wrong_functions import INPUTS, Relu, normal, product_with, report


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (lambda dx, dw: (dx, dw / 2), ["dw[1, 2]: analytic", "(ratio 0.50 over all elements: a missing factor 2?)", "right: dx"]),
        (lambda dx, dw: (dx * 3, dw), ["ratio 3.00 over all elements: a missing 1/3, the size of axis 0 of the input?"]),
        (lambda dx, dw: (dx, dw * 0.8), ["ratio 0.80", "a missing 1/(1-p) with p = 0.2?"]),
        (lambda dx, dw: (-dx, dw), ["the sign is flipped everywhere"]),
        (lambda dx, dw: (dx, dw * 0), ["all zeros"]),
        (lambda dx, dw: (dx, dw.T.reshape(dw.shape)), ["transposed: axes 0 and 1 are swapped"]),
        (lambda dx, dw: (dx[::-1], dw), ["dy is flipped along axis 0"]),
        (lambda dx, dw: (dx[:, ::-1], dw), ["flipped: it is right when read backwards along axis 1"]),
        (lambda dx, dw: (dx + (np.arange(4) == 2), dw), ["dx (3, 4) is wrong in 3 of 12", "wrong only at 2 of axis 1"]),
        (lambda dx, dw: (dx / 0, dw), ["12 of 12 elements are NaN or Inf"]),
        (lambda dx, dw: (dx[:2], dw), ["backward fails", "(2, 4)", "(3, 4)"]),
        (lambda dx, dw: (dx.astype("float32"), dw), ["backward fails", "float32"]),
        (lambda dx, dw: (dx,), ["backward fails", "2 gradients"]),
        (lambda dx, dw: (dx, None), ["backward fails", "None for input 1"]),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_reports(change, parts):
    text = report(product_with(change), INPUTS)
    for part in parts:
        assert part in text, text
    assert text.startswith("Product: ")


def test_a_report_in_full():
    text = report(product_with(lambda dx, dw: (dx, dw / 2)), INPUTS)
    first, *others = text.split("\n")
    assert first == "Product: dw[1, 2]: analytic -1.05489, numeric -2.10979 (ratio 0.50 over all elements: a missing factor 2?)"
    assert len(others) == 4 + 3
    assert others[0].startswith("  dw[")
    assert others[-3:] == [
        "  dw (2, 4) is wrong in 8 of 8 elements compared",
        "  right: dx",
        f"  x (3, 4), w (2, 4); backend {get_backend().name}; rtol=1e-06, atol=1e-06, in float64",
    ]


@pytest.mark.parametrize("factor", [1 + 1e-5, 1 - 1e-5, 1.001, 1.004])
def test_a_ratio_close_to_1_is_told_from_1(factor):
    text = report(product_with(lambda dx, dw: (dx, factor * dw)), INPUTS)
    assert f"(ratio {factor:g} over all elements" in text
    assert text.count(f"(ratio {factor:g})") == 4


def test_swapped_gradients_are_recognised():
    class Swapped(Function):
        def forward(self, a, b):
            self.save(a, b)
            return a * a * b

        def backward(self, dy):
            a, b = self.saved
            return dy * a * a, dy * 2 * a * b

    assert "this is what db holds: are the two swapped?" in report(Swapped.apply, [normal(3), normal(3, seed=1)], names=["a", "b"])


def test_a_gradient_that_ignores_dy_is_recognised():
    class Ones(Relu):
        def backward(self, dy):
            return super().backward(np.ones_like(dy))

    assert "does not depend on dy" in report(Ones.apply, [normal(3, 4)])


def test_an_error_at_the_border_is_recognised():
    class Border(Relu):
        def backward(self, dy):
            dx = super().backward(dy)[0] + 1
            dx[:, :, 1:-1, 1:-1] -= 1
            return (dx,)

    assert "wrong only at the border: is the padding right?" in report(Border.apply, [normal(2, 3, 4, 5)])


def test_a_gradient_that_never_arrives_is_compared_with_zero():
    gradcheck(lambda x, y: x * 2 + y.detach() * 0, [normal(3), normal(3)])
    assert "no gradient arrived at y" in report(lambda x, y: x * y.detach(), [normal(3), normal(3)])


def test_the_error_is_an_assertion_and_one_of_ours():
    assert issubclass(GradcheckError, AssertionError)
    assert issubclass(GradcheckError, MinicnnError)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_a_gradient_of_nothing_but_nan_is_reported():
    text = report(product_with(lambda dx, dw: (dx, dw * np.nan)), {"x": normal(3, 4), "w": normal(2, 4)})
    assert "8 of 8 elements are NaN or Inf" in text
