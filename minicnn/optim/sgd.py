"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minicnn import checks
from minicnn.errors import ArgumentError
from minicnn.kernels.types import Array
from minicnn.optim.check import check_entries, check_momentum
from minicnn.optim.fused import Rule
from minicnn.optim.optimizer import Optimizer, Params


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum.

        g = dL/dθ + weight_decay θ
        v = momentum v + g                       (v = g at the first step)
        θ = θ - lr v                             or, with Nesterov's: θ - lr (g + momentum v)

    Without momentum v = g. Weight decay is the gradient of weight_decay/2 |θ|².

    Args:
        params: parameters or groups of them.
        lr: learning rate.
        momentum: what remains of the velocity v at each step; 0.9 is the common choice.
        weight_decay: pull towards zero.
        nesterov: look ahead along the velocity.

    Raises:
        ArgumentError: a value out of range, Nesterov's momentum without momentum, or parameters that cannot
            be learned (see `Optimizer.add_param_group`).

    Source:
        Robbins & Monro 1951; momentum: Polyak 1964; Nesterov's: Sutskever et al. 2013, eqs. 3 and 4,
        in the variables of PyTorch, where lr stands outside v and θ is the point that looks ahead.

    Example:
        >>> from minicnn import Tensor
        >>> w = Tensor([4.0], requires_grad=True)
        >>> optimizer = SGD([w], lr=0.25)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w.tolist()
        [2.0]
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        *,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        super().__init__(params, lr=lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov)

    def check(self, options: Mapping[str, Any]) -> None:
        for name in ("lr", "weight_decay"):
            checks.number(options[name], f"SGD: {name}", 0)
        check_momentum(options["momentum"], "SGD: momentum")
        if checks.flag(options["nesterov"], "SGD: nesterov") and not options["momentum"]:
            raise ArgumentError("SGD: nesterov=True looks ahead along the velocity, so it needs momentum > 0, such as momentum=0.9")

    def check_state(self, where: str, state: Mapping[str, Any]) -> None:
        check_entries(where, state, optional=("momentum",))

    def rule(self, group: Mapping[str, Any], step: int) -> Rule:  # noqa: ARG002 - all steps are alike
        numbers = (group["lr"], group["momentum"], group["weight_decay"], float(group["nesterov"]))
        return Rule("sgd", ("momentum",) if group["momentum"] else (), numbers)

    def update(self, data: Array, gradient: Array, state: dict[str, Any], group: Mapping[str, Any]) -> None:
        momentum = group["momentum"]
        if group["weight_decay"]:
            gradient = gradient + group["weight_decay"] * data
        if momentum:
            if "momentum" not in state:
                state["momentum"] = gradient.copy()
            else:
                state["momentum"] *= momentum
                state["momentum"] += gradient
            gradient = gradient + momentum * state["momentum"] if group["nesterov"] else state["momentum"]
        data -= group["lr"] * gradient
