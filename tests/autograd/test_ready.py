"""Who is told that a gradient is complete, and when."""

import numpy as np
import pytest

from minicnn.autograd import Tensor
from minicnn.autograd.ready import when_ready
from minicnn.ops import exp


def told_by(loss, *leaves):
    """(index of the leaf, its gradient at that moment), in the order of the calls."""
    told = []
    with when_ready(lambda leaf: told.append((next(i for i, other in enumerate(leaves) if other is leaf), leaf.grad.numpy().copy()))):
        loss.backward()
    return told


def test_each_leaf_is_reported_once_with_its_whole_gradient():
    a, b, c = (Tensor([value, 2 * value], requires_grad=True) for value in (1.0, 2.0, 3.0))
    told = told_by((a * b + exp(a) * c + a).sum(), a, b, c)
    assert sorted(i for i, _ in told) == [0, 1, 2]
    for i, gradient in told:
        np.testing.assert_array_equal(gradient, (a, b, c)[i].grad.numpy())


def test_the_last_used_is_reported_before_the_walk_is_over():
    first, last = Tensor([0.5], requires_grad=True), Tensor([2.0], requires_grad=True)
    told = told_by((exp(exp(first)) * last).sum(), first, last)
    assert [i for i, _ in told] == [1, 0]


def test_a_leaf_in_both_places_of_an_operation_waits_for_both():
    a = Tensor([3.0], requires_grad=True)
    assert [gradient.tolist() for _, gradient in told_by((a * a).sum(), a)] == [[6.0]]


def test_a_leaf_that_is_not_in_the_graph_is_not_reported_and_a_gradient_from_before_is_in():
    a, b = Tensor([3.0], requires_grad=True), Tensor([1.0], requires_grad=True)
    (2 * a).sum().backward()
    assert [(i, gradient.tolist()) for i, gradient in told_by((5 * a).sum(), a, b)] == [(0, [7.0])]


def test_a_loss_that_is_a_leaf():
    a = Tensor(3.0, requires_grad=True)
    assert [i for i, _ in told_by(a, a)] == [0]


def test_outside_nobody_is_told_and_an_error_ends_it():
    a, told = Tensor([1.0], requires_grad=True), []
    with pytest.raises(RuntimeError, match="no more"), when_ready(told.append):
        raise RuntimeError("no more")
    (a * a).sum().backward()
    assert told == []
