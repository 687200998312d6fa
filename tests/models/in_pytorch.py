"""Networks of the Inception family in PyTorch's functions, with the weights of one of ours, and the comparison of both."""

import numpy as np
import pytest

from minicnn import Tensor, nn
from minicnn.models import Outputs, auxiliary_cross_entropy
from minicnn.models.inception_v3 import InceptionV3


class InPyTorch:
    """Layers by the names of `net`'s parameters. Batch norm is in training mode."""

    def __init__(self, net, eps=1e-3):
        self.torch = pytest.importorskip("torch")
        self.F, self.eps = self.torch.nn.functional, eps
        self.w = {name: self.torch.tensor(p.numpy(), requires_grad=True) for name, p in net.named_parameters()}

    def conv(self, name, x, stride=1, *, valid=False):
        """Convolution, batch norm if there is one, ReLU; padded by half a window, or not at all."""
        weight = self.w[f"{name}.conv.weight"]
        padding = 0 if valid else (weight.shape[2] // 2, weight.shape[3] // 2)
        x = self.F.conv2d(x, weight, self.w.get(f"{name}.conv.bias"), stride, padding)
        if f"{name}.bn.weight" in self.w:
            x = self.F.batch_norm(x, None, None, self.w[f"{name}.bn.weight"], self.w[f"{name}.bn.bias"], True, eps=self.eps)
        return self.F.relu(x)

    def halve(self, name, x):
        """Convolution with stride 2 without padding."""
        return self.conv(name, x, 2, valid=True)

    def row(self, x, *names):
        """Convolutions one after another."""
        for name in names:
            x = self.conv(name, x)
        return x

    def linear(self, name, x):
        """Linear layer."""
        return self.F.linear(x, self.w[f"{name}.weight"], self.w[f"{name}.bias"])

    def cat(self, *parts):
        """Joined along the channels."""
        return self.torch.cat(parts, 1)


def assert_equal(net, theirs, forward, shape):
    """Scores, those of auxiliary classifiers, and all gradients of the loss are the same. Without dropout, in float64."""
    assert next(net.parameters()).dtype == np.float64
    for module in net.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    x, labels = np.random.default_rng(2).standard_normal(shape), np.arange(shape[0])[::-1].copy()
    threads = theirs.torch.get_num_threads()
    theirs.torch.set_num_threads(1)  # on maps as small as these its threads only wait for each other
    try:
        expected = forward(theirs.torch.tensor(x))
        expected = expected if isinstance(expected, tuple) else (expected,)
        weight = 0.4 if isinstance(net, InceptionV3) else 0.3  # as the networks' authors have it
        losses = [theirs.F.cross_entropy(scores, theirs.torch.tensor(labels)) for scores in expected]
        (losses[0] + weight * sum(losses[1:])).backward()
    finally:
        theirs.torch.set_num_threads(threads)
    outputs = net(Tensor(x))
    auxiliary_cross_entropy(outputs, Tensor(labels)).backward()
    scores = (outputs.scores, *outputs.auxiliary) if isinstance(outputs, Outputs) else (outputs,)
    for mine, reference in zip(scores, expected, strict=True):
        np.testing.assert_allclose(mine.numpy(), reference.detach().numpy(), rtol=1e-8, atol=1e-10)
    for name, parameter in net.named_parameters():
        gradient = theirs.w[name].grad.numpy()
        scale = max(np.abs(gradient).max(), 1e-3)
        np.testing.assert_allclose(parameter.grad.numpy(), gradient, rtol=1e-6, atol=1e-8 * scale, err_msg=name)
