"""The table of learned vectors: against a linear layer on one-hot vectors, and PyTorch; its messages."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, nn, use_backend
from minicnn.errors import ArgumentError, DtypeError
from minicnn.testing import gradcheck

WORDS = np.array([[3, 1, 4], [1, 1, 0]])


@pytest.mark.parametrize("backend", ["numpy", "numba", "cudasim"])
def test_is_a_linear_layer_on_one_hot_vectors(backend):
    """A word that stands in several places gets the gradients of all of them; one that stands nowhere gets none."""
    with use_backend(backend):
        layer, dy = nn.Embedding(6, 4), np.random.default_rng(1).standard_normal((2, 3, 4)).astype(np.float32)
        y = layer(Tensor(WORDS))
        y.backward(dy)
        one_hot = np.eye(6, dtype=np.float32)[WORDS]
        np.testing.assert_array_equal(y.numpy(), one_hot @ layer.weight.numpy())
        np.testing.assert_allclose(layer.weight.grad.numpy(), np.einsum("nti,ntd->id", one_hot, dy), rtol=1e-5, atol=1e-6)
        assert not layer.weight.grad.numpy()[[2, 5]].any()


def test_gradient():
    layer = nn.Embedding(6, 4)

    def look_up(weight):
        vars(layer)["weight"] = weight
        return layer(Tensor(WORDS))

    gradcheck(look_up, {"weight": np.random.default_rng(2).standard_normal((6, 4))}, name="embedding")


def test_pytorch_has_the_same_names_and_gradients():
    torch = pytest.importorskip("torch")
    theirs, mine = torch.nn.Embedding(6, 4), nn.Embedding(6, 4)
    mine.load_state_dict({key: value.numpy() for key, value in theirs.state_dict().items()})
    y, expected = mine(Tensor(WORDS)), theirs(torch.tensor(WORDS))
    np.testing.assert_array_equal(y.numpy(), expected.detach().numpy())
    (y * y).sum().backward()
    (expected * expected).sum().backward()
    np.testing.assert_allclose(mine.weight.grad.numpy(), theirs.weight.grad.numpy(), rtol=1e-6)


def test_first_weights_are_standard_normal():
    minicnn.manual_seed(0)
    weight = nn.Embedding(100, 100).weight.numpy()
    assert abs(weight.mean()) < 0.03
    assert abs(weight.std() - 1) < 0.03


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: nn.Embedding(0, 4), ArgumentError, "Embedding: num_embeddings must be an integer >= 1, not 0"),
        (lambda: nn.Embedding(6, 4.0), ArgumentError, "Embedding: embedding_dim must be an integer >= 1, not 4.0"),
        (lambda: nn.Embedding(6, 4)(minicnn.zeros(2)), DtypeError, "Embedding(6, 4): input must be integers, the numbers of rows, but x is float32"),
        (lambda: nn.Embedding(4, 4)(Tensor(WORDS)), ArgumentError, "from 0 to 3, the rows of the table; x holds 0 to 4: is the vocabulary larger"),
        (lambda: nn.Embedding(4, 4)(Tensor([-1])), ArgumentError, "x holds -1 to -1"),
    ],
)
def test_messages(call, error, sentence):
    with pytest.raises(error) as caught:
        call()
    assert sentence in str(caught.value)


def test_one_number_none_and_how_it_is_shown():
    layer = nn.Embedding(6, 4)
    assert layer(Tensor(5)).shape == (4,)
    assert layer(Tensor(np.zeros((0, 3), np.int64))).shape == (0, 3, 4)
    assert repr(layer) == "Embedding(6, 4)"
