"""Recipes: names, ranges, the schedules over a whole run, and that the number of workers decides nothing."""

import dataclasses
import math

import numpy as np
import pytest

from minicnn import optim
from minicnn.errors import ArgumentError
from minicnn.train import Recipe
from minicnn.train.optimizers import OPTIMIZERS
from minicnn.train.schedules import SCHEDULES

LR = 0.5
LAST = {  # the rate of the last of 12 steps
    "constant": LR,
    "step": LR / 100,
    "multi-step": LR / 100,
    "plateau": LR,
    "cosine": LR * (1 + math.cos(math.pi * 11 / 12)) / 2,
    "warmup-cosine": LR * (1 + math.cos(math.pi * 11 / 12)) / 2,
    "one-cycle": LR / 25 / 1e4,
}


def rates(schedule, steps, **settings):
    """The rate of each step of a run with one step per epoch, without training; all losses are equal."""
    parts = Recipe(schedule=schedule, epochs=steps, batch_size=1437, lr=LR, **settings).build().trainer
    found = []
    for _ in range(steps):
        found.append(parts.optimizer.param_groups[0]["lr"])
        if isinstance(parts.schedule, optim.Schedule):
            parts.schedule.step()
    return found


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_reaches_the_given_rate_and_ends_where_it_should(schedule):
    found = rates(schedule, 12)
    assert max(found) == pytest.approx(LR, rel=0.01)
    assert found[-1] == pytest.approx(LAST[schedule])
    peak = found.index(max(found))
    assert found[peak:] == sorted(found[peak:], reverse=True)
    assert found[:peak] == sorted(found[:peak])


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_run_of_a_single_step_takes_it_at_the_given_rate(schedule):
    assert rates(schedule, 1) == [LR]


def test_milestones_are_at_half_and_three_quarters():
    assert rates("multi-step", 8) == pytest.approx([LR] * 4 + [LR / 10] * 2 + [LR / 100] * 2)


def test_warm_up_takes_a_twentieth_of_the_run():
    found = rates("warmup-cosine", 40)
    assert found[:3] == pytest.approx([0.1 * LR, 0.55 * LR, LR])
    assert found.index(max(found)) == 2


def test_lengths_count_from_the_start_of_the_run_also_after_a_warm_up():
    """Steps 0 and 1 rise; the falls are at 3 and 6, and those due at 1 and 2 come at the end of the rise."""
    rise = [0.1 * LR, 0.55 * LR]
    for schedule, options in (("multi-step", {"milestones": [3, 6]}), ("step", {"every": 3})):
        assert rates(schedule, 8, schedule_options={**options, "warmup": 2}) == pytest.approx(rise + [LR] + [LR / 10] * 3 + [LR / 100] * 2)
    for schedule, options in (("multi-step", {"milestones": [1, 2]}), ("step", {"every": 1})):
        assert rates(schedule, 3, schedule_options={**options, "warmup": 2}) == pytest.approx([*rise, LR / 100])


@pytest.mark.parametrize("schedule", ["one-cycle", "cosine", "step", "multi-step", "warmup-cosine"])
def test_a_schedule_is_as_long_as_there_are_updates(schedule):
    """1437 images in batches of 250 are 6; by fours they are 2 updates an epoch, and 24 in twelve."""
    parts = Recipe(schedule=schedule, epochs=12, batch_size=250, accumulate=4, lr=LR).build().trainer
    assert [parts.schedule.lr_at(LR, t) for t in range(24)] == pytest.approx(rates(schedule, 24))


def test_the_rate_falls_where_the_training_loss_stays():
    schedule = Recipe(schedule="plateau", lr=LR).build().trainer.schedule
    for _ in range(4):
        schedule.step(1.0)
    assert schedule.get_last_lr() == pytest.approx([LR / 10])


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_run_of_a_single_step_learns(schedule):
    parts = Recipe(schedule=schedule, epochs=1, batch_size=2000).build()
    before = parts.model.state_dict()
    parts.trainer.fit(parts.train, parts.test, 1)
    assert np.abs(parts.model.state_dict()["output.bias"] - before["output.bias"]).max() > 1e-4


def test_names_may_be_written_in_capitals():
    recipe = Recipe(model="lenet5", optimizer="ADAM", schedule="One-Cycle").resolved()
    assert (recipe.model, recipe.optimizer, recipe.schedule) == ("LeNet5", "adam", "one-cycle")
    assert type(Recipe(optimizer="AdamW", schedule="Step").build().trainer.optimizer) is optim.AdamW


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_has_a_rate_that_is_used_where_none_is_given(optimizer):
    rate = Recipe(optimizer=optimizer).resolved().lr
    parts = Recipe(optimizer=optimizer, schedule="constant").build().trainer
    assert parts.optimizer.param_groups[0]["lr"] == rate == OPTIMIZERS[optimizer][2]


def test_workers_change_nothing():
    first, second = (next(iter(Recipe(workers=workers).build().train)) for workers in (0, 1))
    np.testing.assert_array_equal(first[0].numpy(), second[0].numpy())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"model": "LeNet4"}, "unknown model 'LeNet4': did you mean LeNet5"),
        ({"model": 3}, "the model is chosen by its name, a text, not 3"),
        ({"schedule": "plataeu"}, "unknown schedule 'plataeu': did you mean plateau"),
        ({"schedule": None}, "the schedule is chosen by its name"),
        ({"optimizer": "sdg"}, "did you mean sgd"),
        ({"lr": math.inf}, "the learning rate must be a number above 0, not inf"),
        *(
            ({"schedule": "multi-step", "schedule_options": {"milestones": value}}, "milestones must be a list of epochs, such as .10, 15., not ")
            for value in (5, "", {}, [])
        ),
        ({"model_options": {"num_classes": 12}}, "digits has 10 classes, and the network would have 12: leave num_classes out of the model_options"),
        ({"model_options": {"num_classes": 9}}, "digits has 10 classes, and the network would have 9"),
        ({"weights": 5}, "the recipe's weights must be a text, not 5"),
        ({"data_dir": 5}, "the recipe's data_dir must be a text, not 5"),
        ({"lr": "fast"}, "the learning rate must be a number above 0, not 'fast'"),
    ],
)
def test_messages(change, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        dataclasses.replace(Recipe(), **change).build()
