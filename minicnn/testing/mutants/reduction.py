"""Mistakes in reductions."""


import numpy as np

from minicnn.kernels.types import Array
from minicnn.ops.reduction import LogSumExp, Max, Mean, Min, Sum, Var
from minicnn.testing.mutants.mutant import Mutant


class SumDivided(Sum):
    """Divided by the number of elements, as for a mean."""

    def spread(self, dy: Array) -> Array:
        x = self.input_shapes[0]
        return np.broadcast_to(dy / np.prod(x) * dy.size, x)


class MeanNotDivided(Mean):
    """The gradient lacks its 1/n."""

    def spread(self, dy: Array) -> Array:
        return np.broadcast_to(dy, self.input_shapes[0])


class DividedByFirstAxis(Mean):
    """Divided by the first axis whichever was reduced."""

    def spread(self, dy: Array) -> Array:
        return np.broadcast_to(dy / self.input_shapes[0][0], self.input_shapes[0])


class WholeGradientToAll(Max):
    """All that tie get the whole gradient."""

    def spread(self, dy: Array) -> Array:
        assert self.share is not None
        return dy * (self.share > 0)


class EveryElement(Min):
    """Every element gets the gradient."""

    def spread(self, dy: Array) -> Array:
        return dy * np.ones_like(self.share)


class TwoMissing(Var):
    """The factor 2 is missing."""

    def spread(self, dy: Array) -> Array:
        (difference,) = self.saved
        return dy / self.divisor * difference


class CorrectionIgnored(Var):
    """The divisor n - correction becomes n in backward."""

    def spread(self, dy: Array) -> Array:
        (difference,) = self.saved
        return dy * 2 / (self.divisor + self.attributes["correction"]) * difference


class NotNormalised(LogSumExp):
    """The exponentials are not normalised."""

    def spread(self, dy: Array) -> Array:
        x, _ = self.saved
        return dy * np.exp(x)


MUTANTS = [
    Mutant("sum", function=SumDivided),
    Mutant("mean", function=MeanNotDivided),
    Mutant("mean", function=DividedByFirstAxis),
    Mutant("max", function=WholeGradientToAll),
    Mutant("min", function=EveryElement),
    Mutant("var", function=TwoMissing),
    Mutant("var", function=CorrectionIgnored),
    Mutant("logsumexp", function=NotNormalised),
]
