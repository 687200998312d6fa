"""Mistakes in reductions."""

from typing import Any

import numpy as np

from minicnn.kernels.types import Array
from minicnn.ops.reduction import LogSumExp, Max, Mean, Min, Sum, Var
from minicnn.testing.mutants.mutant import wrong_method


@wrong_method("sum", Sum, "spread", "divided by the number of elements, as for a mean")
def sum_divided(self: Any, dy: Array) -> Array:
    x = self.input_shapes[0]
    return np.broadcast_to(dy / np.prod(x) * dy.size, x)


@wrong_method("mean", Mean, "spread", "the gradient lacks its 1/n")
def mean_not_divided(self: Any, dy: Array) -> Array:
    return np.broadcast_to(dy, self.input_shapes[0])


@wrong_method("mean", Mean, "spread", "divided by the first axis whichever was reduced")
def divided_by_first_axis(self: Any, dy: Array) -> Array:
    return np.broadcast_to(dy / self.input_shapes[0][0], self.input_shapes[0])


@wrong_method("max", Max, "spread", "all that tie get the whole gradient")
def whole_gradient_to_all(self: Any, dy: Array) -> Array:
    return dy * (self.share > 0)


@wrong_method("min", Min, "spread", "every element gets the gradient")
def every_element(self: Any, dy: Array) -> Array:
    return dy * np.ones_like(self.share)


@wrong_method("var", Var, "spread", "the factor 2 is missing")
def two_missing(self: Any, dy: Array) -> Array:
    (difference,) = self.saved
    return dy / self.divisor * difference


@wrong_method("var", Var, "spread", "n - correction becomes n in backward")
def correction_ignored(self: Any, dy: Array) -> Array:
    (difference,) = self.saved
    return dy * 2 / (self.divisor + self.attributes["correction"]) * difference


@wrong_method("logsumexp", LogSumExp, "spread", "the exponentials are not normalised")
def not_normalised(self: Any, dy: Array) -> Array:
    x, _ = self.saved
    return dy * np.exp(x)
