"""Shapes against PyTorch, memory that is shared, and messages."""

import pytest

import minicnn
from minicnn import Tensor, ops
from minicnn.errors import ArgumentError, AutogradError, ShapeError
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw

OPS = ["reshape", "flatten", "transpose", "squeeze", "unsqueeze", "broadcast_to"]


def torch_function(op):
    pytest.importorskip("torch")
    return {
        "reshape": lambda x, shape: x.reshape(shape),
        "flatten": lambda x, start: x.flatten(start),
        "transpose": lambda x, axes: x.permute(axes or (3, 2, 1, 0)),
        "squeeze": lambda x, axis: x.squeeze() if axis is None else x.squeeze(axis),
        "unsqueeze": lambda x, axis: x.unsqueeze(axis),
        "broadcast_to": lambda x, shape: x.broadcast_to(shape),
    }[op]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("op", OPS)
def test_equals_pytorch(op, seed, equals_pytorch):
    equals_pytorch(CASES[op](RandomDraw(seed)), torch_function(op))


def test_the_methods_take_sizes_one_by_one_or_as_a_tuple():
    x = minicnn.ones(2, 3, 4)
    assert x.reshape(6, 4).shape == x.reshape((6, 4)).shape == x.reshape([6, -1]).shape == (6, 4)
    assert x.reshape(-1).shape == x.flatten().shape == (24,)
    assert x.transpose(2, 0, 1).shape == x.transpose((2, 0, 1)).shape == (4, 2, 3)
    assert x.unsqueeze(0).shape == (1, 2, 3, 4)
    assert x.unsqueeze(-1).unsqueeze(0).squeeze().shape == (2, 3, 4)
    assert x.unsqueeze(-1).unsqueeze(0).squeeze(0).shape == (2, 3, 4, 1)
    assert x.T.shape == x.transpose().shape == (4, 3, 2)
    assert minicnn.ones(1).reshape(()).shape == ()
    assert Tensor(3.0).flatten().shape == (1,)


VIEWS = {
    "reshape": lambda x: x.reshape(6),
    "transpose": lambda x: x.T,
    "unsqueeze": lambda x: ops.unsqueeze(x, 0),
    "flip": lambda x: ops.flip(x, 0),
    "row": lambda x: x[0],
    "element": lambda x: x[0, 1],
    "chunk": lambda x: ops.chunk(x, 2)[1],
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_views_share_memory(view):
    x = minicnn.zeros(2, 3)
    view(x).fill_(1.0)
    assert x.sum().item() == view(x).size


def test_a_reshape_that_must_copy_is_no_view():
    x = minicnn.zeros(2, 3)
    y = x.T.reshape(6)
    before = x.version.count
    y.fill_(1.0)
    assert x.sum().item() == 0.0
    assert x.version.count == before


def test_repeated_elements_cannot_be_edited():
    with pytest.raises(AutogradError, match="must not be written"):
        ops.broadcast_to(minicnn.ones(3), (2, 3)).fill_(1.0)


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda x: x.reshape(5, 5), ShapeError, ["(2, 3, 4) has 24 elements", "(5, 5) needs 25"]),
        (lambda x: x.reshape(5, -1), ShapeError, ["5 does not divide 24"]),
        (lambda x: x.reshape(-1, -1), ShapeError, ["only one of them may be -1"]),
        (lambda x: x.reshape(-24), ShapeError, ["0 or more"]),
        (lambda x: x.reshape(2.0, 12), ArgumentError, ["integers"]),
        (lambda x: x.reshape("flat"), ArgumentError, ["integers"]),
        (lambda x: x.flatten(3), ShapeError, ["no axis 3"]),
        (lambda x: x.transpose(0, 1), ArgumentError, ["exactly once", "(0, 1)"]),
        (lambda x: x.transpose(0, 1, 1), ArgumentError, ["exactly once"]),
        (lambda x: x.transpose(0, 1, 3), ShapeError, ["no axis 3"]),
        (lambda x: ops.squeeze(x, 1), ShapeError, ["axis 1", "size 3"]),
        (lambda x: ops.unsqueeze(x, 5), ShapeError, ["no axis 5"]),
        (lambda x: ops.broadcast_to(x, (2, 5, 4)), ShapeError, ["(2, 3, 4)", "(2, 5, 4)"]),
        (lambda x: ops.broadcast_to(x, (3, 4)), ShapeError, ["fewer or smaller"]),
    ],
)
def test_messages(call, error, parts):
    with pytest.raises(error) as caught:
        call(minicnn.ones(2, 3, 4))
    for part in parts:
        assert part in str(caught.value)
