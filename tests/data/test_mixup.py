"""mixup: the mixture, its distribution, and a loss equal to that of soft labels."""

import numpy as np
import pytest

from minicnn import Tensor, ops
from minicnn.data import mixup
from minicnn.errors import ArgumentError, DtypeError, ShapeError


def batch(N=6):
    draws = np.random.default_rng(0)
    return Tensor(draws.standard_normal((N, 2, 3, 3))), Tensor(draws.integers(0, 4, N))


def test_each_image_is_mixed_with_its_partner():
    images, labels = batch()
    mixed = mixup(images, labels, np.random.default_rng(5), alpha=1)
    again = np.random.default_rng(5)
    share, order = again.beta(1, 1), again.permutation(6)
    x, y = images.numpy(), labels.numpy()
    assert mixed.share == share
    np.testing.assert_allclose(mixed.images.numpy(), share * x + (1 - share) * x[order])
    np.testing.assert_array_equal(mixed.labels.numpy(), y)
    np.testing.assert_array_equal(mixed.others.numpy(), y[order])


@pytest.mark.parametrize("e", [0.0, 0.1])
def test_the_loss_is_the_cross_entropy_of_the_mixed_label(e):
    images, labels = batch()
    mixed = mixup(images, labels, np.random.default_rng(5), alpha=1)
    scores = Tensor(np.random.default_rng(1).standard_normal((6, 4)), requires_grad=True)
    q = mixed.share * np.eye(4)[labels.numpy()] + (1 - mixed.share) * np.eye(4)[mixed.others.numpy()]
    q = (1 - e) * q + e / 4
    loss = mixed.loss(scores, label_smoothing=e)
    loss.backward()
    p = ops.softmax(scores, axis=1).numpy()
    np.testing.assert_allclose(loss.item(), -(q * np.log(p)).sum(axis=1).mean())
    np.testing.assert_allclose(scores.grad.numpy(), (p - q) / 6, atol=1e-15)  # the gradient of cross-entropy: what it says minus what it should


def test_shares_have_betas_moments():
    images, labels = batch(1)
    draws = np.random.default_rng(0)
    for alpha in (0.2, 1.0):
        shares = [mixup(images, labels, draws, alpha).share for _ in range(1500)]
        np.testing.assert_allclose(np.mean(shares), 0.5, atol=0.04)
        np.testing.assert_allclose(np.var(shares), 1 / (4 * (2 * alpha + 1)), rtol=0.08)


def test_nothing_is_mixed_with_alpha_0():
    images, labels = batch()
    mixed = mixup(images, labels, np.random.default_rng(0), alpha=0)
    np.testing.assert_array_equal(mixed.images.numpy(), images.numpy())
    scores = Tensor(np.random.default_rng(1).standard_normal((6, 4)))
    assert mixed.loss(scores).item() == ops.cross_entropy(scores, labels).item()


def test_messages():
    images, labels = batch()
    with pytest.raises(ArgumentError, match="mixup: alpha must be a finite number >= 0, not -1"):
        mixup(images, labels, np.random.default_rng(0), alpha=-1)
    with pytest.raises(DtypeError, match=r"mixup: images must be floating-point numbers, not uint8: ToFloat\(\)"):
        mixup(Tensor(np.zeros((2, 1, 2, 2), np.uint8)), labels[:2], np.random.default_rng(0))
    with pytest.raises(ShapeError, match=r"one class number for each image; images are \(6, 2, 3, 3\), labels \(5,\)"):
        mixup(images, labels[:5], np.random.default_rng(0))
