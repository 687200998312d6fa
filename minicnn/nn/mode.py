"""Evaluation for a while: the modes of all modules come back afterwards."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from minicnn.nn.batch_norm import EvalBeforeTrainingWarning
from minicnn.nn.module import Module


@contextmanager
def evaluating(model: Module) -> Iterator[Module]:
    """Inside, the network is in evaluation mode; afterwards each module is in the mode that it had, also after an error.

    Module by module: a batch norm that was put into `eval()` by hand, to keep its running statistics while the rest of the
    network is trained, is still there.

    Example:
        >>> from minicnn import nn
        >>> net = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm2d(4).eval())
        >>> with evaluating(net):
        ...     [module.training for module in net.modules()]
        [False, False, False]
        >>> [module.training for module in net.modules()]
        [True, True, False]
    """
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield model.eval()
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def untrained() -> Iterator[None]:
    """Inside, batch norms in evaluation mode do not warn that they have never been trained."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EvalBeforeTrainingWarning)
        yield


@contextmanager
def evaluating_untrained(model: Module) -> Iterator[Module]:
    """As `evaluating`, for a network that is not meant to have been trained: its batch norms do not warn of it."""
    with evaluating(model), untrained():
        yield model
