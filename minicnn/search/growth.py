"""How an argument of a network's constructor grows by a factor, and what its value is rounded to."""

from collections.abc import Sequence
from dataclasses import dataclass


class Times:
    """A multiplier, to a millionth: the constructor itself rounds what comes out.

    Example:
        >>> Times()(1.0, 1.21)
        1.21
    """

    def __call__(self, value: float, factor: float) -> float:
        """`value` times `factor`."""
        return round(value * factor, 6)

    def __str__(self) -> str:
        return "any number"


@dataclass(frozen=True)
class Steps:
    """A number that changes in whole steps, from where it is, to the step that is nearest to `factor` times as many.

    Attributes:
        size: of a step: a number of channels, layers or pixels.
        beside: the number of layers that does not grow, such as the 2 of a depth of 6n + 2.

    Example:
        >>> Steps(8)(64, 1.1), Steps(6, beside=2)(20, 1.2), Steps(32)(299, 1.15)
        (72, 26, 331)
    """

    size: float
    beside: int = 0

    def __call__(self, value: float, factor: float) -> float:
        """`value` and so many steps; where it shrinks, at least one step is left."""
        steps = round((value - self.beside) * (factor - 1) / self.size)
        return value if not steps else max(value + self.size * steps, self.beside + self.size)

    def __str__(self) -> str:
        return f"steps of {self.size:g}"


class Blocks:
    """The numbers of blocks of a network's stages. In all they become `factor` times as many, rounded once.

    To round each stage by itself would leave (2, 2, 2, 2) as it is for a factor of 1.2, where two blocks are due. So each stage first gets
    its whole blocks, at least one; those that are missing in the sum then go to the stages that have lost most, among equals to the later.

    Example:
        >>> Blocks()((2, 2, 2, 2), 1.2), Blocks()((3, 4, 6, 3), 2.0)
        ((2, 2, 3, 3), (6, 8, 12, 6))
    """

    def __call__(self, value: Sequence[int], factor: float) -> tuple[int, ...]:
        """The scaled numbers."""
        exact = [factor * n for n in value]
        blocks = [max(1, int(x)) for x in exact]
        missing = max(0, round(sum(exact)) - sum(blocks))
        by_loss = sorted(range(len(value)), key=lambda i: (exact[i] - blocks[i], i), reverse=True)
        return tuple(n + (i in by_loss[:missing]) for i, n in enumerate(blocks))

    def __str__(self) -> str:
        return "whole blocks"
