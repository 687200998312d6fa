"""Adam, and AdamW with its decoupled weight decay."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from minicnn import checks
from minicnn.errors import ArgumentError
from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array
from minicnn.optim.check import check_entries
from minicnn.optim.fused import Rule
from minicnn.optim.optimizer import Optimizer, Params


class Adam(Optimizer):
    """Adaptive moments: each weight's step is scaled by the size that its gradient has had.

        g = dL/dθ + weight_decay θ
        m = β1 m + (1 - β1) g                    mean of the gradient
        v = β2 v + (1 - β2) g²                   mean of its square
        θ = θ - lr m̂ / (√v̂ + eps)                m̂ = m / (1 - β1ᵗ), v̂ = v / (1 - β2ᵗ)

    Both means start at zero; the divisions undo that bias in the first steps t = 1, 2, ...

    Args:
        params: parameters or groups of them.
        lr: learning rate, about the largest change of a weight in one step.
        betas: (β1, β2), how much of the means is kept at each step.
        eps: keeps the division finite where gradients vanish.
        weight_decay: added to the gradient, so that it is scaled like it. For a decay that is not, see
            `AdamW`.

    Raises:
        ArgumentError: a value out of range, or parameters that cannot be learned (see
            `Optimizer.add_param_group`).

    Source:
        Kingma & Ba 2015, "Adam: a method for stochastic optimization", algorithm 1.

    Example:
        >>> from minicnn import Tensor
        >>> w = Tensor([4.0], requires_grad=True)
        >>> optimizer = Adam([w], lr=0.5)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w.tolist()
        [3.5]
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def check(self, options: Mapping[str, Any]) -> None:
        name = type(self).__name__
        for option in ("lr", "eps", "weight_decay"):
            checks.number(options[option], f"{name}: {option}", 0)
        betas = options["betas"]
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise ArgumentError(f"{name}: betas must be a pair of numbers, such as (0.9, 0.999), not {betas!r}")
        for i, beta in enumerate(betas):
            checks.fraction(beta, f"{name}: betas[{i}]")

    def check_state(self, where: str, state: Mapping[str, Any]) -> None:
        check_entries(where, state, arrays=("m", "v"), counts=("step",))

    def rule(self, group: Mapping[str, Any], step: int) -> Rule:
        return _rule(group, step, decay=group["weight_decay"], keep=1.0)

    def update(self, data: Array, gradient: Array, state: dict[str, Any], group: Mapping[str, Any]) -> None:
        if group["weight_decay"]:
            gradient = self.decay(data, gradient, group)
        xp = array_module(data)
        beta1, beta2 = group["betas"]
        if not state:
            state.update(step=0, m=xp.zeros_like(data), v=xp.zeros_like(data))
        state["step"] += 1
        m, v, t = state["m"], state["v"], state["step"]
        m *= beta1
        m += (1 - beta1) * gradient
        v *= beta2
        v += (1 - beta2) * (gradient * gradient)
        change = xp.sqrt(v)
        change /= math.sqrt(1 - beta2**t)
        change += group["eps"]
        xp.divide(m, change, out=change)
        change *= group["lr"] / (1 - beta1**t)
        data -= change

    def decay(self, data: Array, gradient: Array, group: Mapping[str, Any]) -> Array:
        """The gradient of the loss plus weight_decay/2 |θ|²."""
        return gradient + group["weight_decay"] * data


class AdamW(Adam):
    """Adam whose weight decay does not pass through the means: θ shrinks by the factor 1 - lr weight_decay at each step.

    In `Adam`, the pull towards zero is divided by √v̂ like the rest of the gradient, so that weights with
    large gradients are hardly decayed at all. Here all weights decay at the same rate. Arguments and errors
    are those of `Adam`.

    Raises:
        ArgumentError: a value out of range, or parameters that cannot be learned (see `Optimizer.add_param_group`).

    Source:
        Loshchilov & Hutter 2019, "Decoupled weight decay regularization", algorithm 2, with the decay
        multiplied by lr as in PyTorch.

    Example:
        >>> from minicnn import Tensor
        >>> w = Tensor([4.0], requires_grad=True)
        >>> optimizer = AdamW([w], lr=0.5, weight_decay=0.5)
        >>> (w * w).sum().backward()
        >>> optimizer.step()            # 4 * (1 - 0.5 * 0.5) - 0.5
        >>> w.tolist()
        [2.5]
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(params, lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def rule(self, group: Mapping[str, Any], step: int) -> Rule:
        return _rule(group, step, decay=0.0, keep=1 - group["lr"] * group["weight_decay"])

    def decay(self, data: Array, gradient: Array, group: Mapping[str, Any]) -> Array:
        """Shrink the weights themselves; the gradient stays that of the loss."""
        data *= 1 - group["lr"] * group["weight_decay"]
        return gradient


def _rule(group: Mapping[str, Any], step: int, decay: float, keep: float) -> Rule:
    """The update as a kernel: the weights are multiplied by `keep`, and `decay` times them is added to the gradient."""
    beta1, beta2 = group["betas"]
    numbers = (beta1, 1 - beta1, beta2, 1 - beta2, group["eps"], decay, keep, group["lr"] / (1 - beta1**step), math.sqrt(1 - beta2**step))
    return Rule("adam", ("m", "v"), numbers, counted=True)
