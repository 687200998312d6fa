"""A small space with a known reward, for tests of strategies."""

from dataclasses import dataclass

import numpy as np

from minicnn.search.space import Decision
from minicnn.search.strategy import Sample


@dataclass(frozen=True)
class Toy:
    """Decisions of three kinds, and skip connections between three layers; the reward is the share of decisions that hit the target."""

    name: str = "toy"
    decisions: tuple = (
        Decision("filters", ("8", "16", "32")),
        Decision("height", ("1", "3", "5")),
        Decision("filters", ("8", "16", "32")),
        Decision("height", ("1", "3", "5")),
        Decision("skip", ("no", "yes"), (1, 0)),
        Decision("filters", ("8", "16", "32")),
        Decision("height", ("1", "3", "5")),
        Decision("skip", ("no", "yes"), (2, 0)),
        Decision("skip", ("no", "yes"), (2, 1)),
        Decision("last", ("a", "b")),
    )
    target: tuple = (2, 1, 0, 1, 1, 2, 2, 0, 1, 1)

    @property
    def size(self):
        return int(np.prod([len(d.options) for d in self.decisions]))

    def string(self, choices):
        return " ".join(map(str, choices))

    def choices(self, string):
        return tuple(map(int, string.split()))

    def random(self, rng):
        return tuple(int(rng.integers(len(d.options))) for d in self.decisions)

    def mutate(self, choices, rng):
        t = int(rng.integers(len(self.decisions)))
        other = (choices[t] + 1 + int(rng.integers(len(self.decisions[t].options) - 1))) % len(self.decisions[t].options)
        return (*choices[:t], other, *choices[t + 1 :])

    def reward(self, choices):
        return float(np.mean([a == b for a, b in zip(choices, self.target, strict=True)]))


def rewarded(space, asked):
    return [Sample(choices, space.string(choices), space.reward(choices)) for choices in asked]


def run(strategy, rounds, batch=8):
    """Rewards of a search with the toy's own rewards, (rounds, batch)."""
    rewards = []
    for _ in range(rounds):
        samples = rewarded(strategy.space, strategy.ask(batch))
        strategy.tell(samples)
        rewards.append([sample.reward for sample in samples])
    return np.array(rewards)
