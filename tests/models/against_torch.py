"""A network against the same network written in plain PyTorch: scores and all gradients, in float64."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minicnn import Tensor, nn, ops


def check_against_torch(net: nn.Module, reference: Callable[[Any, Any, Any], Any], shape: tuple[int, ...]) -> None:
    """Compare in training mode, without dropout.

    Args:
        net: the network.
        reference: from the module torch, the network's state as torch's tensors by name, and images, to scores.
        shape: of the images, with the batch axis.
    """
    torch = pytest.importorskip("torch")
    net.astype("float64").train()
    for module in net.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    w = {name: torch.tensor(value) for name, value in net.state_dict().items()}
    for name, _ in net.named_parameters():
        w[name].requires_grad_()
    x = np.random.default_rng(2).standard_normal(shape)
    labels = np.arange(shape[0])
    expected = reference(torch, w, torch.tensor(x))
    torch.nn.functional.cross_entropy(expected, torch.tensor(labels)).backward()
    scores = net(Tensor(x))
    ops.cross_entropy(scores, Tensor(labels)).backward()
    np.testing.assert_allclose(scores.numpy(), expected.detach().numpy(), rtol=1e-9, atol=1e-12)
    gradients = {name: w[name].grad.numpy() for name, _ in net.named_parameters()}
    scale = max(np.abs(gradient).max() for gradient in gradients.values())
    for name, parameter in net.named_parameters():
        assert gradients[name].any(), f"{name}: its gradient is zero and compares nothing"
        np.testing.assert_allclose(parameter.grad.numpy(), gradients[name], rtol=1e-6, atol=1e-12 * scale, err_msg=name)
