"""Training the head of a frozen network on features that are computed once, instead of once in every epoch."""

from collections.abc import Mapping
from typing import Any

from minicnn.autograd import Tensor
from minicnn.kernels.types import Array
from minicnn.nn import Module
from minicnn.nn.watch import values_at


class OnFeatures(Module):
    """The head of a network, for what goes into it. Its state dict is that of the whole network.

    Args:
        network: whose layers but the head are frozen.
        head: the path of the layer that gives the scores.
    """

    def __init__(self, network: Module, head: str) -> None:
        super().__init__()
        self.network, self.head = network, head

    def forward(self, features: Tensor) -> Tensor:
        """(N, F) to (N, K)."""
        scores: Tensor = self.network.get_submodule(self.head)(features)
        return scores

    def state_dict(self) -> dict[str, Array]:
        """Of the whole network."""
        return self.network.state_dict()

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> None:
        """Of the whole network."""
        self.network.load_state_dict(state, strict)


def ends_in(network: Module, head: str, images: Tensor) -> bool:
    """Is what the head puts out what the network puts out? In SqueezeNet, for one, an average over the map comes after it."""
    out = values_at(network, images, [head, ""])
    return out[head] is out[""]
