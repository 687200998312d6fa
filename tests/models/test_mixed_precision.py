"""Whole networks with 16-bit products: every path through a block gets along with what comes out of the others."""

import numpy as np
import pytest

import minicnn
from minicnn import GradScaler, models  # noqa: F401 - SMALL names `models`
from minicnn.models.auxiliary import auxiliary_cross_entropy
from tests.models.small import SMALL

NETWORKS = ("ResNet20", "DenseNetCIFAR", "SEResNet50", "ShuffleNetV2", "EfficientNetB0", "SqueezeNet1_1")  # sums, joins, gates, shuffles, depthwise, fires
TOLERANCE = {"fp16": 0.01, "bf16": 0.08}  # three bits apart


def step(name, word):
    """The loss of a training step, and its gradients."""
    text, shape = SMALL[name]
    minicnn.manual_seed(0)
    net, x = eval(f"models.{text}"), minicnn.randn(3, *shape)
    minicnn.manual_seed(1)  # of dropout
    with minicnn.autocast(word):
        loss = auxiliary_cross_entropy(net(x), minicnn.tensor([0, 1, 2]))
    GradScaler(init_scale=256.0, enabled=word == "fp16").scale(loss).backward()
    return loss, [parameter.grad for parameter in net.parameters()]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_training_step_gives_nearly_the_same_loss_and_float32_gradients(name):
    with minicnn.use_backend("cudasim"):
        exact, _ = step(name, None)
        for word, tolerance in TOLERANCE.items():
            loss, gradients = step(name, word)
            assert loss.dtype == "float32"
            assert loss.item() == pytest.approx(exact.item(), rel=tolerance)
            assert loss.item() != exact.item()
            assert all(gradient.dtype == "float32" and np.isfinite(gradient.numpy()).all() for gradient in gradients)
