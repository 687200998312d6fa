"""Initialisers: their variance is what the papers say."""

import math

import numpy as np
import pytest

import minicnn
from minicnn.errors import ShapeError
from minicnn.nn import init

SHAPE = (64, 32, 5, 5)
FAN_IN, FAN_OUT = 32 * 25, 64 * 25


@pytest.mark.parametrize(
    ("rule", "variance"),
    [
        (init.he_normal, 2 / FAN_IN),
        (init.he_uniform, 2 / FAN_IN),
        (lambda shape: init.he_normal(shape, "fan_out"), 2 / FAN_OUT),
        (init.xavier_normal, 2 / (FAN_IN + FAN_OUT)),
        (init.xavier_uniform, 2 / (FAN_IN + FAN_OUT)),
        (init.lecun_normal, 1 / FAN_IN),
        (init.lecun_uniform, 1 / FAN_IN),
    ],
)
def test_variance(rule, variance):
    minicnn.manual_seed(0)
    w = rule(SHAPE)
    assert w.dtype == np.float32
    assert w.shape == SHAPE
    assert np.var(w) == pytest.approx(variance, rel=0.03)  # 51,200 draws: three standard errors are 2 %
    assert abs(w.mean()) < 4 * math.sqrt(variance / w.size)


def test_uniform_rules_stay_within_their_bounds():
    minicnn.manual_seed(0)
    assert abs(init.he_uniform(SHAPE)).max() <= math.sqrt(6 / FAN_IN)
    assert abs(init.lecun_uniform(SHAPE)).max() <= math.sqrt(3 / FAN_IN)


def test_a_seed_gives_the_same_weights():
    minicnn.manual_seed(3)
    one = init.he_normal((2, 3))
    minicnn.manual_seed(3)
    np.testing.assert_array_equal(one, init.he_normal((2, 3)))


def test_a_vector_has_no_fans():
    with pytest.raises(ShapeError, match="at least two axes"):
        init.he_normal((5,))


def test_an_unknown_mode_is_named():
    with pytest.raises(minicnn.errors.ArgumentError, match="'fan_in', 'fan_out'"):
        init.he_normal((5, 5), "fan_avg")
