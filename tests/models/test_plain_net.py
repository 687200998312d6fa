"""Plain networks: ResNets with the same parameters, less the additions."""

import numpy as np
import pytest

import minicnn
from minicnn import models, use_backend
from minicnn.analysis import summarize
from minicnn.errors import ArgumentError
from minicnn.models.plain_net import PlainBlock
from minicnn.models.residual_block import BasicBlock
from tests.models.against_torch import check_against_torch
from tests.models.residual_in_torch import STAGES, Layers


@pytest.mark.parametrize("stride", [1, 2])
def test_a_plain_block_is_a_residual_block_without_the_addition(stride):
    plain, residual = PlainBlock(4, 8, stride), BasicBlock(4, 8, stride, shortcut="A")
    plain.load_state_dict(residual.state_dict())
    x = minicnn.randn(2, 4, 6, 6)
    F = residual.residual(x).numpy()
    np.testing.assert_array_equal(plain(x).numpy(), np.maximum(F, 0))
    np.testing.assert_array_equal(residual(x).numpy(), np.maximum(F + residual.downsample(x).numpy(), 0))


@pytest.mark.parametrize(("plain", "residual"), [(models.PlainNetCIFAR, models.ResNetCIFAR), (models.PlainNet34, models.ResNet34)])
def test_learns_and_computes_exactly_as_much_as_its_residual_twin(plain, residual):
    with use_backend("meta"):
        plain, residual = plain(), residual(shortcut="A")
        counts = [(s.parameters, s.macs, s.activations) for s in (summarize(plain), summarize(residual))]
    assert counts[0] == counts[1]
    assert list(plain.state_dict()) == list(residual.state_dict())
    assert "downsample" not in repr(plain)


def test_nothing_goes_around_a_block():
    """With zero weights in one block, a plain network sees nothing of the image any more; a residual one does."""
    x = minicnn.randn(2, 3, 32, 32)
    for network, differs in ((models.PlainNetCIFAR, False), (models.ResNetCIFAR, True)):
        net = network(8)
        net.layer2[0].bn2.weight = minicnn.nn.Parameter(np.zeros(32, np.float32))
        scores = net(x).numpy()
        assert (np.abs(scores[0] - scores[1]).max() > 1e-3) == differs


def in_torch(torch, w, x):
    net = Layers(torch, w)
    imagenet = w["conv1.weight"].shape[2] == 7
    x = torch.relu(net.norm("bn1", net.conv("conv1", x, 2 if imagenet else 1)))
    x = net.F.max_pool2d(x, 3, 2, 1) if imagenet else x
    for name, stride in net.blocks(STAGES):
        x = torch.relu(net.norm(f"{name}.bn1", net.conv(f"{name}.conv1", x, stride)))
        x = torch.relu(net.norm(f"{name}.bn2", net.conv(f"{name}.conv2", x)))
    return net.linear("fc" if imagenet else "linear", x)


def test_equals_pytorch():
    check_against_torch(models.PlainNetCIFAR(14, 5, width=4), in_torch, (3, 3, 15, 18))
    check_against_torch(models.PlainNet18(num_classes=5, width=4), in_torch, (3, 3, 43, 54))


def test_message():
    with pytest.raises(ArgumentError, match=r"PlainNetCIFAR: depth must be 6n \+ 2, such as 56 or 62, not 57"):
        models.PlainNetCIFAR(57)
