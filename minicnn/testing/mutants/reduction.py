"""Mistakes in reductions."""

from typing import Any

import numpy as np

from minicnn.kernels.types import Array
from minicnn.ops.reduction import LogSumExp, Max, Mean, Min, Sum, Var
from minicnn.testing.mutants.mutant import wrong_method


@wrong_method("sum", Sum, "spread")
def sum_divided(self: Any, dy: Array) -> Array:
    """Divided by the number of elements, as for a mean."""
    x = self.input_shapes[0]
    return np.broadcast_to(dy / np.prod(x) * dy.size, x)


@wrong_method("mean", Mean, "spread")
def mean_not_divided(self: Any, dy: Array) -> Array:
    """The gradient lacks its 1/n."""
    return np.broadcast_to(dy, self.input_shapes[0])


@wrong_method("mean", Mean, "spread")
def divided_by_first_axis(self: Any, dy: Array) -> Array:
    """Divided by the first axis whichever was reduced."""
    return np.broadcast_to(dy / self.input_shapes[0][0], self.input_shapes[0])


@wrong_method("max", Max, "spread")
def whole_gradient_to_all(self: Any, dy: Array) -> Array:
    """All that tie get the whole gradient."""
    return dy * (self.share > 0)


@wrong_method("min", Min, "spread")
def every_element(self: Any, dy: Array) -> Array:
    """Every element gets the gradient."""
    return dy * np.ones_like(self.share)


@wrong_method("var", Var, "spread")
def two_missing(self: Any, dy: Array) -> Array:
    """The factor 2 is missing."""
    (difference,) = self.saved
    return dy / self.divisor * difference


@wrong_method("var", Var, "spread")
def correction_ignored(self: Any, dy: Array) -> Array:
    """The divisor n - correction becomes n in backward."""
    (difference,) = self.saved
    return dy * 2 / (self.divisor + self.attributes["correction"]) * difference


@wrong_method("logsumexp", LogSumExp, "spread")
def not_normalised(self: Any, dy: Array) -> Array:
    """The exponentials are not normalised."""
    x, _ = self.saved
    return dy * np.exp(x)
