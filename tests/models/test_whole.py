"""Every network whole, at a small size: its gradients in training and in evaluation, and fused with its batch norms."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, models, nn, no_grad
from minicnn.nn.batch_norm import BatchNorm
from minicnn.testing import gradcheck_network
from tests.models.small import SMALL

AUXILIARY = ("GoogLeNet", "GoogLeNetBN", "InceptionV3", "NASNetAMobile")  # have classifiers that run in training only


DEEPEST = "ResNet1202"

def build(name, training=True):
    """The small network, and its image."""
    minicnn.manual_seed(7)
    call, image = SMALL[name]
    if name in AUXILIARY and not training:
        call = call.replace("aux=True, ", "").replace("(", "(aux=False, ", 1)
    return eval(f"models.{call}", {"models": models}), image


def test_every_network_is_here():
    assert set(SMALL) == set(models.list_models())


@pytest.mark.parametrize("name", SMALL)
def test_small_means_small(name):
    network, _ = build(name)
    assert sum(p.size for p in network.parameters()) < 3_000_000


def modes(name):
    """The deepest takes half a minute for each, and ResNet110 is made of the same blocks."""
    return ["train"] if name == DEEPEST else ["train", "eval"]


@pytest.mark.gradcheck
@pytest.mark.parametrize(("name", "training"), [pytest.param(name, mode == "train", id=f"{name}-{mode}") for name in SMALL for mode in modes(name)])
def test_gradients(name, training):
    network, image = build(name, training)
    gradcheck_network(network, image, training=training, tensors=30 if training else 10, name=name)


@pytest.mark.parametrize("name", [name for name in SMALL if name != DEEPEST])
def test_fused_equals_unfused(name):
    """In float64, with running statistics from a batch and scales and shifts that are not 1 and 0."""
    network, image = build(name)
    random = np.random.default_rng(11)
    x = Tensor(random.standard_normal((4, *image)))
    network.astype("float64")
    norms = [m for m in network.modules() if isinstance(m, BatchNorm)]
    for norm in norms:
        norm.momentum = 1.0
        norm.load_state_dict(
            {"weight": 1 + 0.2 * random.standard_normal(norm.num_features), "bias": 0.2 * random.standard_normal(norm.num_features)},
            strict=False,
        )
    with no_grad():
        network.train()(x)
        expected = network.eval()(x).numpy()
        fused = nn.fuse(network, image)
        y = fused(x).numpy()
    np.testing.assert_allclose(y, expected, rtol=1e-7, atol=1e-9 * np.abs(expected).max())
    left = sum(isinstance(m, BatchNorm) for m in fused.modules())
    if norms:
        assert left < len(norms)
    # Not fused: norms before convolutions, after joined halves, and in auxiliary classifiers, which do not run here.
    if not name.startswith(("DenseNet", "PreAct", "WideResNetCIFAR", "GoogLeNet", "InceptionV3", "NASNet")):
        assert left == 0
