"""Joining and splitting against PyTorch, and messages."""

import pytest

import minicnn
from minicnn import ops
from minicnn.errors import ArgumentError, ShapeError
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw


@pytest.mark.parametrize("seed", range(8))
def test_concatenate_equals_pytorch(seed, equals_pytorch):
    torch = pytest.importorskip("torch")
    equals_pytorch(CASES["concatenate"](RandomDraw(seed)), lambda *x, axis: torch.cat(x, axis))


@pytest.mark.parametrize("seed", range(8))
def test_stack_equals_pytorch(seed, equals_pytorch):
    torch = pytest.importorskip("torch")
    equals_pytorch(CASES["stack"](RandomDraw(seed)), lambda *x, axis: torch.stack(x, axis))


@pytest.mark.parametrize("seed", range(8))
def test_split_equals_pytorch(seed, equals_pytorch):
    torch = pytest.importorskip("torch")

    def reverse(x, parts, axis):
        pieces = x.chunk(parts, axis) if isinstance(parts, int) else x.split(parts, axis)
        return torch.cat(pieces[::-1], axis)

    equals_pytorch(CASES["split"](RandomDraw(seed)), reverse)


def test_one_tensor_several_times():
    x = minicnn.tensor([1.0, 2.0], requires_grad=True)
    ops.concatenate([x, x, 3 * x]).sum().backward()
    assert x.grad.tolist() == [5.0, 5.0]


def test_parts_without_a_use_get_zero():
    x = minicnn.ones(2, 6, requires_grad=True)
    _, middle, _ = ops.split(x, [1, 2, 3], axis=1)
    middle.sum().backward()
    assert x.grad.tolist() == [[0, 1, 1, 0, 0, 0]] * 2


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda x: ops.concatenate([x, x.T]), ShapeError, ["axis 0", "tensor 0 is (2, 3)", "tensor 1 is (3, 2)"]),
        (lambda x: ops.concatenate([x, minicnn.ones(3)]), ShapeError, ["tensor 1 is (3,)"]),
        (lambda x: ops.concatenate([x, x], axis=2), ShapeError, ["no axis 2"]),
        (lambda x: ops.concatenate([]), ArgumentError, ["at least one"]),
        (lambda x: ops.concatenate(2 * x), ArgumentError, ["list or tuple", "Tensor"]),
        (lambda x: ops.stack([x, x[:1]]), ShapeError, ["tensor 1 is (1, 3)"]),
        (lambda x: ops.stack([x], axis=3), ShapeError, ["no axis 3"]),
        (lambda x: ops.stack([]), ArgumentError, ["at least one"]),
        (lambda x: ops.chunk(x, 2, axis=1), ShapeError, ["size 3", "2 parts"]),
        (lambda x: ops.split(x, 2, axis=1), ArgumentError, ["as a list, not 2", "chunk(x, n)"]),
        (lambda x: ops.split(x, [1, 1], axis=1), ShapeError, ["[1, 1] add up to 2", "size 3"]),
        (lambda x: ops.chunk(x, 0), ArgumentError, [">= 1"]),
        (lambda x: ops.split(x, [4, -1], axis=1), ArgumentError, [">= 0", "-1"]),
        (lambda x: ops.split(x, 1, axis=5), ShapeError, ["no axis 5"]),
    ],
)
def test_messages(call, error, parts):
    with pytest.raises(error) as caught:
        call(minicnn.ones(2, 3))
    for part in parts:
        assert part in str(caught.value)
