"""Chains of convolutions with skip connections, as a search space (Zoph & Le 2016)."""

from collections.abc import Sequence

from minicnn.checks import flag, integer
from minicnn.errors import ArgumentError, listing
from minicnn.models.searched_chain import ChainLayer, read_chain, write_chain
from minicnn.search.space import Decision, Space, checked

NO, YES = "no", "yes"


class ChainSpace(Space):
    """All chains of so many layers with these sizes of filters. See `minicnn.models.SearchedChain` for what a chain computes.

    A controller says of each layer in turn: how many filters, their height and width, the stride, and of each earlier layer, the first
    to begin with, whether its output is read. Without skips, each layer reads the one before it. The paper began with 6 layers and let
    them grow by two every 1,600 samples, with 24, 36, 48 or 64 filters; the usual values here are for small images and one processor.

    Args:
        layers: how many.
        heights, widths: of the filters, in pixels.
        filters: numbers of filters.
        strides: steps of the filters in both directions, in pixels.
        skips: whether it is searched what a layer reads.

    Raises:
        ArgumentError: a number is no integer from 1, is given twice, or there is none to choose from.

    Source:
        Zoph & Le 2016, "Neural architecture search with reinforcement learning", sec. 3.1 and 3.3, fig. 2 and 4 (arXiv:1611.01578).

    Example:
        >>> import numpy as np
        >>> space = ChainSpace(layers=3)
        >>> space.size
        16777216
        >>> space.string([0, 1, 1, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1])
        'chain 3x3x8 3x3x16/2+0 1x1x8+0+1'
        >>> space.choices(space.string(space.random(np.random.default_rng(0)))) == space.random(np.random.default_rng(0))
        True
    """

    def __init__(
        self,
        layers: int = 4,
        heights: Sequence[int] = (1, 3, 5, 7),
        widths: Sequence[int] = (1, 3, 5, 7),
        filters: Sequence[int] = (8, 16, 24, 32),
        strides: Sequence[int] = (1, 2),
        skips: bool = True,
    ) -> None:
        self.layers, self.skips = integer(layers, "ChainSpace: layers"), flag(skips, "ChainSpace: skips")
        self.options = {
            kind: _different(kind, values) for kind, values in (("filters", filters), ("height", heights), ("width", widths), ("stride", strides))
        }
        self.name = f"chains of {self.layers} layer{'s' * (self.layers > 1)}"
        self.decisions = tuple(decision for i in range(self.layers) for decision in self._of_layer(i))

    def _of_layer(self, i: int) -> list[Decision]:
        sizes = [Decision(kind, tuple(map(str, values))) for kind, values in self.options.items()]
        return sizes + [Decision("skip", (NO, YES), (i, earlier)) for earlier in range(i * self.skips)]

    def string(self, choices: Sequence[int]) -> str:
        """The chain that the choices lead to.

        Raises:
            ArgumentError: there are not as many choices as decisions, or one is out of range.
        """
        given = iter(checked(self, choices))
        plan = []
        for i in range(self.layers):
            size = {kind: values[next(given)] for kind, values in self.options.items()}
            inputs = tuple(earlier for earlier in range(i) if next(given)) if self.skips else (i - 1,) * (i > 0)
            plan.append(ChainLayer(size["height"], size["width"], size["filters"], size["stride"], inputs))
        return write_chain(plan)

    def choices(self, string: str) -> tuple[int, ...]:
        """The choices that lead to a chain.

        Raises:
            ArgumentError: the string is no chain, or one that is not in this space.
        """
        plan = read_chain(string)
        if len(plan) != self.layers:
            raise ArgumentError(f"{self.name}: the chain has {len(plan)}, and so is not in this space: {string}")
        found: list[int] = []
        for i, layer in enumerate(plan):
            for kind, values in self.options.items():
                value = getattr(layer, kind)
                if value not in values:
                    raise ArgumentError(f"{self.name}: layer {i}, '{layer}', is not in this space: {kind} {value} is none of {listing(values)}")
                found.append(values.index(value))
            if self.skips:
                found += [int(earlier in layer.inputs) for earlier in range(i)]
            elif layer.inputs != (i - 1,) * (i > 0):
                raise ArgumentError(f"{self.name}: layer {i}, '{layer}', must read the layer before it and no other: this space has no skips")
        return tuple(found)


def _different(kind: str, values: Sequence[int]) -> tuple[int, ...]:
    numbers = tuple(integer(value, f"ChainSpace: each {kind}") for value in values)
    if not numbers or len(set(numbers)) < len(numbers):
        raise ArgumentError(f"ChainSpace: each {kind} must be given once, and there must be one at least, not {values!r}")
    return numbers
