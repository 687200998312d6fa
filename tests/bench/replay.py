"""A network and its replay in PyTorch, side by side, in float64: scores, loss, every gradient, and the running statistics."""

import copy

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, models, nn
from minicnn.bench.recording import record
from minicnn.models import auxiliary_cross_entropy
from minicnn.nn.mode import evaluating_untrained


def small(code):
    """The network that an expression such as "ResNet20(width=4)" makes, in float64 and without randomness."""
    minicnn.manual_seed(1)
    model = eval(code, vars(models)).astype("float64")
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return model


def replay_of(model, call, *arguments, **options):
    """The replay of a call of the model."""
    torch = pytest.importorskip("torch")
    from minicnn.bench.rival import Replay

    return Replay(torch, record(model, call, *arguments), model, **options)


def check_training(model, images, labels, *, channels_last=False):
    """One step forward and back, in training mode; returns the replay."""
    torch = pytest.importorskip("torch")
    model.train()

    def loss_of(x, y):
        return auxiliary_cross_entropy(model(x), y)

    replay = replay_of(model, loss_of, images, labels, channels_last=channels_last)
    theirs = replay(torch.tensor(images), torch.tensor(labels))
    theirs.backward()
    ours = loss_of(Tensor(images), Tensor(labels))
    ours.backward()
    assert theirs.item() == pytest.approx(ours.item(), rel=1e-9)
    scale = max(np.abs(p.grad.numpy()).max() for p in model.parameters() if p.grad is not None)
    for name, parameter in model.named_parameters():
        gradient = replay.parameters[name].grad
        assert (gradient is None) == (parameter.grad is None), name
        if gradient is not None:
            np.testing.assert_allclose(gradient.numpy(), parameter.grad.numpy(), rtol=1e-5, atol=1e-10 * scale, err_msg=name)
    for name, buffer in model.named_buffers():
        if not name.endswith("num_batches_tracked"):  # the replay does not count
            np.testing.assert_allclose(replay.buffers[name].numpy(), buffer.numpy(), rtol=1e-9, atol=1e-12, err_msg=name)
    return replay


def check_inference(model, images, *, channels_last=False):
    """The scores in evaluation mode, with batch norms folded; returns the replay."""
    torch = pytest.importorskip("torch")
    fused = nn.fuse(copy.deepcopy(model), images.shape[1:])
    replay = replay_of(fused, fused, images, channels_last=channels_last)
    with torch.inference_mode():
        theirs = replay(torch.tensor(images)).numpy()
    with minicnn.no_grad(), evaluating_untrained(fused):
        ours = fused(Tensor(images)).numpy()
    np.testing.assert_allclose(theirs, ours, rtol=1e-7, atol=1e-9 * np.abs(ours).max())
    return replay


def draw(shape, batch=3, classes=5):
    """Images and labels."""
    rng = np.random.default_rng(7)
    return rng.standard_normal((batch, *shape)), rng.integers(classes, size=batch)


