"""Means over seeds, and the training that all networks of an experiment share."""

import numpy as np
import pytest

from minicnn import nn
from minicnn.backend import use_backend
from minicnn.data import ArrayDataset
from minicnn.experiments.images import SmallSet
from minicnn.experiments.over_seeds import Plan, Values, over_seeds, student, train


@pytest.fixture(autouse=True)
def _on_numpy():
    """Toys are done before a compiler has begun."""
    with use_backend("numpy"):
        yield


@pytest.mark.parametrize(
    ("each", "above"),
    [((3.0, 4.0, 5.0), True), ((-3.0, -4.0, -5.0), False), ((1.0, 2.0, 3.0), None), ((-1.0, 2.0, 3.0), None), ((0.0, 0.0), None), ((7.0,), None)],
)
def test_a_difference_is_clear_beyond_the_t_of_its_degrees_of_freedom(each, above):
    """Of 3, 4, 5 the mean is 6.9 standard errors above 0, of 1, 2, 3 it is 3.5: more than two, and less than 4.3."""
    assert Values(each).is_above_zero() is above
    assert Values(each).is_clear() is (above is not None)


@pytest.mark.parametrize("freedom", range(1, 31))
def test_the_table_is_students(freedom):
    """With t = √f tan(a), the density of a is proportional to cos(a)^(f - 1)."""
    a = np.linspace(0, np.pi / 2, 20_001)
    density = np.cos(a) ** (freedom - 1)
    inside = density[a <= np.arctan(student(freedom) / freedom**0.5)].sum() / density.sum()
    assert inside == pytest.approx(0.95, abs=2e-4)


def test_differences_are_taken_seed_by_seed():
    assert Values((3.0, 5.0)).minus(Values((1.0, 4.0))).each == (2.0, 1.0)


def test_two_classes_apart_are_learned_and_a_seed_is_a_seed():
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    x = (rng.standard_normal((40, 1, 2, 2)) + 8 * labels[:, None, None, None] - 4).astype(np.float32)
    images = SmallSet(ArrayDataset(x, labels), ArrayDataset(x[:10], 1 - labels[:10]), 2, 1)  # held out: the wrong way round
    plan = Plan(epochs=20, batch=8, lr=0.1)
    first, second, other = (train(lambda: nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), images, plan, seed) for seed in (3, 3, 4))
    assert (first.train_error, first.test_error) == (0, 100)
    assert first.train_loss == second.train_loss != other.train_loss
    assert over_seeds([first, second], "test_error").each == (100, 100)
