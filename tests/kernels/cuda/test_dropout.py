"""The dropout of kernels/cuda: the mask of the definition for every order in memory, which it keeps; seeds that stand in memory."""

import itertools

import numpy as np
import pytest

from minicnn import kernels
from minicnn.kernels.loops.dropout import uniform
from tests.kernels.cuda.compared import (
    TYPES,
    backwards,
    channels_last,
    differs,
    dtype_of,
    off_by_one,
    planted,
)

CUDA, ARRAY = kernels.find("dropout", ["cuda"]), kernels.find("dropout", ["array"])
SEED = 0xC0FFEE0123456789


def numbers(*shape):
    return 1 + np.random.default_rng(len(shape)).random(shape)  # no zeros among them: what is zero has been dropped


def kept(kernel, x, **attributes):
    return np.asarray(kernel.forward(x, **attributes)[0]).astype(np.float64) != 0


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("mask_axes", [1, 2, 3, 4])
def test_numbers_of_several_blocks(mask_axes, dtype):
    assert differs("dropout", [numbers(2, 5, 23, 19)], dtype, p=0.3, seed=SEED, mask_axes=mask_axes) == ""


@pytest.mark.parametrize("layout", [channels_last, off_by_one, np.asfortranarray, backwards])
@pytest.mark.parametrize("mask_axes", [1, 2, 3, 4])
def test_the_mask_does_not_depend_on_the_order_in_memory(mask_axes, layout):
    for shape in ((3, 8, 5, 4), (2, 3, 7, 5), (2, 1, 3, 1)):
        assert differs("dropout", [numbers(*shape)], layout=layout, p=0.5, seed=7, mask_axes=mask_axes) == ""


def test_every_order_of_the_axes_is_kept():
    x = numbers(3, 4, 5, 6)
    for axes, mask_axes in itertools.product(itertools.permutations(range(4)), range(1, 5)):
        there = x.transpose(axes).copy().transpose(np.argsort(axes))
        attributes = {"p": 0.4, "seed": 11, "mask_axes": mask_axes}
        y, saved = CUDA.forward(there, **attributes)
        assert y.strides == there.strides, axes
        np.testing.assert_array_equal(y != 0, kept(ARRAY, x, **attributes), err_msg=f"{axes} {mask_axes}")
        np.testing.assert_array_equal(CUDA.backward(x, saved, needs=(True,))[0] != 0, y != 0)


@pytest.mark.parametrize("shape", [(), (1,), (5,), (4, 3), (2, 3, 4, 5, 6), (3, 2, 2, 2, 2, 3)])
def test_any_number_of_axes(shape):
    for mask_axes in range(len(shape) + 1):
        attributes = {"p": 0.5, "seed": 3, "mask_axes": mask_axes}
        x = numbers(*shape)
        np.testing.assert_array_equal(kept(CUDA, x, **attributes), kept(ARRAY, x, **attributes))
        np.testing.assert_array_equal(kept(CUDA, np.asfortranarray(x), **attributes), kept(ARRAY, x, **attributes))


@pytest.mark.parametrize("seed", [0, 1, 2**63 - 1, 2**63, 2**64 - 1])
@pytest.mark.parametrize("p", [1e-9, 0.25, 1 - 1e-9, 1.0])
def test_any_seed_and_probability(p, seed):
    assert differs("dropout", [numbers(3, 67)], "float64", p=p, seed=seed, mask_axes=2) == ""


def test_what_is_dropped_is_zero_even_if_it_was_infinite():
    x = np.array([np.inf, np.nan, -np.inf, 1.0] * 8)
    y, _ = CUDA.forward(x, p=1.0, seed=0, mask_axes=1)
    np.testing.assert_array_equal(y, 0)


@pytest.mark.parametrize("dtype", TYPES)
def test_a_seed_in_memory_is_read_when_the_kernel_runs(dtype):
    x, seed = numbers(2, 3, 5, 7).astype(dtype_of(dtype)), np.array([SEED], np.uint64)
    attributes = {"p": 0.5, "mask_axes": 4}
    y, saved = CUDA.forward(x, seed=seed, **attributes)
    np.testing.assert_array_equal(y, CUDA.forward(x, seed=SEED, **attributes)[0])
    (dx,) = CUDA.backward(x, saved, needs=(True,))
    np.testing.assert_array_equal(dx, y)
    seed[0] += 1  # nothing that was handed over has changed, but for the number in memory
    np.testing.assert_array_equal(CUDA.backward(x, saved, needs=(True,))[0], CUDA.forward(x, seed=SEED + 1, **attributes)[0])
    assert (CUDA.backward(x, saved, needs=(True,))[0] != dx).any()


@pytest.mark.parametrize("seed", [np.array(5, np.uint64), np.uint64(5), np.int64(5)])
def test_numbers_of_numpy_are_seeds(seed):
    x = numbers(40)
    np.testing.assert_array_equal(kept(CUDA, x, p=0.5, seed=seed, mask_axes=1), kept(ARRAY, x, p=0.5, seed=5, mask_axes=1))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Element e = {seed + GAMMA, {}};", "Element e = {seed, {}};"),
        ("(z ^ (z >> 27)) * MIX2", "(z ^ (z >> 27)) * MIX1"),
        ("e.index[0] + WIDTH <= axes.size[0]", "e.index[0] < axes.size[0]"),
        ("e.state -= axes.step[axis] * axes.size[axis];", ""),
        (">= (unsigned)bar", "> (unsigned)bar"),
    ],
)
def test_a_mistake_would_be_seen(old, new, tmp_path):
    with planted(tmp_path, "dropout.cu", old, new):
        said = differs("dropout", [numbers(2, 5, 23, 19)], layout=channels_last, p=0.5, seed=SEED, mask_axes=4)
        assert said or not kept_at_the_bar()


def test_a_unit_whose_draw_is_p_is_kept():
    assert kept_at_the_bar()


def kept_at_the_bar():
    """Unit 0 of a seed is kept where p is exactly what is drawn for it."""
    return all(kept(CUDA, np.ones(1), p=uniform(seed, 0), seed=seed, mask_axes=1).item() for seed in range(4))
