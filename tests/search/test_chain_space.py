"""Chains as decisions: from choices to strings and back, drawn uniformly, and changed in one place."""

from collections import Counter
from itertools import product

import numpy as np
import pytest

from minicnn.errors import ArgumentError
from minicnn.models import create_from_string
from minicnn.search import ChainSpace, Decision

SIZES = ["filters", "height", "width", "stride"]


def small(**changed):
    return ChainSpace(**{"layers": 2, "heights": (1, 3), "widths": (5,), "filters": (8, 16, 24), "strides": (1, 2), **changed})


def test_layers_are_decided_in_turn_and_what_each_reads_at_last():
    space = small(layers=3)
    assert [decision.kind for decision in space.decisions] == [*SIZES, *SIZES, "skip", *SIZES, "skip", "skip"]
    assert [decision.options for decision in space.decisions[:4]] == [("8", "16", "24"), ("1", "3"), ("5",), ("1", "2")]
    assert space.decisions[-1] == Decision("skip", ("no", "yes"), (2, 1))
    assert [decision.link for decision in space.decisions if decision.kind == "skip"] == [(1, 0), (2, 0), (2, 1)]
    assert all(decision.link is None for decision in space.decisions if decision.kind != "skip")


def test_choices_become_a_string():
    assert small().string([1, 1, 0, 0, 2, 0, 0, 1, 0]) == "chain 3x5x16 1x5x24/2"
    assert small().string([1, 1, 0, 0, 2, 0, 0, 1, 1]) == "chain 3x5x16 1x5x24/2+0"
    assert small(skips=False).string([1, 1, 0, 0, 2, 0, 0, 1]) == "chain 3x5x16 1x5x24/2+0"


@pytest.mark.parametrize("skips", [False, True])
def test_every_sequence_of_choices_is_another_network_and_comes_back(skips):
    space = small(skips=skips)
    everything = list(product(*(range(len(decision.options)) for decision in space.decisions)))
    strings = [space.string(choices) for choices in everything]
    assert space.size == len(everything) == len(set(strings)) == 12 * 12 * (2 if skips else 1)
    assert [space.choices(string) for string in strings] == everything


def test_random_chains_come_back_and_are_built():
    space, rng = ChainSpace(layers=5), np.random.default_rng(1)
    for _ in range(10):
        choices = space.random(rng)
        string = space.string(choices)
        assert space.choices(string) == choices
        assert create_from_string(string).string == string


def test_random_choices_are_uniform_and_follow_from_the_seed():
    space, rng = small(), np.random.default_rng(2)
    drawn = [space.random(rng) for _ in range(3000)]
    for i, decision in enumerate(space.decisions):
        counts = Counter(choices[i] for choices in drawn)
        n = len(decision.options)
        assert set(counts) == set(range(n))
        assert sum((count - 3000 / n) ** 2 / (3000 / n) for count in counts.values()) < 16  # chi-squared, one or two degrees of freedom
    assert space.random(np.random.default_rng(3)) == space.random(np.random.default_rng(3))


def test_a_mutation_changes_one_open_decision_to_every_other_option():
    space, rng = small(), np.random.default_rng(4)
    start = (1, 0, 0, 1, 2, 1, 0, 0, 1)
    changes = Counter()
    for _ in range(3000):
        changed = space.mutate(start, rng)
        (i,) = [i for i, pair in enumerate(zip(start, changed, strict=True)) if pair[0] != pair[1]]
        changes[i, changed[i]] += 1
    options = [(i, option) for i, decision in enumerate(space.decisions) for option in range(len(decision.options)) if option != start[i]]
    assert set(changes) == set(options)
    for i, decision in enumerate(space.decisions):
        if len(decision.options) > 1:
            expected = 3000 / 7 / (len(decision.options) - 1)  # seven decisions are open
            assert all(abs(changes[i, option] - expected) < 5 * expected**0.5 for option in range(len(decision.options)) if option != start[i])


@pytest.mark.parametrize(
    ("string", "said"),
    [
        ("chain 1x5x8", "chains of 2 layers: the chain has 1, and so is not in this space: chain 1x5x8"),
        ("chain 1x5x8 2x5x8", "chains of 2 layers: layer 1, '2x5x8', is not in this space: height 2 is none of 1, 3"),
        ("chain 1x5x9 1x5x8", "chains of 2 layers: layer 0, '1x5x9', is not in this space: filters 9 is none of 8, 16, 24"),
        ("chain 1x5x8/3 1x5x8", "chains of 2 layers: layer 0, '1x5x8/3', is not in this space: stride 3 is none of 1, 2"),
        ("cells 1x5x8 1x5x8", "a chain begins with the word chain, as in 'chain 3x3x24 3x3x36+0', not with 'cells'"),
    ],
)
def test_what_is_not_in_the_space_is_refused(string, said):
    with pytest.raises(ArgumentError) as error:
        small().choices(string)
    assert str(error.value) == said


def test_without_skips_each_layer_reads_the_one_before():
    assert small(layers=4, skips=False).string([0] * 16) == "chain 1x5x8 1x5x8+0 1x5x8+1 1x5x8+2"
    assert small(layers=3, skips=False).choices("chain 1x5x8 1x5x8+0 3x5x8+1") == (0,) * 9 + (1, 0, 0)
    with pytest.raises(ArgumentError, match="layer 1, '1x5x8', must read the layer before it and no other: this space has no skips"):
        small(skips=False).choices("chain 1x5x8 1x5x8")


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ([0] * 8, "chains of 2 layers: 9 choices are needed, one for each decision, not 8"),
        ([0] * 8 + [2], "chains of 2 layers: choice 8 (skip) must be a position from 0 to 1, not 2"),
        ([-1] + [0] * 8, "chains of 2 layers: choice 0 (filters) must be a position from 0 to 2, not -1"),
        ([0.5] + [0] * 8, "chains of 2 layers: choice 0 (filters) must be a position from 0 to 2, not 0.5"),
    ],
)
def test_choices_are_checked(choices, said):
    for use in (small().string, lambda choices: small().mutate(choices, np.random.default_rng(0))):
        with pytest.raises(ArgumentError) as error:
            use(choices)
        assert str(error.value) == said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"layers": 0}, "ChainSpace: layers must be an integer >= 1, not 0"),
        ({"filters": (8, 8)}, "ChainSpace: each filters must be given once, and there must be one at least, not (8, 8)"),
        ({"heights": ()}, "ChainSpace: each height must be given once, and there must be one at least, not ()"),
        ({"strides": (0,)}, "ChainSpace: each stride must be an integer >= 1, not 0"),
        ({"skips": 1}, "ChainSpace: skips must be True or False, not 1"),
    ],
)
def test_a_space_is_checked(options, said):
    with pytest.raises(ArgumentError) as error:
        ChainSpace(**options)
    assert str(error.value) == said


def test_a_space_of_one_network_has_nothing_to_mutate():
    space = ChainSpace(1, (3,), (3,), (8,), (1,))
    assert space.size == 1
    with pytest.raises(ArgumentError, match="chains of 1 layer: every decision has one option only"):
        space.mutate((0, 0, 0, 0), np.random.default_rng(0))
