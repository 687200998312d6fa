"""Random search: the baseline that every other strategy must beat."""

from __future__ import annotations

from collections.abc import Sequence

from minicnn.search.strategy import Choices, Sample, Strategy


class RandomSearch(Strategy):
    """Every architecture is drawn at random, whatever the rewards.

    Its best sample improves all the same, for the best of many is better than the best of few; its mean does not. See `Strategy` for arguments and errors.

    Raises:
        ArgumentError: the seed is negative or no integer.

    Source:
        Bergstra & Bengio 2012, "Random search for hyper-parameter optimization"; as the baseline of architecture search: Li & Talwalkar 2019,
        "Random search and reproducibility for neural architecture search".

    Example:
        >>> from minicnn.search import ChainSpace
        >>> space = ChainSpace(layers=2)
        >>> [len(choices) == len(space.decisions) for choices in RandomSearch(space, seed=0).ask(2)]
        [True, True]
    """

    name = "random search"

    def ask(self, count: int) -> list[Choices]:
        """So many independent draws."""
        return [self.space.random(self.rng) for _ in range(count)]

    def tell(self, samples: Sequence[Sample]) -> str:  # noqa: ARG002 - it does not listen
        """Nothing is learned."""
        return "random search learns nothing"
