"""Comparisons: boolean tensors, without a gradient."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor
from minicnn.errors import ShapeError


def test_comparisons():
    x, y = Tensor([1.0, 2.0, 3.0], requires_grad=True), Tensor([3, 2, 1])
    for result, expected in [
        (x == y, [False, True, False]),
        (x != y, [True, False, True]),
        (x < y, [True, False, False]),
        (x <= y, [True, True, False]),
        (x > y, [False, False, True]),
        (x >= 2, [False, True, True]),
        (2 == x, [False, True, False]),  # noqa: SIM300 - the number on the left is what is tested
        (np.float64(2) == x, [False, True, False]),
        (np.array([1, 0, 3]) == x, [True, False, True]),
    ]:
        assert result.dtype == bool
        assert not result.requires_grad
        assert result.tolist() == expected
    assert Tensor([0.1]) == 0.1
    with pytest.raises(ShapeError, match="=="):
        x == Tensor([1, 2])  # noqa: B015 - the comparison itself fails


def test_nothing_equals_none():
    x = minicnn.ones(2)
    assert (x == None) is False
    assert (x != None) is True
