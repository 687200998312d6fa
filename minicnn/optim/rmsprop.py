"""RMSprop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minicnn import checks
from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array
from minicnn.optim.check import check_entries, check_momentum
from minicnn.optim.fused import Rule
from minicnn.optim.optimizer import Optimizer, Params


class RMSprop(Optimizer):
    """Divide the gradient by the root mean square that it has had lately.

        g = dL/dθ + weight_decay θ
        s = α s + (1 - α) g²                     mean of the square
        μ = α μ + (1 - α) g                      mean, if centered; else μ = 0
        d = g / (√max(0, s - μ²) + eps)
        v = momentum v + d
        θ = θ - lr v

    Without momentum v = d. (TensorFlow has eps under the root; papers trained with it, such as Inception's
    and MobileNet's, take eps = 1 or 0.001 for that reason.)

    Args:
        params: parameters or groups of them.
        lr: learning rate.
        alpha: α, how much of the means is kept at each step.
        eps: keeps the division finite where gradients vanish.
        weight_decay: pull towards zero, added to the gradient.
        momentum: what remains of the velocity v at each step.
        centered: divide by the standard deviation instead of the root mean square.

    Raises:
        ArgumentError: a value out of range, or parameters that cannot be learned (see
            `Optimizer.add_param_group`).

    Source:
        Tieleman & Hinton 2012, Coursera "Neural networks for machine learning", lecture 6.5; centered: Graves
        2013, "Generating sequences with recurrent neural networks", eqs. 38 to 41.

    Example:
        >>> from minicnn import Tensor
        >>> w = Tensor([4.0], requires_grad=True)
        >>> optimizer = RMSprop([w], lr=0.5, alpha=0.75)
        >>> (w * w).sum().backward()
        >>> optimizer.step()            # 4 - 0.5 * 8 / √(0.25 * 64)
        >>> w.tolist()
        [3.0]
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        *,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum, centered=centered
        )

    def check(self, options: Mapping[str, Any]) -> None:
        for name in ("lr", "eps", "weight_decay"):
            checks.number(options[name], f"RMSprop: {name}", 0)
        check_momentum(options["momentum"], "RMSprop: momentum")
        checks.fraction(options["alpha"], "RMSprop: alpha")
        checks.flag(options["centered"], "RMSprop: centered")

    def check_state(self, where: str, state: Mapping[str, Any]) -> None:
        check_entries(where, state, arrays=("square",), optional=("mean", "momentum"))

    def rule(self, group: Mapping[str, Any], step: int) -> Rule:  # noqa: ARG002 - all steps are alike
        numbers = (group["lr"], group["alpha"], 1 - group["alpha"], group["eps"], group["weight_decay"], group["momentum"], float(group["centered"]))
        return Rule("rmsprop", ("square", "mean" if group["centered"] else None, "momentum" if group["momentum"] else None), numbers)

    def update(self, data: Array, gradient: Array, state: dict[str, Any], group: Mapping[str, Any]) -> None:
        xp = array_module(data)
        alpha, momentum = group["alpha"], group["momentum"]
        if group["weight_decay"]:
            gradient = gradient + group["weight_decay"] * data
        for name, wanted in (("square", True), ("mean", group["centered"]), ("momentum", momentum)):
            if wanted and name not in state:
                state[name] = xp.zeros_like(data)
        state["square"] *= alpha
        state["square"] += (1 - alpha) * (gradient * gradient)
        variance = state["square"]
        if group["centered"]:
            state["mean"] *= alpha
            state["mean"] += (1 - alpha) * gradient
            # never below 0 but for rounding, where the gradient hardly changes: the root would be NaN
            variance = xp.maximum(variance - state["mean"] * state["mean"], 0)
        change = xp.sqrt(variance)
        change += group["eps"]
        xp.divide(gradient, change, out=change)
        if momentum:
            state["momentum"] *= momentum
            state["momentum"] += change
            change = state["momentum"]
        data -= group["lr"] * change
