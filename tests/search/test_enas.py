"""ENAS: shared weights learn, children are judged by validation images, and a search goes on from its last round."""

import dataclasses
import importlib
import json

import numpy as np
import pytest

from minicnn.backend import get_num_threads, use_backend
from minicnn.data import ArrayDataset
from minicnn.errors import ArgumentError, NonFiniteError
from minicnn.search import (
    Budget,
    CellSpace,
    ChainSpace,
    Evolution,
    Plan,
    Reinforce,
    SearchImages,
    enas,
    search_images,
    train_child,
)
from minicnn.search.enas import CHECKPOINT, SharedWeights
from minicnn.search.record import SAMPLES

SPACE = CellSpace(blocks=1, operations=("id", "conv1", "max3"))
BUDGET = Budget(steps=2, batch_size=16, sizes={"filters": 2})
STRING = "cells conv1:0+max3:1 / conv1:0+max3:1"


@pytest.fixture(autouse=True)
def _on_numpy():
    """Toys are done before a compiler has begun."""
    with use_backend("numpy"):
        yield


@pytest.fixture(scope="module")
def images():
    return search_images("digits", size=8, count=200)


def run(images, folder=None, say=lambda line: None, children=7):
    return enas(SPACE, Reinforce(SPACE, 5, hidden=8), images, BUDGET, children, batch=3, workers=0, folder=folder, seed=1, say=say)


def lines(folder):
    return [{**json.loads(line), "seconds": None} for line in (folder / SAMPLES).read_text().splitlines()]


def test_shared_weights_learn(images):
    weights = SharedWeights(SPACE, images, BUDGET, seed=0, lr=0.05)
    before = next(weights.judge([STRING])).reward
    for _ in range(30):
        weights.train(STRING)
    assert next(weights.judge([STRING])).reward > before + 0.15


def test_children_are_judged_by_validation_images(images):
    shifted = SearchImages("", images.train, ArrayDataset(images.validation.arrays[0], (images.validation.arrays[1] + 1) % 10), 10)
    rewards = []
    for those in (images, shifted):
        weights = SharedWeights(SPACE, those, BUDGET, seed=0, lr=0.05)
        for _ in range(30):
            weights.train(STRING)
        rewards.append(next(weights.judge([STRING])).reward)
    assert rewards[0] > rewards[1] + 0.15


def test_judging_changes_nothing_that_is_learned(images):
    weights = SharedWeights(SPACE, images, BUDGET, seed=0)
    before = {name: parameter.numpy().copy() for name, parameter in weights.network.named_parameters()}
    list(weights.judge([STRING] * 2))
    assert all((parameter.numpy() == before[name]).all() for name, parameter in weights.network.named_parameters())


def test_all_of_a_round_are_judged_by_the_same_images(images):
    weights = SharedWeights(SPACE, images, BUDGET, seed=0)
    assert len({child.reward for child in weights.judge([STRING] * 3)}) == 1


def test_as_many_steps_are_spent_as_training_each_child_would_take(images, monkeypatch):
    trained, train = [], SharedWeights.train
    monkeypatch.setattr(SharedWeights, "train", lambda self, string: (trained.append(string), train(self, string))[1])
    found = run(images)
    assert len(trained) == sum(sample.steps for sample in found.samples) == 2 * found.new
    assert len(found.samples) == 7
    assert len(set(trained)) > 3


def test_the_finalists_are_trained_from_scratch_and_are_the_best(images):
    found = run(images)
    last = {sample.string for sample in found.samples[-1:]}
    assert {sample.string for sample in found.finalists} == last
    for sample in found.finalists:
        child = train_child(sample.string, images, dataclasses.replace(BUDGET, steps=3), seed=1)  # a quarter of 7 times 2
        assert (sample.reward, sample.parameters, sample.steps) == (child.reward, child.parameters, 3)
    assert found.best()[0].reward == max(sample.reward for sample in found.finalists)


def test_the_finalists_have_time_for_all_their_steps(images, monkeypatch):
    limits = []

    def trained_by(workers, train, seconds, say):
        limits.append((train.keywords["budget"].steps, seconds))
        return in_the_loop(workers, train, seconds, say)

    room = importlib.import_module("minicnn.search.enas")  # the package has a function of this name
    in_the_loop = room.trained_by
    monkeypatch.setattr(room, "trained_by", trained_by)
    run(images)
    assert limits == [(3, BUDGET.seconds * 3 / BUDGET.steps)]


class _Stop(Exception):
    pass


def test_broken_off_anywhere_it_goes_on_as_if_it_had_not_been(images, tmp_path):
    whole = run(images, tmp_path / "whole")
    folder = tmp_path / "broken"
    for stop in (4, 7):

        def say(line, left=[stop]):  # noqa: B006 - it counts
            left[0] -= 1
            if not left[0]:
                raise _Stop

        with pytest.raises(_Stop):
            run(images, folder, say=say)
        with (folder / SAMPLES).open("a") as file:
            file.write('{"choices": [1, 0')
    again = run(images, folder)
    assert lines(folder) == lines(tmp_path / "whole")
    assert [sample.reward for sample in again.finalists] == [sample.reward for sample in whole.finalists]


def test_rounds_that_are_done_are_not_done_again(images, tmp_path, monkeypatch):
    run(images, tmp_path)
    assert (tmp_path / CHECKPOINT).exists()
    monkeypatch.setattr(SharedWeights, "train", lambda self, string: pytest.fail("trained again"))
    run(images, tmp_path)


def test_the_plan_knows_it():
    with pytest.raises(ArgumentError, match="enas shares the weights of cells: search the space cells, or take another strategy"):
        Plan(strategy="enas")
    plan = Plan(space="cells", strategy="enas", blocks=1, filters=4, children=2, batch=2, steps=1, images=40)
    assert len(plan.run(workers=0, say=lambda line: None).finalists) == 1


@pytest.mark.filterwarnings("ignore:(overflow|invalid value|divide by zero):RuntimeWarning")
def test_a_rate_that_is_too_high_is_said(images):
    weights = SharedWeights(SPACE, images, Budget(batch_size=8, sizes={"filters": 4}), seed=0, lr=1e30)
    with pytest.raises(NonFiniteError, match=r"the loss of the shared weights is nan, with a learning rate of 1e\+30: try 1e\+29"):  # noqa: PT012 - any step
        for _ in range(4):
            weights.train(STRING)


def test_wrong_input(images):
    with pytest.raises(ArgumentError, match="enas: lr must be a number above 0, not 0"):
        SharedWeights(SPACE, images, BUDGET, seed=0, lr=0)
    with pytest.raises(ArgumentError, match="enas: children must be an integer >= 1, not 0"):
        run(images, children=0)


@pytest.mark.parametrize(("options", "sentence"), [
    ({"workers": -1}, "enas: workers must be an integer >= 0, not -1"),
    ({"space": ChainSpace(2)}, r"enas: shares the weights of cells, and learns by a controller: give a CellSpace and Reinforce\(space\), or PPO\(space\), not <.*ChainSpace"),
    ({"strategy": Evolution(SPACE)}, "enas: shares the weights of cells, and learns by a controller: .*Evolution"),
    ({"budget": Budget(sizes={"stem": 8})}, "OverNetwork.*: got an unexpected keyword argument 'stem'"),
])  # fmt: skip
def test_wrong_input_leaves_nothing(images, tmp_path, options, sentence):
    given = {"space": SPACE, "strategy": Reinforce(SPACE), "images": images, "budget": BUDGET, "children": 2, "folder": tmp_path / "search", **options}
    with pytest.raises(ArgumentError, match=sentence):
        enas(**given)
    assert not (tmp_path / "search").exists()


def test_gradients_of_the_shared_weights_are_clipped(images, monkeypatch):
    weights, norms = SharedWeights(SPACE, images, BUDGET, seed=0), []
    step = weights.optimizer.step

    def noted():
        norms.append(np.sqrt(sum(float((p.grad.numpy() ** 2).sum()) for p in weights.network.parameters() if p.grad is not None)))
        step()

    monkeypatch.setattr(weights.optimizer, "step", noted)
    monkeypatch.setattr(importlib.import_module("minicnn.search.enas"), "CLIP", 0.01)
    weights.train(STRING)
    assert norms == [pytest.approx(0.01, rel=1e-3)]


def test_finalists_are_trained_by_one_thread_as_in_a_worker(images, two_threads, monkeypatch):
    threads = []
    room = importlib.import_module("minicnn.search.enas")
    monkeypatch.setattr(room, "train_child", lambda *args, **options: (threads.append(get_num_threads()), train_child(*args, **options))[1])
    run(images, children=2)
    assert set(threads) == {1}
    assert get_num_threads() == 2, "as before"


def test_the_choice_of_minibatches_depends_on_the_seed(images):
    first, second = (SharedWeights(SPACE, images, BUDGET, seed)._minibatch(images.train, 8)[1].numpy() for seed in (0, 1))
    assert not np.array_equal(first, second)
