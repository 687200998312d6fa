"""Padding against PyTorch, and its messages."""

import numpy as np
import pytest

import minicnn
from minicnn import ops
from minicnn.errors import ArgumentError, ShapeError
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw


@pytest.mark.parametrize("seed", range(8))
def test_equals_pytorch(seed, equals_pytorch):
    torch = pytest.importorskip("torch")

    def pad(x, width, value):
        pairs = {1: ((1, 1), (1, 1)), (1, 2): ((1, 1), (2, 2)), (0, 1, 2, 3): ((0, 1), (2, 3))}.get(width, width)
        return torch.nn.functional.pad(x, [n for pair in reversed(pairs) for n in pair], value=value)

    equals_pytorch(CASES["pad"](RandomDraw(seed)), pad)


def test_the_frame_may_be_infinite_and_of_integers():
    y = ops.pad(minicnn.zeros(1, 1), 1, -np.inf).numpy()
    assert np.isneginf(y).sum() == 8
    assert ops.pad(minicnn.ones(1, 1, dtype="int64"), (0, 1), np.float64(3)).tolist() == [[3, 1, 3]]


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda x: ops.pad(x, -1), ArgumentError, ["pad: ", ">= 0", "-1"]),
        (lambda x: ops.pad(x, (1, 2, 3)), ArgumentError, ["(top, bottom, left, right)"]),
        (lambda x: ops.pad(x, "ab"), ArgumentError, ["a pair (before, after) per axis", "not 'ab'"]),
        (lambda x: ops.pad(x, ((1, 1), (2, 2))), ShapeError, ["3 pairs", "(2, 3, 4)", "not 2"]),
        (lambda x: ops.pad(x, ((1, 1), (2, 2), (0, -1))), ArgumentError, ["width of each axis", "a pair of them (before, after)"]),
        (lambda x: ops.pad(x.sum(), 1), ShapeError, ["last two axes"]),
        (lambda x: ops.pad(x, 1, "ab"), ArgumentError, ["pad: value must be a number, not 'ab'"]),
        (lambda x: ops.pad(x.astype("int64"), 1, 0.5), ArgumentError, ["value 0.5 does not fit", "int64"]),
    ],
)
def test_messages(call, error, parts):
    with pytest.raises(error) as caught:
        call(minicnn.ones(2, 3, 4))
    for part in parts:
        assert part in str(caught.value)
