"""Regularised evolution: the winner of a tournament is copied, the oldest dies, a planted reward is found."""

import pytest

from minicnn.errors import ArgumentError
from minicnn.search import Evolution
from minicnn.search.strategy import Sample
from tests.search.toy import Toy, rewarded, run


def told(evolution, rewards):
    """Ask for as many as there are rewards, and tell them; returns what was asked."""
    asked = evolution.ask(len(rewards))
    evolution.tell([Sample(choices, "", reward) for choices, reward in zip(asked, rewards, strict=True)])
    return asked


def test_the_oldest_leaves_and_not_the_worst():
    evolution = Evolution(Toy(), population=3)
    told(evolution, (0.9, 0.1, 0.5))
    told(evolution, (0.2,))
    assert [sample.reward for sample in evolution.living] == [0.1, 0.5, 0.2]
    told(evolution, (0.3, 0.4))
    assert [sample.reward for sample in evolution.living] == [0.2, 0.3, 0.4]


def test_everybody_is_a_copy_of_the_best_with_one_change_if_all_compete():
    evolution = Evolution(Toy(), population=4, tournament=100)
    best = told(evolution, (0.1, 0.2, 0.8, 0.3))[2]
    for child in told(evolution, (0.1, 0.1)):
        assert sum(a != b for a, b in zip(child, best, strict=True)) == 1


def test_the_tournament_is_of_a_few():
    evolution = Evolution(Toy(), population=10, tournament=1)
    parents = told(evolution, tuple(i / 10 for i in range(10)))
    nearest = [min(range(10), key=lambda i, child=child: sum(a != b for a, b in zip(child, parents[i], strict=True))) for child in evolution.ask(60)]
    assert set(nearest) == set(range(10))


def test_begins_with_a_random_population():
    evolution = Evolution(Toy(), population=6, tournament=100)
    asked = told(evolution, (0.9, 0, 0, 0)) + told(evolution, (0, 0, 0, 0))
    distance = [sum(a != b for a, b in zip(asked[0], other, strict=True)) for other in asked[1:]]
    assert min(distance[:5]) > 1
    assert distance[5:] == [1, 1]


def test_finds_a_planted_reward():
    rewards = run(Evolution(Toy(), seed=0), rounds=20)
    assert rewards[-5:].mean() > 0.65 > rewards[0].mean()


def test_same_seed_and_same_rewards_same_samples():
    asked = []
    for seed in (3, 3, 4):
        evolution = Evolution(Toy(), seed=seed, population=4)
        for _ in range(3):
            evolution.tell(rewarded(Toy(), evolution.ask(4)))
        asked.append(evolution.ask(6))
    assert asked[0] == asked[1] != asked[2]


def test_says_in_words_what_it_did():
    evolution = Evolution(Toy(), population=2)
    assert evolution.tell([Sample(Toy.target, "", reward) for reward in (0.5, 0.7)]) == "population 2, mean reward 0.600"
    assert evolution.tell([Sample(Toy.target, "", 0.9)]) == "population 2, mean reward 0.800; the 1 oldest left it"
    assert evolution.settings == {"population": 2, "tournament": 5}


@pytest.mark.parametrize("name", ["population", "tournament"])
def test_wrong_input(name):
    with pytest.raises(ArgumentError) as caught:
        Evolution(Toy(), **{name: 0})
    assert str(caught.value) == f"Evolution: {name} must be an integer >= 1, not 0"
