"""The grid of ratios is the budget's surface, whole and nothing else; the search ranks what it tries."""

import itertools
from fractions import Fraction

import pytest

from minicnn.errors import ArgumentError
from minicnn.search import Ratios, grid_search, scaling_grid


def by_brute_force(step, target, tolerance):
    """All points of a box that is surely large enough, in exact fractions."""
    step, target, tolerance = map(Fraction, (step, target, tolerance))
    axis = [1 + i * step for i in range(int((target + tolerance) / step) + 1)]
    squares = {x: x * x for x in axis}
    return {
        tuple(map(float, point))
        for point in itertools.product(axis, repeat=3)
        if abs(point[0] * squares[point[1]] * squares[point[2]] - target) <= tolerance
    }


@pytest.mark.parametrize(("step", "target", "tolerance"), [("0.1", "2", "0.1"), ("0.125", "2", "0.2"), ("0.1", "1.5", "0.05"), ("0.25", "4", "0.3"), ("0.5", "1", "0")])
def test_no_point_near_the_budget_is_missing_and_none_is_too_much(step, target, tolerance):
    found = scaling_grid(float(step), float(target), float(tolerance))
    assert set(found) == by_brute_force(step, target, tolerance)
    assert found == sorted(set(found))


def test_the_default_grid_has_the_papers_ratios_and_keeps_to_the_budget():
    grid = scaling_grid()
    assert (1.2, 1.1, 1.15) in grid
    assert Ratios(1.2, 1.1, 1.15).cost == pytest.approx(1.2 * 1.21 * 1.3225)
    assert set(grid) == by_brute_force("0.05", "2", "0.1")
    assert all(abs(alpha * beta**2 * gamma**2 - 2) < 0.1 + 1e-9 and min(alpha, beta, gamma) >= 1 for alpha, beta, gamma in grid)
    assert {alpha for alpha, _, _ in grid} >= {1.0, 2.0}
    assert all(round(x, 2) == x for ratios in grid for x in ratios)


def test_a_point_on_the_border_is_inside():
    """1.1 · 1² · 1² is 0.9 from 2, though not in binary fractions."""
    assert Ratios(1.1, 1.0, 1.0) in scaling_grid(0.1, 2.0, 0.9)
    assert Ratios(1.1, 1.0, 1.0) not in scaling_grid(0.1, 2.0, 0.899)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"step": 0}, "scaling_grid: step must be a number above 0, not 0"),
        ({"target": 0.5}, "scaling_grid: target must be a finite number >= 1, not 0.5"),
        ({"tolerance": -0.1}, "scaling_grid: tolerance must be a finite number >= 0, not -0.1"),
        ({"step": 0.3, "tolerance": 0.001}, "in steps of 0.3 have alpha beta² gamma² within 0.001 of 2: make the step smaller or the tolerance larger"),
    ],
)
def test_a_grid_that_cannot_be(arguments, message):
    with pytest.raises(ArgumentError) as caught:
        scaling_grid(**arguments)
    assert message in str(caught.value)


def test_every_candidate_is_tried_once_and_the_best_stands_first():
    tried = []

    def reward(ratios):
        tried.append(ratios)
        return -abs(ratios.alpha - 1.2) - abs(ratios.beta - 1.1) - abs(ratios.gamma - 1.15)

    grid = scaling_grid()
    ranking = grid_search(iter(grid), reward)
    assert tried == grid
    assert ranking[0].candidate == (1.2, 1.1, 1.15)
    assert sorted(ranked.candidate for ranked in ranking) == grid
    rewards = [ranked.reward for ranked in ranking]
    assert rewards == sorted(rewards, reverse=True)


def test_among_equals_the_earlier_is_better():
    assert [ranked.candidate for ranked in grid_search("abcd", {"a": 1, "b": 2, "c": 2, "d": 1}.get)] == ["b", "c", "a", "d"]


@pytest.mark.parametrize(
    ("candidates", "reward", "message"),
    [
        ([], len, "grid_search: there is no candidate to try"),
        (["x"], lambda x: float("nan"), "grid_search: the reward of x must be a number, not nan"),
        ([(1, 2)], lambda x: None, "grid_search: the reward of (1, 2) must be a number, not None"),
    ],
)
def test_a_search_without_an_answer(candidates, reward, message):
    with pytest.raises(ArgumentError) as caught:
        grid_search(candidates, reward)
    assert str(caught.value) == message
