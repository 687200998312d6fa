"""Optimisers by name, as recipes have them."""

from collections.abc import Mapping
from typing import Any

from minicnn import optim
from minicnn.nn import Module
from minicnn.train.lookup import checked_options, look_up
from minicnn.transfer.groups import parameter_groups

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


def make_optimizer(
    name: str, model: Module, lr: float, options: Mapping[str, Any], decayed: str = "all", rates: Mapping[str, float] | None = None
) -> optim.Optimizer:
    """The optimiser called `name`, of all parameters of a network that can be learned.

    Args:
        options: of its class, such as momentum and weight_decay.
        decayed: which parameters weight decay is for: "all", or "weights" only, that is those of convolutions and fully connected layers: not
            the biases, and not the scales and shifts of norms, which have one axis.
        rates: learning rates of parts by their paths; see `transfer.parameter_groups`. None: `lr` for all.

    Raises:
        ArgumentError: an unknown name or option, or a value out of range.
    """
    kind, usual, _ = look_up(name, OPTIMIZERS, "optimizer")
    options = {**usual, **options}
    checked_options(f"the optimizer {name}", kind, options, without=("params", "lr"))
    groups = [{"params": [p for p in model.parameters() if p.requires_grad], "lr": lr}] if rates is None else parameter_groups(model, rates)
    if decayed == "weights":
        groups = [part for group in groups for part in _apart(group)]
    return kind(groups, lr=lr, **options)


def _apart(group: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A group's weights, and its other parameters, which do not decay."""
    weights = {**group, "params": [p for p in group["params"] if p.ndim > 1]}
    others = {**group, "params": [p for p in group["params"] if p.ndim <= 1], "weight_decay": 0.0}
    return [part for part in (weights, others) if part["params"]]
