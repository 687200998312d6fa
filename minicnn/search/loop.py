"""The search: sample architectures, train them for rewards, update the strategy, and so on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from minicnn import checks
from minicnn.backend import get_backend, get_num_threads, set_num_threads
from minicnn.errors import ArgumentError
from minicnn.search.child import Budget, Child, train_child
from minicnn.search.found import Found
from minicnn.search.images import SearchImages
from minicnn.search.pool import Pool, Train, tried
from minicnn.search.record import Record, opened
from minicnn.search.space import Space
from minicnn.search.strategy import Choices, Sample, Strategy

Score: TypeAlias = Callable[[Sequence[str]], Iterator[Child]]
"""The children of some strings, in their order, one by one."""


def search(
    space: Space,
    strategy: Strategy,
    images: SearchImages,
    budget: Budget,
    children: int,
    *,
    batch: int = 8,
    workers: int = 2,
    folder: Path | None = None,
    seed: int = 0,
    note: Mapping[str, Any] | None = None,
    say: Callable[[str], None] = print,
) -> Found:
    """Search for a good network, in rounds of three steps:

        1  sample    the strategy proposes architectures
        2  train     each is trained for a short while, and its accuracy on validation images is the reward
        3  update    the strategy learns from the rewards; a controller by REINFORCE, its gradient scaled by them

    An architecture that came before is not trained again: it counts as a sample, and costs nothing. The result depends on the settings alone, and not on the
    number of workers, nor on how often the search was broken off.

    Args:
        space: what there is to choose from.
        strategy: a fresh one for this space.
        images: to train on and to judge by.
        budget: how every child is trained.
        children: samples in all.
        batch: samples in a round.
        workers: processes that train; 0 trains in this one, where a child that takes too long, or the whole process down, cannot be ended.
        folder: of the record; that of a search that was broken off goes on. None keeps none.
        seed: of the children's weights and of the order of their images.
        note: what the caller wants to find again in settings.json.
        say: told in lines what is done.

    Returns:
        all samples.

    Raises:
        ArgumentError: a number is out of range; or the folder holds something else, a search with other settings, or one that is still going on.
        DataError: several workers in a row have died.
        CheckpointError: a file in the folder cannot be written.

    Source:
        Zoph & Le 2017, "Neural architecture search with reinforcement learning", fig. 1.

    Example:
        >>> from minicnn.search import ChainSpace, Reinforce, search_images
        >>> space = ChainSpace(layers=2)
        >>> images, budget = search_images("digits", size=8, count=200), Budget(steps=5)
        >>> found = search(space, Reinforce(space), images, budget, 2, batch=2, workers=0)  # doctest: +ELLIPSIS
        round 1
          1 sample  2 architectures, by REINFORCE
          2 train   2 new ones for 5 steps each: mean reward ..., best ...
          3 update  the first rewards give the baseline, ...; the controller stays as it is
        >>> len(found.samples)
        2
    """
    for number, name, least in ((children, "children", 1), (batch, "batch", 1), (workers, "workers", 0)):
        checks.integer(number, f"search: {name}", least)
    if not isinstance(strategy, Strategy):
        raise ArgumentError(f"search: the strategy must be one such as Reinforce(space), not {strategy!r:.80}")
    train = partial(train_child, images=images, budget=budget, seed=checks.integer(seed, "search: seed", 0))
    settings = settings_of(space, strategy, images, budget, children=children, batch=batch, seed=seed, note=dict(note or {}))
    with opened(folder, settings) as record, one_thread(), trained_by(workers, train, budget.seconds, say) as score:
        return Found(tuple(rounds(space, strategy, score, children, batch, record, say, f"for {budget.steps} steps each")))


def settings_of(space: Space, strategy: Strategy, images: SearchImages, budget: Budget, **others: Any) -> dict[str, Any]:
    """All that decides on samples and rewards, as plain values."""
    return {
        "space": {"name": space.name, "decisions": [[decision.kind, *decision.options] for decision in space.decisions]},
        "strategy": {"name": strategy.name, "seed": strategy.seed, **strategy.settings},
        "images": images.settings,
        "budget": dataclasses.asdict(budget),
        **others,
        "backend": get_backend().name,
    }


def rounds(
    space: Space,
    strategy: Strategy,
    score: Score,
    children: int,
    batch: int,
    record: Record,
    say: Callable[[str], None],
    how: str,
    *,
    keep: Callable[[int], None] | None = None,
) -> list[Sample]:
    """All rounds of a search.

    Args:
        score: trains children.
        how: in words.
        keep: where rewards change from round to round, and an earlier one means nothing any more: called after each round with the number of samples, to keep
            the state. The samples of the record are then those before the state, and come first.
    """
    samples: list[Sample] = [] if keep is None else list(record.before)
    record.count = len(samples)
    children_of: dict[str, Child] = {}
    while len(samples) < children:
        say(f"round {len(samples) // batch + 1}")
        asked = _asked(strategy, min(batch, children - len(samples)))
        say(f"  1 sample  {len(asked)} architectures, by {strategy.name}")
        told = []
        for sample in _rewarded(space, asked, len(samples), score, children_of, record):
            record.add(sample)
            told.append(sample)
        say(f"  2 train   {_in_words(told, how)}")
        say(f"  3 update  {strategy.tell(told)}")
        samples += told
        if keep is not None:
            keep(len(samples))
            children_of = {}
    return samples


def _asked(strategy: Strategy, count: int) -> list[Choices]:
    asked = strategy.ask(count)
    if not isinstance(asked, list) or len(asked) != count:
        given = f"{len(asked)} of them" if isinstance(asked, list) else type(asked).__name__
        raise ArgumentError(f"search: {type(strategy).__name__}.ask({count}) must return a list of {count} architectures, not {given}")
    return asked


def _rewarded(
    space: Space, asked: Sequence[Choices], first: int, score: Score, children_of: dict[str, Child], record: Record
) -> Iterator[Sample]:
    """A sample for each architecture that was asked for, in order: from the record, from an earlier one that is the same, or by training."""
    strings = [space.string(choices) for choices in asked]
    read = [record.known(first + i, string) for i, string in enumerate(strings)]
    for sample in read:
        if sample is not None and sample.new:
            children_of[sample.string] = Child(sample.reward, sample.parameters, sample.steps, sample.seconds, sample.error)
    fresh = list(dict.fromkeys(string for string in strings if string not in children_of))
    trained = zip(fresh, score(fresh), strict=True) if fresh else iter(())
    for choices, string, sample in zip(asked, strings, read, strict=True):
        if sample is not None:
            yield sample
        elif string in children_of:
            child = children_of[string]
            yield Sample(choices, string, child.reward, new=False, parameters=child.parameters, error=child.error)
        else:
            _, child = next(trained)
            children_of[string] = child
            yield Sample(choices, string, child.reward, True, child.parameters, child.steps, child.seconds, child.error)


def _in_words(told: Sequence[Sample], how: str) -> str:
    """What training has brought."""
    new = sum(sample.new for sample in told)
    best = max(told, key=lambda sample: sample.reward)
    counted = f"{new} new ones {how}" if new else "none is new"
    failed = sum(sample.error is not None for sample in told)
    mean = sum(sample.reward for sample in told) / len(told)
    return f"{counted}: mean reward {mean:.3f}, best {best.reward:.3f}, {best.string}" + (f"; {failed} failed: {next(sample.error for sample in told if sample.error)}" if failed else "")


@contextmanager
def trained_by(workers: int, train: Train, seconds: float, say: Callable[[str], None]) -> Iterator[Score]:
    """What trains children; processes are started when there is the first of them to train, and none is left afterwards."""
    if not workers:
        yield lambda strings: (tried(train, string) for string in strings)
        return
    with ExitStack() as stack:
        teams: list[Pool] = []

        def score(strings: Sequence[str]) -> Iterator[Child]:
            if not teams:
                teams.append(stack.enter_context(Pool(workers, train, seconds=seconds, say=say)))
            return teams[0].map(strings)

        yield score


@contextmanager
def one_thread() -> Iterator[None]:
    """As in a worker process: with another number of threads, sums come out a little different, also those of a controller."""
    before = get_num_threads()
    set_num_threads(1)
    try:
        yield
    finally:
        set_num_threads(before)
