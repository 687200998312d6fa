"""What a search has found."""

from __future__ import annotations

from dataclasses import dataclass

from minicnn.search.strategy import Sample


@dataclass(frozen=True)
class Found:
    """All samples of a search, in order.

    Attributes:
        samples: as they were proposed.
        finalists: those that were trained from scratch at the end, where rewards came from shared weights; they are the best then.

    Example:
        >>> found = Found(tuple(Sample((), string, reward) for string, reward in (("a", 0.5), ("b", 0.9), ("b", 0.9), ("c", 0.7))))
        >>> [sample.string for sample in found.best(2)], found.first_quarter, found.last_quarter
        (['b', 'c'], 0.5, 0.7)
    """

    samples: tuple[Sample, ...]
    finalists: tuple[Sample, ...] = ()

    def best(self, count: int = 1) -> list[Sample]:
        """So many different architectures with the highest rewards, the best first; of two that are as good, the one that was found first.

        One that was judged again, by shared weights that have learned since, has the reward of the last time.
        """
        different: dict[str, Sample] = {}
        for sample in self.finalists or self.samples:
            if sample.new or sample.string not in different:
                different[sample.string] = sample
        return sorted(different.values(), key=lambda sample: -sample.reward)[:count]

    @property
    def _quarter(self) -> int:
        return max(1, len(self.samples) // 4)

    @property
    def first_quarter(self) -> float:
        """Mean reward of the first quarter of the samples."""
        return mean_reward(self.samples[: self._quarter])

    @property
    def last_quarter(self) -> float:
        """Mean reward of the last quarter of the samples."""
        return mean_reward(self.samples[-self._quarter :])

    @property
    def last_half(self) -> float:
        """Mean reward of the last half of the samples."""
        return mean_reward(self.samples[len(self.samples) // 2 :])

    @property
    def new(self) -> int:
        """How many architectures were trained; the others had come before."""
        return sum(sample.new for sample in self.samples)

    @property
    def failed(self) -> int:
        """How many of those failed, and scored 0."""
        return sum(sample.new and sample.error is not None for sample in self.samples)

    @property
    def steps(self) -> int:
        """Training steps in all."""
        return sum(sample.steps for sample in (*self.samples, *self.finalists))

    @property
    def seconds(self) -> float:
        """Seconds of training, added up over the workers."""
        return sum(sample.seconds for sample in (*self.samples, *self.finalists))


def mean_reward(samples: tuple[Sample, ...]) -> float:
    """Over all of them.

    >>> mean_reward((Sample((), "a", 0.25), Sample((), "b", 0.75)))
    0.5
    """
    return sum(sample.reward for sample in samples) / len(samples)
