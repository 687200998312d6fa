"""Indexing against NumPy and PyTorch, duplicates, masks, and messages."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, ops
from minicnn.errors import IndexingError, MinicnnError
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw

INDICES = [
    0,
    -1,
    np.int64(1),
    (0, 1, 2),
    slice(1, None),
    (slice(None), 2),
    Ellipsis,
    (Ellipsis, 0),
    None,
    (0, None, slice(0, 2)),
    [0, 0, 1],
    (slice(None), [2, 0]),
    np.array([[0, 1], [1, 1]]),
    np.array([True, False]),
    ([0, 1, 1], [2, 2, 0]),
    ([0, 0], slice(None), [1, 1]),
    (),
]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_equals_pytorch(index):
    torch = pytest.importorskip("torch")
    values = RandomDraw(0).array(2, 3, 4)
    x, theirs = Tensor(values, requires_grad=True), torch.tensor(values, requires_grad=True)
    y, expected = x[index], theirs[index]
    np.testing.assert_array_equal(y.numpy(), values[index])
    dy = RandomDraw(1).array(*y.shape)
    y.backward(dy)
    expected.backward(torch.tensor(dy))
    np.testing.assert_allclose(x.grad.numpy(), theirs.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_flip_equals_pytorch(seed, equals_pytorch):
    torch = pytest.importorskip("torch")

    def flip(x, axis):
        return torch.flip(x, axis if isinstance(axis, tuple) else (axis,))

    equals_pytorch(CASES["flip"](RandomDraw(seed)), flip)


def test_tensors_are_indices():
    scores, labels = minicnn.tensor([[0.1, 0.9], [0.7, 0.3]]), minicnn.tensor([1, 0])
    assert scores[minicnn.arange(2), labels].tolist() == pytest.approx([0.9, 0.7])
    assert scores[labels].tolist() == [scores[1].tolist(), scores[0].tolist()]
    assert scores[scores > 0.5].tolist() == pytest.approx([0.9, 0.7])
    assert scores[labels[0], 0].item() == pytest.approx(0.7)


def test_an_element_picked_twice_gets_both_gradients():
    x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    x[[0, 0, 2, 0]].backward([1.0, 10.0, 100.0, 1000.0])
    assert x.grad.tolist() == [1011.0, 0.0, 100.0]


def test_backward_uses_the_index_as_it_was():
    x, labels = Tensor([1.0, 2.0, 3.0], requires_grad=True), np.array([0, 0])
    y = x[labels].sum()
    labels[:] = 2
    y.backward()
    assert x.grad.tolist() == [2.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("index", "part"),
    [
        (2, "out of bounds"),
        ((0, 3), "out of bounds"),
        ([0, 5], "out of bounds"),
        ((0, 0, 0), "too many indices"),
        (np.array([True, False, True]), "boolean index did not match"),
        (1.5, "integer"),
        ("a", "integer"),
        (np.array([0.0]), "integer"),
    ],
    ids=str,
)
def test_messages(index, part):
    x = minicnn.ones(2, 3)
    with pytest.raises(IndexingError, match=part) as caught:
        x[index]
    assert "shape (2, 3)" in str(caught.value)
    assert isinstance(caught.value, IndexError)
    with pytest.raises(MinicnnError, match=part):
        x[index] = 0.0


def test_iteration_ends():
    x = minicnn.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    first, second = x
    assert (first.tolist(), second.tolist()) == ([1.0, 2.0], [3.0, 4.0])
    assert [row.tolist() for row in reversed(x)] == [[3.0, 4.0], [1.0, 2.0]]
    ops.stack([first, 2 * second]).sum().backward()
    assert x.grad.tolist() == [[1.0, 1.0], [2.0, 2.0]]
