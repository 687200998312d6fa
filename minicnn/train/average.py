"""Averages of the weights over the steps, which often predict better than the weights of any one step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from minicnn import checks
from minicnn.autograd import Tensor
from minicnn.backend import to_numpy
from minicnn.errors import StateDictError
from minicnn.kernels.array.module import array_module
from minicnn.nn import Module
from minicnn.place import move
from minicnn.train.statistics import put


class WeightAverage:
    """The exponential moving average of a network's weights and running statistics.

        average ← d average + (1 - d) weight    after each step t = 1, 2, ..., with d = min(decay, (1 + t) / (10 + t))

    The first steps, which come from random weights, are forgotten fast.

    Args:
        model: whose weights to follow.
        decay: from 0 (no memory) to below 1; 0.999 remembers about a thousand steps.

    Raises:
        ArgumentError: `decay` is out of range.

    Source:
        Polyak & Juditsky 1992; the growing decay is TensorFlow's `ExponentialMovingAverage(num_updates=...)`, which
        Szegedy et al. 2016 (Inception-v3, sec. 8) and Tan & Le 2019 (EfficientNet) evaluate with.

    Example:
        >>> from minicnn import nn
        >>> model = nn.Linear(1, 1, bias=False)
        >>> average = WeightAverage(model, decay=0.5)
        >>> start = model.weight.item()
        >>> model.weight.data += 1.0
        >>> average.update()
        >>> with average.in_place():
        ...     round(model.weight.item() - start, 4)       # d = min(0.5, 2 / 11)
        0.8182
    """

    def __init__(self, model: Module, decay: float = 0.999) -> None:
        self.decay = checks.fraction(decay, "WeightAverage: decay")
        self.updates = 0
        self._tensors = dict(_followed(model))
        self._averages = {name: tensor.data.copy() for name, tensor in self._tensors.items()}

    def update(self) -> None:
        """Take in the weights as they are now."""
        self.updates += 1
        d = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, tensor in self._tensors.items():
            average = self._averages[name] = move(self._averages[name], array_module(tensor.data))
            average += (1 - d) * (tensor.data - average)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Inside, the network computes with the averages; afterwards it has its own weights again."""
        own = {name: tensor.data for name, tensor in self._tensors.items()}
        try:
            for name, tensor in self._tensors.items():
                put(tensor, move(self._averages[name], array_module(own[name])).copy())
            yield
        finally:
            for name, tensor in self._tensors.items():
                put(tensor, own[name])

    def state_dict(self) -> dict[str, Any]:
        """The averages by name, in main memory, and how many steps are in them."""
        return {"updates": self.updates, "averages": {name: to_numpy(array).copy() for name, array in self._averages.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from where another average was.

        Raises:
            StateDictError: it is one of other weights; nothing has changed then.
        """
        averages = state["averages"] if {"updates", "averages"} <= state.keys() else {}
        fits = all(isinstance(averages.get(name), np.ndarray) and averages[name].shape == tensor.shape for name, tensor in self._tensors.items())
        if averages.keys() != self._tensors.keys() or not fits:
            raise StateDictError("WeightAverage: the state is of other weights than this network's")
        self.updates = checks.integer(state["updates"], "WeightAverage: updates", 0)
        self._averages = {name: move(averages[name].astype(tensor.dtype), array_module(tensor.data)) for name, tensor in self._tensors.items()}


def _followed(model: Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters and running statistics; counts are not averaged."""
    yield from model.named_parameters()
    yield from ((name, buffer) for name, buffer in model.named_buffers() if checks.is_floating(buffer.dtype))
