"""The matrix product against PyTorch, and its messages."""

import operator

import numpy as np
import pytest

import minicnn
from minicnn import Tensor
from minicnn.errors import ShapeError
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw


@pytest.mark.parametrize("seed", range(25))
def test_equals_pytorch(seed, equals_pytorch):
    equals_pytorch(CASES["matmul"](RandomDraw(seed)), operator.matmul)


def test_arrays_on_either_side():
    a, b = np.ones((2, 3), np.float32), minicnn.ones(3, 4)
    assert (a @ b).shape == (2, 4)
    assert (b.T @ a.T).shape == (4, 2)
    assert isinstance(a @ b, Tensor)


@pytest.mark.parametrize(
    ("a", "b", "parts"),
    [
        ((2, 3), (4, 5), ["(2, 3) and (4, 5)", "3 columns", "4 rows", "transposed"]),
        ((3,), (4,), ["3 columns", "4 rows"]),
        ((2, 3), (), ["number", "*"]),
        ((2, 2, 3), (5, 3, 4), ["in front of the matrices", "(2,) and (5,)"]),
    ],
)
def test_messages(a, b, parts):
    with pytest.raises(ShapeError) as caught:
        minicnn.ones(*a) @ minicnn.ones(*b)
    for part in parts:
        assert part in str(caught.value)
