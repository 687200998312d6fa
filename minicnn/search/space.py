"""A search space: networks as sequences of decisions, each of which picks one of a few options."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from minicnn.checks import is_integer
from minicnn.errors import ArgumentError


@dataclass(frozen=True)
class Decision:
    """One thing to be decided about a network.

    Attributes:
        kind: what it is about: "height", "width", "filters", "stride", "skip", "state", "operation". Decisions of one kind and one number of
            options share an output layer of a controller.
        options: what can be chosen, in words; a choice is a position among them, from 0.
        link: for kind "skip", the layer and the earlier layer (numbers from 0) that may be joined, yes or no; None for the others.

    Example:
        >>> Decision("stride", ("1", "2")).options[1]
        '2'
    """

    kind: str
    options: tuple[str, ...]
    link: tuple[int, int] | None = None


class Space(Protocol):
    """Networks that differ in a fixed number of decisions. A space of your own brings `name`, `decisions`, `string` and `choices`.

    Attributes:
        name: what the space is called.
        decisions: what is to be decided, in the order in which a controller says it.

    Example:
        >>> from minicnn.search import ChainSpace
        >>> space: Space = ChainSpace(layers=2, skips=False)
        >>> [decision.kind for decision in space.decisions]
        ['filters', 'height', 'width', 'stride', 'filters', 'height', 'width', 'stride']
    """

    name: str
    decisions: tuple[Decision, ...]

    def string(self, choices: Sequence[int]) -> str:
        """The network as `models.create_from_string` takes it.

        Raises:
            ArgumentError: there are not as many choices as decisions, or one is out of range.
        """

    def choices(self, string: str) -> tuple[int, ...]:
        """The choices that lead to a network.

        Raises:
            ArgumentError: the string has a mistake in it, or its network is not in this space.
        """

    @property
    def size(self) -> int:
        """How many different sequences of choices there are."""
        return math.prod(len(decision.options) for decision in self.decisions)

    def random(self, rng: np.random.Generator) -> tuple[int, ...]:
        """Choices drawn uniformly, each for itself."""
        return tuple(int(rng.integers(len(decision.options))) for decision in self.decisions)

    def mutate(self, choices: Sequence[int], rng: np.random.Generator) -> tuple[int, ...]:
        """The choices with one of them, drawn uniformly among those that are open, replaced by another option of the same decision.

        Raises:
            ArgumentError: there are not as many choices as decisions, or one is out of range; or no decision has two options.
        """
        changed = list(checked(self, choices))
        where_open = [i for i, decision in enumerate(self.decisions) if len(decision.options) > 1]
        if not where_open:
            raise ArgumentError(f"{self.name}: every decision has one option only, so that no network can be changed into another")
        i = where_open[int(rng.integers(len(where_open)))]
        other = int(rng.integers(len(self.decisions[i].options) - 1))
        changed[i] = other + (other >= changed[i])
        return tuple(changed)


def checked(space: Space, choices: Sequence[int]) -> tuple[int, ...]:
    """The choices as plain numbers, one for each decision and each a position among its options.

    Raises:
        ArgumentError: they are not.

    Example:
        >>> from minicnn.search import ChainSpace
        >>> checked(ChainSpace(layers=1), [0, 1, 2, 0])
        (0, 1, 2, 0)
    """
    if len(choices) != len(space.decisions):
        raise ArgumentError(f"{space.name}: {len(space.decisions)} choices are needed, one for each decision, not {len(choices)}")
    for i, (choice, decision) in enumerate(zip(choices, space.decisions, strict=True)):
        if not is_integer(choice) or not 0 <= choice < len(decision.options):
            raise ArgumentError(f"{space.name}: choice {i} ({decision.kind}) must be a position from 0 to {len(decision.options) - 1}, not {choice!r}")
    return tuple(int(choice) for choice in choices)
