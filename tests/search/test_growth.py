"""How numbers are rounded: to the nearest step, and blocks in all rather than stage by stage."""

import numpy as np
import pytest

from minicnn.search import Blocks, Steps, Times

FACTORS = [1.1**phi for phi in range(-12, 13)]


@pytest.mark.parametrize("value", [(2, 2, 2, 2), (3, 4, 6, 3), (1, 1, 2, 2, 2), (3, 24, 36, 3), (1,), [3, 8, 36, 3]])
@pytest.mark.parametrize("factor", FACTORS)
def test_blocks_are_as_many_as_wanted_to_half_a_block_and_each_stage_to_one(value, factor):
    scaled = Blocks()(value, factor)
    exact = [n * factor for n in value]
    assert min(scaled) >= 1
    assert all(abs(n - x) < 1 or n == 1 for n, x in zip(scaled, exact, strict=True))
    if min(exact) >= 1:  # no stage is kept from having none
        assert abs(sum(scaled) - sum(exact)) <= 0.5


def test_blocks_in_examples():
    grow = Blocks()
    assert grow((2, 2, 2, 2), 1.2) == (2, 2, 3, 3)  # 9.6 in all
    assert grow((3, 4, 6, 3), 1.2) == (3, 5, 7, 4)  # 3.6, 4.8, 7.2 and 3.6 are 19.2: one more where .8 is missing, and where .6 is
    assert grow((1, 1, 1, 1), 0.3) == (1, 1, 1, 1)
    assert grow(np.array([2, 2]), 1) == (2, 2)


@pytest.mark.parametrize(("value", "steps"), [(64, Steps(8)), (16, Steps(2)), (20, Steps(6, beside=2)), (164, Steps(9, beside=2)), (299, Steps(32)), (1.0, Steps(1 / 16)), (44, Steps(4))])
@pytest.mark.parametrize("factor", FACTORS)
def test_steps_are_whole_and_the_nearest(value, steps, factor):
    scaled = steps(value, factor)
    assert type(scaled) is type(value)
    assert (scaled - value) / steps.size == round((scaled - value) / steps.size) or scaled == steps.beside + steps.size
    exact = steps.beside + (value - steps.beside) * factor
    assert abs(scaled - exact) <= steps.size / 2 + 1e-9 or (scaled == steps.beside + steps.size and exact < scaled)


def test_a_factor_of_one_changes_nothing():
    assert (Blocks()((3, 4, 23, 3), 1.0), Steps(8)(60, 1.0), Steps(32)(70, 1.0), Times()(0.35, 1.0)) == ((3, 4, 23, 3), 60, 70, 0.35)
    assert (Steps(8)(4, 1.0), Steps(32)(20, 1.0)) == (4, 20), "also below one step"
    assert (Steps(8)(20, 0.1), Steps(6, beside=2)(8, 0.1)) == (8, 8)


def test_they_say_what_they_round_to():
    assert [str(growth) for growth in (Blocks(), Steps(8), Steps(1 / 16), Times())] == ["whole blocks", "steps of 8", "steps of 0.0625", "any number"]
