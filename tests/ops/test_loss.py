"""Losses against PyTorch with all options, far out, their messages, and their layers."""

import itertools

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, nn, ops
from minicnn.errors import ArgumentError, DtypeError, NonFiniteError, ShapeError

REDUCTIONS = ["mean", "sum", "none"]
DIFFERENCES = [("mse_loss", {}), ("l1_loss", {}), *[("smooth_l1_loss", {"beta": b}) for b in (0.0, 0.3, 1.0, 2.5)]]


def compare(torch, name, x, target, attributes):
    mine, theirs = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    floats = target.dtype.kind == "f"
    target_mine, target_theirs = Tensor(target, requires_grad=floats), torch.tensor(target, requires_grad=floats)
    y = getattr(ops, name)(mine, target_mine, **attributes)
    expected = getattr(torch.nn.functional, name)(theirs, target_theirs, **attributes)
    dy = np.random.default_rng([1, x.size]).standard_normal(expected.shape)
    y.backward(dy)
    expected.backward(torch.tensor(dy))
    np.testing.assert_allclose(y.numpy(), expected.detach().numpy(), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(mine.grad.numpy(), theirs.grad.numpy(), rtol=1e-10, atol=1e-10)
    if floats:
        np.testing.assert_allclose(target_mine.grad.numpy(), target_theirs.grad.numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("shape", [(4, 3), (1, 5), (3, 1), (2, 4, 3), (2, 3, 2, 5)])
@pytest.mark.parametrize(("label_smoothing", "reduction"), list(itertools.product([0.0, 0.1, 1.0], REDUCTIONS)))
def test_cross_entropy_equals_pytorch(shape, label_smoothing, reduction, backend):
    torch = pytest.importorskip("torch")
    generator = np.random.default_rng(len(shape))
    logits = 3 * generator.standard_normal(shape)
    labels = generator.integers(0, shape[1], (shape[0], *shape[2:]))
    compare(torch, "cross_entropy", logits, labels, {"label_smoothing": label_smoothing, "reduction": reduction})


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(("name", "attributes"), DIFFERENCES)
def test_differences_equal_pytorch(name, attributes, reduction, backend):
    torch = pytest.importorskip("torch")
    x, target = np.random.default_rng(2).standard_normal((2, 3, 4, 5))
    x[0, 0] = target[0, 0]  # the kink
    compare(torch, name, x, target, {**attributes, "reduction": reduction})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_many_pieces_and_threads_give_what_the_array_kernels_give(reduction, dtype):
    generator = np.random.default_rng(3)
    logits = generator.standard_normal((5, 21, 60, 70)).astype(dtype)
    labels = generator.integers(0, 21, (5, 60, 70))
    results = []
    for backend in ("numpy", "numba"):
        with minicnn.use_backend(backend):
            t = Tensor(logits, requires_grad=True)
            loss = ops.cross_entropy(t, Tensor(labels), label_smoothing=0.1, reduction=reduction)
            loss.backward(np.ones(loss.shape))
            assert loss.dtype == t.grad.dtype == dtype
            results.append((loss.numpy(), t.grad.numpy()))
    for mine, reference in zip(*results, strict=True):
        np.testing.assert_allclose(mine, reference, rtol=1e-4, atol=1e-6)


def test_hopeless_scores_give_a_large_finite_loss(backend):
    logits = Tensor([[1000.0, 0.0, -1000.0]], requires_grad=True)
    loss = ops.cross_entropy(logits, Tensor([2]))
    loss.backward()
    assert loss.item() == 2000.0
    assert logits.grad.tolist() == [[1.0, 0.0, -1.0]]


def test_a_class_that_was_ruled_out_costs_nothing(backend):
    logits = Tensor([[0.0, -np.inf, 0.0]], requires_grad=True)
    loss = ops.cross_entropy(logits, Tensor([2]))
    loss.backward()
    assert loss.item() == pytest.approx(np.log(2))
    np.testing.assert_allclose(logits.grad.numpy(), [[0.5, 0.0, -0.5]])


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "uint64"])
def test_labels_of_every_integer_type(dtype, backend):
    logits = Tensor([[0.0, 1.0], [2.0, 0.0]], requires_grad=True)
    ops.cross_entropy(logits, Tensor(np.array([1, 0], dtype)), reduction="sum").backward()
    s, t = 1 / (1 + np.e), 1 / (1 + np.e**2)
    np.testing.assert_allclose(logits.grad.numpy(), [[s, -s], [-t, t]], rtol=1e-6)


def test_nan_in_the_scores_is_named_by_backward(backend):
    logits = Tensor([[0.0, np.nan], [1.0, 2.0]], requires_grad=True)
    loss = ops.cross_entropy(logits, Tensor([0, 1]))
    with pytest.raises(NonFiniteError, match="the loss is nan"):
        loss.backward()


X = minicnn.ones(4, 3)


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda: ops.cross_entropy(X, Tensor([0, 1, 7, 2])), ArgumentError, ["label 7", "position [2]", "0..2", "3 classes"]),
        (lambda: ops.cross_entropy(X, Tensor([1, 2, 3, 1])), ArgumentError, ["label 3", "counted from 1", "subtract 1"]),
        (lambda: ops.cross_entropy(X, Tensor([0, -1, 1, 2])), ArgumentError, ["label -1", "position [1]"]),
        (lambda: ops.cross_entropy(X, Tensor([0.0, 1.0, 1.0, 2.0])), DtypeError, ["float32", "astype('int64')"]),
        (lambda: ops.cross_entropy(X, Tensor([True, False, True, True])), DtypeError, ["bool", "integers"]),
        (lambda: ops.cross_entropy(X, Tensor(np.eye(4, 3))), ShapeError, ["one-hot", "labels.argmax(axis=1)", "(4,)"]),
        (lambda: ops.cross_entropy(X, Tensor([0, 1])), ShapeError, ["(4, 3)", "(4,)", "(2,)"]),
        (lambda: ops.cross_entropy(X, Tensor([[0], [1], [0], [1]])), ShapeError, ["(4, 1)", "labels.reshape(4,)"]),
        (lambda: ops.cross_entropy(X.reshape(12), Tensor([0])), ShapeError, ["(N, K)", "(12,)"]),
        (lambda: ops.cross_entropy(X[:0], Tensor(np.zeros(0, int))), ShapeError, ["empty", "(0, 3)"]),
        (lambda: ops.cross_entropy(X.astype("int64"), Tensor([0, 1, 0, 1])), DtypeError, ["logits is int64"]),
        (lambda: ops.cross_entropy(X, Tensor([0, 1, 0, 1]), reduction="avg"), ArgumentError, ["'mean'", "'avg'"]),
        (lambda: ops.cross_entropy(X, Tensor([0, 1, 0, 1]), label_smoothing=2), ArgumentError, ["label_smoothing", "2"]),
        (lambda: nn.CrossEntropyLoss(label_smoothing=-1), ArgumentError, ["CrossEntropyLoss: label_smoothing"]),
        (lambda: nn.MSELoss(reduction="x"), ArgumentError, ["MSELoss: reduction", "'x'"]),
        (lambda: ops.smooth_l1_loss(X, X, beta=-1), ArgumentError, ["beta", ">= 0", "-1"]),
        (lambda: ops.mse_loss(X, X.astype("float64")), DtypeError, ["x is float32", "target is float64"]),
        (lambda: ops.mse_loss(X[:0], X[:0]), ShapeError, ["empty"]),
        (lambda: ops.mse_loss(X, minicnn.ones(5)), ShapeError, ["(4, 3)", "(5,)", "nothing is broadcast"]),
    ],
)
def test_messages(call, error, parts):
    with pytest.raises(error) as caught:
        call()
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss"])
def test_a_column_against_a_row_is_an_error(name):
    with pytest.raises(ShapeError) as caught:
        getattr(ops, name)(minicnn.ones(8, 1), minicnn.ones(8))
    for part in (name, "(8, 1)", "(8,)", "as (8, 8)", "target.reshape(8, 1)"):
        assert part in str(caught.value)


def test_layers():
    generator = np.random.default_rng(5)
    x, target = Tensor(generator.standard_normal((4, 3))), Tensor(generator.standard_normal((4, 3)))
    labels = Tensor([0, 1, 2, 1])
    pairs = [
        (nn.CrossEntropyLoss(label_smoothing=0.2)(x, labels), ops.cross_entropy(x, labels, label_smoothing=0.2)),
        (nn.CrossEntropyLoss(reduction="none")(x, labels), ops.cross_entropy(x, labels, reduction="none")),
        (nn.MSELoss(reduction="sum")(x, target), ops.mse_loss(x, target, reduction="sum")),
        (nn.L1Loss()(x, target), ops.l1_loss(x, target)),
        (nn.SmoothL1Loss(beta=0.5)(x, target), ops.smooth_l1_loss(x, target, beta=0.5)),
    ]
    for mine, expected in pairs:
        np.testing.assert_array_equal(mine.numpy(), expected.numpy())
    assert repr(nn.CrossEntropyLoss(label_smoothing=0.1)) == "CrossEntropyLoss(label_smoothing=0.1)"
    assert repr(nn.SmoothL1Loss(reduction="sum")) == "SmoothL1Loss(reduction='sum')"
