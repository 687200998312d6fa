"""Clipping of gradients."""

import math

import numpy as np
import pytest

from minicnn import Tensor, nn, optim
from minicnn.errors import ArgumentError, NonFiniteError


def leaves(*gradients):
    parameters = [Tensor(np.zeros(np.shape(gradient)), requires_grad=True) for gradient in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = Tensor(np.asarray(gradient))
    return parameters


@pytest.mark.parametrize("max_norm", [0.5, 100.0])
def test_equals_pytorch(max_norm):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    gradients = [rng.standard_normal((3, 4)), rng.standard_normal(5)]
    mine = leaves(*gradients)
    theirs = [torch.zeros(g.shape, dtype=torch.float64, requires_grad=True) for g in gradients]
    for parameter, gradient in zip(theirs, gradients, strict=True):
        parameter.grad = torch.tensor(gradient)
    norm = optim.clip_grad_norm(mine, max_norm)
    expected = torch.nn.utils.clip_grad_norm_(theirs, max_norm)
    assert norm == pytest.approx(expected.item(), rel=1e-12)
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-12)


def test_passes_over_what_has_no_gradient_and_may_only_measure():
    (w,) = leaves([3.0, 4.0])
    assert optim.clip_grad_norm([Tensor([1.0], requires_grad=True), w], math.inf) == 5.0
    assert w.grad.tolist() == [3.0, 4.0]
    assert optim.clip_grad_norm([Tensor([1.0], requires_grad=True)], 1.0) == 0.0


def test_large_float32_gradients_do_not_overflow():
    (w,) = leaves(np.array([3e30, 4e30], np.float32))
    assert optim.clip_grad_norm([w], 1.0) == pytest.approx(5e30)
    np.testing.assert_allclose(w.grad.numpy(), [0.6, 0.8], rtol=1e-6)
    assert w.grad.dtype == np.float32


def test_the_gradient_that_is_not_finite_is_named():
    good, bad = leaves([1.0], [[1.0, math.nan]])
    with pytest.raises(NonFiniteError, match=r"parameter 1, of shape \(1, 2\), is NaN.*detect_anomaly"):
        optim.clip_grad_norm([good, bad], 1.0)
    assert good.grad.tolist() == [1.0]
    conv = nn.Conv2d(1, 2, kernel_size=3)
    conv.weight.grad = Tensor(np.full(conv.weight.shape, np.inf, np.float32))
    with pytest.raises(NonFiniteError, match=r"the gradient of weight, of shape .* is Inf"):
        optim.clip_grad_norm(conv.named_parameters(), 1.0)


@pytest.mark.parametrize("max_norm", [0, -1.0, -math.inf, math.nan, "1", True])
def test_messages(max_norm):
    with pytest.raises(ArgumentError, match=f"clip_grad_norm: max_norm must be (above 0|a number), not {max_norm!r}"):
        optim.clip_grad_norm(leaves([1.0]), max_norm)
