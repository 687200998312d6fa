"""Regularised evolution: the best of a few is copied with one change, and the oldest dies."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from minicnn import checks
from minicnn.search.space import Space
from minicnn.search.strategy import Choices, Sample, Strategy


class Evolution(Strategy):
    """The search behind AmoebaNet: a population in which everybody dies of age, however good.

        begin with `population` random architectures
        cycle: draw `tournament` of the population at random, with replacement
               copy the best of them, with one change (`Space.mutate`)
               the copy joins the population, and the oldest leaves it

    An architecture that was lucky once, with one reward that was too high, would live for ever if the worst had to leave; here it stays only if its
    children do as well.

    Those that are asked for together come from the same population, and join it together.

    Args:
        space: what there is to choose from.
        seed: of everything that is drawn.
        population: architectures that live at the same time.
        tournament: how many of them compete to be copied.

    Attributes:
        living: the population, the oldest first.

    Raises:
        ArgumentError: a count is below 1, or the seed negative.

    Source:
        Real, Aggarwal, Huang & Le 2019, "Regularized evolution for image classifier architecture search", algorithm 1.

    Example:
        >>> from minicnn.search import ChainSpace
        >>> evolution = Evolution(ChainSpace(layers=2), population=2)
        >>> first = evolution.ask(2)
        >>> evolution.tell([Sample(choices, "", reward) for choices, reward in zip(first, (0.3, 0.8))])
        'population 2, mean reward 0.550'
    """

    name = "evolution"

    def __init__(self, space: Space, seed: int = 0, *, population: int = 20, tournament: int = 5) -> None:
        super().__init__(space, seed)
        self.population = checks.integer(population, "Evolution: population")
        self.tournament = checks.integer(tournament, "Evolution: tournament")
        self.settings = {"population": self.population, "tournament": self.tournament}
        self.living: deque[Sample] = deque()
        self._asked = 0

    def ask(self, count: int) -> list[Choices]:
        """Random ones until there is a whole population, then changed copies of the winners of tournaments."""
        asked = [self._next(self._asked + i) for i in range(count)]
        self._asked += count
        return asked

    def _next(self, number: int) -> Choices:
        if number < self.population or not self.living:
            return self.space.random(self.rng)
        competing = [self.living[int(i)] for i in self.rng.integers(len(self.living), size=self.tournament)]
        return self.space.mutate(max(competing, key=lambda sample: sample.reward).choices, self.rng)

    def tell(self, samples: Sequence[Sample]) -> str:
        """The new ones join, and the oldest leave."""
        self.living.extend(samples)
        died = max(0, len(self.living) - self.population)
        for _ in range(died):
            self.living.popleft()
        mean = sum(sample.reward for sample in self.living) / len(self.living)
        return f"population {len(self.living)}, mean reward {mean:.3f}" + (f"; the {died} oldest left it" if died else "")
