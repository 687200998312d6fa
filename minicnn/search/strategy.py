"""What all strategies of a search share: they are asked for architectures, and told how good these were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from minicnn import checks
from minicnn.search.space import Space

Choices: TypeAlias = tuple[int, ...]
"""An architecture: for each decision of a space, the number of the option that was chosen."""


@dataclass(frozen=True)
class Sample:
    """An architecture that a strategy asked for, and what came of it.

    Attributes:
        choices: the number of an option for each decision of the space.
        string: the same architecture as the space writes it.
        reward: what the strategy is to make large, from 0 to 1: the child's accuracy on the validation images; 0 if the child failed.
        new: it had to be trained; otherwise the same architecture came before, and cost nothing.
        parameters: the number of the child's weights and biases; 0 if it could not be built.
        steps: training steps that were spent on it.
        seconds: they took; the one entry that differs from run to run.
        error: why the child failed, or None.

    Example:
        >>> Sample((0, 1), "3 5", 0.75).reward
        0.75
    """

    choices: Choices
    string: str
    reward: float
    new: bool = True
    parameters: int = 0
    steps: int = 0
    seconds: float = 0.0
    error: str | None = None


class Strategy:
    """Base of all strategies. A subclass says in `ask` what to try next, and in `tell` learns from what came of it.

    A strategy is deterministic: with the same seed, and told the same rewards, it asks for the same architectures. It draws from a generator of its own,
    so that nothing else that is drawn in the process matters.

    Args:
        space: what there is to choose from.
        seed: of everything that the strategy draws.

    Attributes:
        name: of the strategy, in words.
        settings: what else decides on what it asks for, as plain values.

    Raises:
        ArgumentError: the seed is negative or no integer.

    Example:
        >>> from minicnn.search import ChainSpace
        >>> class Neighbours(Strategy):
        ...     name = "neighbours of the best"
        ...     best = None
        ...     def ask(self, count):
        ...         return [self.space.mutate(self.best, self.rng) if self.best else self.space.random(self.rng) for _ in range(count)]
        ...     def tell(self, samples):
        ...         self.best = max(samples, key=lambda sample: sample.reward).choices
        ...         return "goes on from the best of this round"
        >>> neighbours = Neighbours(ChainSpace(layers=2))
        >>> neighbours.tell([Sample(choices, "", 0.5) for choices in neighbours.ask(2)])
        'goes on from the best of this round'
    """

    name = "strategy"

    def __init__(self, space: Space, seed: int = 0) -> None:
        self.space = space
        self.seed = checks.integer(seed, f"{type(self).__name__}: seed", 0)
        self.rng = np.random.default_rng(self.seed)
        self.settings: dict[str, Any] = {}

    def ask(self, count: int) -> list[Choices]:
        """So many architectures to try next; the same one may come twice."""
        raise NotImplementedError(f"{type(self).__name__} has no ask")

    def tell(self, samples: Sequence[Sample]) -> str:
        """Learn from what came of the architectures that were asked for last. Returns what it did, in words."""
        raise NotImplementedError(f"{type(self).__name__} has no tell")
