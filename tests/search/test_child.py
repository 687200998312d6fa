"""A child: the same in any order, judged by validation images alone; what cannot be trained scores 0."""

import dataclasses

import numpy as np
import pytest

from minicnn.backend import manual_seed, use_backend
from minicnn.data import ArrayDataset
from minicnn.errors import ArgumentError
from minicnn.search import Budget, search_images, train_child
from minicnn.search.child import child_seed

CHAIN, BUDGET = "chain 3x3x8/2 3x3x16/2+0", Budget(steps=12, batch_size=16)


@pytest.fixture(scope="module")
def images():
    return search_images("digits", size=8, count=400)


@pytest.fixture(autouse=True)
def _on_numpy():
    """Toys are done before a compiler has begun."""
    with use_backend("numpy"):
        yield


def same(first, second):
    return dataclasses.replace(first, seconds=0.0) == dataclasses.replace(second, seconds=0.0)


def test_learns(images):
    child = train_child(CHAIN, images, Budget(steps=60))
    assert child.reward > 0.5
    assert (child.parameters, child.steps, child.error) == (8 * 9 + 16 + 16 * 72 + 32 + 170, 60, None)
    assert 0 < child.seconds < 60


def test_the_seed_and_the_string_decide_and_nothing_before(images):
    manual_seed(1)
    first = train_child(CHAIN, images, BUDGET, seed=3)
    train_child("chain 3x3x4", images, BUDGET, seed=3)
    assert same(train_child(CHAIN, images, BUDGET, seed=3), first)
    assert not same(train_child(CHAIN, images, BUDGET, seed=4), first)
    assert len({child_seed(string, seed) for string in ("a", "b") for seed in (0, 1)}) == 4


def test_is_judged_by_the_validation_images(images):
    wrong = ArrayDataset(images.validation.arrays[0], (images.validation.arrays[1] + 1) % 10)
    right, other = (train_child(CHAIN, replaced, Budget(steps=60)).reward for replaced in (images, dataclasses.replace(images, validation=wrong)))
    assert right > 0.5
    assert other < 0.15


def test_each_image_is_seen_once_before_any_is_seen_twice(images, monkeypatch):
    seen = []
    monkeypatch.setattr("minicnn.search.child.cross_entropy", lambda scores, labels: (seen.append(labels.numpy()), (scores * 0).sum())[1])
    numbered = dataclasses.replace(images, train=ArrayDataset(images.train.arrays[0][:20], np.arange(20)))
    train_child(CHAIN, numbered, Budget(steps=6, batch_size=5))
    assert [len(batch) for batch in seen] == [5] * 6
    assert sorted(np.concatenate(seen[:4])) == list(range(20))
    assert list(np.concatenate(seen[4:])) != list(np.concatenate(seen[:2]))


@pytest.mark.parametrize(
    ("string", "budget", "steps", "error"),
    [
        ("chain 3x3", BUDGET, 0, "ArgumentError: layer 0 of the chain, '3x3', is none"),
        (CHAIN, dataclasses.replace(BUDGET, sizes={"cells": 2}), 0, "ArgumentError: SearchedChain("),
        (CHAIN, dataclasses.replace(BUDGET, lr=1e30), 3, "NonFiniteError: the loss is nan at step "),
    ],
)
@pytest.mark.filterwarnings("ignore:(overflow|invalid value|divide by zero):RuntimeWarning")
def test_what_cannot_be_trained_scores_0(images, string, budget, steps, error):
    child = train_child(string, images, budget)
    assert child.reward == 0
    assert child.error.startswith(error)
    assert child.steps <= steps


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"steps": 0}, "Budget: steps must be an integer >= 1, not 0"),
        ({"batch_size": 0}, "Budget: batch_size must be an integer >= 1, not 0"),
        ({"lr": 0}, "Budget: lr must be a number above 0, not 0"),
        ({"seconds": -1}, "Budget: seconds must be a number above 0, not -1"),
        ({"weight_decay": -1}, "Budget: weight_decay must be a finite number >= 0, not -1"),
        ({"sizes": 3}, "Budget: sizes must be a dict such as {'cells': 2}, not 3"),
    ],
)
def test_wrong_input(options, sentence):
    with pytest.raises(ArgumentError) as caught:
        Budget(**options)
    assert str(caught.value) == sentence


def test_a_seed_is_not_negative(images):
    with pytest.raises(ArgumentError, match="train_child: seed must be an integer >= 0, not -1"):
        train_child(CHAIN, images, BUDGET, -1)
