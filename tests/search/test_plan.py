"""A plan: settings by name, and read back from a folder."""

import dataclasses
import json

import pytest

from minicnn.errors import ArgumentError
from minicnn.search import PPO, Evolution, Plan, RandomSearch, Reinforce
from minicnn.search.plan import plan_of
from minicnn.search.record import SETTINGS


def test_makes_what_it_says():
    assert (Plan().make_space().name, Plan(layers=2).make_space().name) == ("chains of 4 layers", "chains of 2 layers")
    cells = Plan(space="cells", blocks=2, cells=3, filters=4)
    assert (cells.make_space().name, cells.budget.sizes, Plan().budget.sizes) == ("cells of 2 blocks", {"cells": 3, "filters": 4}, {})
    for name, kind in (("random", RandomSearch), ("reinforce", Reinforce), ("ppo", PPO), ("evolution", Evolution)):
        strategy = Plan(strategy=name, seed=7).make_strategy(Plan().make_space())
        assert (type(strategy), strategy.seed) == (kind, 7)
    budget = Plan(steps=5, lr=0.2, batch_size=7, seconds=9.0).budget
    assert (budget.steps, budget.lr, budget.batch_size, budget.seconds) == (5, 0.2, 7, 9.0)


def test_digits_have_the_size_in_which_they_were_scanned():
    assert Plan(images=40).make_images().shape == (1, 8, 8)
    assert Plan(images=40, image_size=16).make_images().shape == (1, 16, 16)
    assert Plan(images=40, dataset="shapes", image_size=16).make_images().shape == (3, 16, 16)
    assert (len(Plan(images=40).make_images().train), len(Plan(images=40).make_final_images().train)) == (30, 40)


def test_comes_back_from_the_folder(tmp_path):
    plan = Plan(children=2, batch=2, steps=1, batch_size=4, images=20, layers=1, seed=3, strategy="random")
    found = plan.run(tmp_path, workers=0, say=lambda line: None)
    assert plan_of(tmp_path) == plan
    again = plan_of(tmp_path).run(tmp_path, workers=0, say=lambda line: None)
    assert again == found


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"space": "chains"}, "unknown space 'chains': did you mean chain? Known: cells, chain"),
        ({"strategy": "evolve"}, "unknown strategy 'evolve': did you mean evolution?"),
        ({"images": 3}, "images must be an integer >= 4, not 3"),
        ({"seed": -1}, "seed must be an integer >= 0, not -1"),
    ],
)
def test_wrong_input(options, sentence):
    with pytest.raises(ArgumentError) as caught:
        Plan(**options)
    assert str(caught.value).startswith(sentence)


def test_a_search_that_was_not_begun_from_a_plan(tmp_path):
    for settings in ({"note": {}, "backend": "numpy"}, {"note": dataclasses.asdict(Plan())}):
        (tmp_path / SETTINGS).write_text(json.dumps(settings))
        with pytest.raises(ArgumentError, match="was not begun by `minicnn search`, or by another version of it"):
            plan_of(tmp_path)
