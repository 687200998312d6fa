"""Optimisers by name, as recipes have them."""

from collections.abc import Mapping
from typing import Any

from minicnn import optim
from minicnn.nn import Module
from minicnn.train.lookup import checked_options, look_up

OPTIMIZERS: dict[str, tuple[type[optim.Optimizer], dict[str, Any], float]] = {
    # name: (class, options that differ from its own, a learning rate that suits LeNet5)
    "sgd": (optim.SGD, {"momentum": 0.9}, 0.05),
    "adam": (optim.Adam, {}, 0.003),
    "adamw": (optim.AdamW, {}, 0.003),
    "rmsprop": (optim.RMSprop, {}, 0.001),
}
DECAYED = ("all", "weights")


def usual_lr(name: str) -> float:
    """The learning rate that is used where none is given."""
    return look_up(name, OPTIMIZERS, "optimizer")[2]


def make_optimizer(name: str, model: Module, lr: float, options: Mapping[str, Any], decayed: str = "all") -> optim.Optimizer:
    """The optimiser called `name`, of all parameters of a network that can be learned.

    Args:
        options: of its class, such as momentum and weight_decay.
        decayed: which parameters weight decay is for: "all", or "weights" only, that is those of convolutions and fully connected layers: not
            the biases, and not the scales and shifts of norms, which have one axis.

    Raises:
        ArgumentError: an unknown name or option, or a value out of range.
    """
    kind, usual, _ = look_up(name, OPTIMIZERS, "optimizer")
    options = {**usual, **options}
    checked_options(f"the optimizer {name}", kind, options, without=("params", "lr"))
    parameters = [p for p in model.parameters() if p.requires_grad]
    if decayed == "all":
        return kind(parameters, lr=lr, **options)
    groups: list[dict[str, Any]] = [{"params": [p for p in parameters if p.ndim > 1]}, {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0}]
    return kind([group for group in groups if group["params"]], lr=lr, **options)
