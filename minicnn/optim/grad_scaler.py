"""Dynamic loss scaling: small gradients survive float16."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minicnn import checks
from minicnn.autograd import Function, Tensor
from minicnn.backend import get_backend
from minicnn.errors import AutogradError, DtypeError, NonFiniteError, StateDictError, listing
from minicnn.kernels.array.module import array_module
from minicnn.kernels.cuda import gradients as kernels
from minicnn.kernels.types import Array
from minicnn.optim.optimizer import Optimizer

SMALLEST = 2.0**-16  # a scale that has fallen so far has not been the reason


class ScaleLoss(Function):
    """y = s x: dx = s dy."""

    result_may_overflow = True

    def forward(self, x: Array, *, scale: float) -> Array:
        return _times(x, scale)

    def backward(self, dy: Array) -> tuple[Array | None, ...]:
        return (_times(dy, self.attributes["scale"]),)


class GradScaler:
    """Multiplies the loss, and divides the gradients again, so that on the way between they are large enough for float16.

    A float16 holds no number below 6e-8, and few digits below 6e-5, where many gradients are; at the other end, nothing above 65504. With the loss, all
    gradients are multiplied by a factor, the scale. It is sought as training goes: after so many steps without an overflow it is raised, and after one with an
    infinite or undefined gradient it is lowered, and that step is left out.

        scaler = GradScaler()
        for images, labels in loader:
            with minicnn.autocast("fp16"):
                loss = cross_entropy(model(images), labels)
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()

    Between the last two lines but one, `scaler.unscale_(optimizer)` makes the gradients what they are without scaling, to be clipped or looked at.

    bfloat16 reaches as far as float32 and needs no scaling.

    Args:
        init_scale: the scale at the beginning.
        growth_factor: what it is multiplied by to be raised.
        backoff_factor: what it is multiplied by to be lowered.
        growth_interval: after so many steps in a row without an overflow it is raised.
        enabled: if false, nothing is scaled, nothing looked at, and no step left out: so that one program does for every precision.

    Raises:
        ArgumentError: a value is out of range.

    Source:
        Micikevicius et al. 2018, "Mixed precision training", sec. 3.2; the values are PyTorch's.

    Example:
        >>> from minicnn.optim import SGD
        >>> w = Tensor([3.0], requires_grad=True)
        >>> optimizer, scaler = SGD([w], lr=0.25), GradScaler(init_scale=1024.0)
        >>> scaler.scale((w * w).sum()).backward()
        >>> w.grad.tolist()
        [6144.0]
        >>> scaler.step(optimizer)
        True
        >>> scaler.update()
        >>> w.tolist()
        [1.5]
    """

    def __init__(
        self,
        init_scale: float = 65536.0,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._settings = {"growth_factor": growth_factor, "backoff_factor": backoff_factor, "growth_interval": growth_interval}
        _check("GradScaler", self._settings)
        self._scale = checks.positive(init_scale, "GradScaler: init_scale")
        self._enabled = checks.flag(enabled, "GradScaler: enabled")
        self._steps_since = 0  # the scale was last changed
        self._skipped = 0  # in a row
        self._overflow: dict[int, Array] = {}  # of each optimiser whose gradients are unscaled (by identity): not 0 if one is not finite
        self._stepped: dict[int, bool] = {}  # of each whose step is taken or left out: left out?

    def is_enabled(self) -> bool:
        """Does it scale?"""
        return self._enabled

    def get_scale(self) -> float:
        """The scale; 1 if nothing is scaled."""
        return self._scale if self._enabled else 1.0

    def scale(self, loss: Tensor) -> Tensor:
        """The loss times the scale: call `backward()` on it, which does not mind if it is infinite."""
        return ScaleLoss.apply(loss, scale=self._scale) if self._enabled else loss

    def unscale_(self, optimizer: Optimizer) -> None:
        """Divide the gradients of an optimiser's parameters by the scale, in place, and note whether all are finite.

        `step` does it by itself: call it before only if the gradients are to be clipped or looked at.

        Raises:
            AutogradError: no parameter has a gradient, or they have been unscaled already, since the last `update`.
            DtypeError: a gradient is of float16, where the division would lose what scaling has saved: parameters should be float32.
        """
        if not self._enabled:
            return
        if id(optimizer) in self._overflow or id(optimizer) in self._stepped:
            raise AutogradError("GradScaler: unscale_() was called for this optimiser already: once a step, before step(); then update()")
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        if not gradients:
            raise AutogradError("GradScaler: no parameter of the optimiser has a gradient: call scaler.scale(loss).backward() first")
        if any(gradient.dtype == np.float16 for gradient in gradients):
            raise DtypeError("GradScaler: a gradient is float16: keep the parameters in float32, and compute in float16 by minicnn.autocast('fp16')")
        self._overflow[id(optimizer)] = _unscale([gradient.edit("unscale_") for gradient in gradients], self._scale)

    def step(self, optimizer: Optimizer) -> bool:
        """Take the optimiser's step, unless a gradient is not finite.

        Returns:
            Whether it was taken.

        Raises:
            AutogradError: as for `unscale_` and `Optimizer.step`, or the step was taken already, since the last `update`.
        """
        if not self._enabled:
            optimizer.step()
            return True
        if id(optimizer) in self._stepped:
            raise AutogradError("GradScaler: step() was called for this optimiser already: call update() after each step")
        if id(optimizer) not in self._overflow:
            self.unscale_(optimizer)
        overflow = bool(self._overflow.pop(id(optimizer)))
        if not overflow:
            optimizer.step()
        self._stepped[id(optimizer)] = overflow
        return not overflow

    def update(self) -> None:
        """Lower the scale if a step was left out, or raise it after `growth_interval` good ones. Call it once, after all optimisers' steps.

        Raises:
            AutogradError: there was no step since the last call.
            NonFiniteError: so many steps in a row were left out that the scale cannot be the reason.
        """
        if not self._enabled:
            return
        if not self._stepped:
            raise AutogradError("GradScaler: update() without a step: call scaler.step(optimizer) before")
        overflow = any(self._stepped.values())
        self._overflow, self._stepped = {}, {}
        self._steps_since = 0 if overflow else self._steps_since + 1
        self._skipped = self._skipped + 1 if overflow else 0
        if overflow:
            self._scale *= self._settings["backoff_factor"]
            self._require_sense()
        elif self._steps_since == self._settings["growth_interval"]:
            self._scale *= self._settings["growth_factor"]
            self._steps_since = 0

    def _require_sense(self) -> None:
        if self._scale < SMALLEST:
            raise NonFiniteError(
                f"GradScaler: gradients were infinite or undefined in the last {self._skipped} steps, whatever the scale, now {self._scale:g}: look at the "
                "loss; is it finite? A forward pass that leaves the range of float16 (65504) is no matter of scaling: try autocast('bf16')"
            )

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint needs: plain numbers."""
        return {"scale": self._scale, "steps_since": self._steps_since, **self._settings}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another scaler stopped.

        Raises:
            StateDictError: this is not what `state_dict` returns.
            ArgumentError: a value is out of range.
        """
        if not isinstance(state, Mapping) or set(state) != set(self.state_dict()):
            given = listing(state) if isinstance(state, Mapping) else type(state).__name__
            raise StateDictError(f"GradScaler: the state has the entries {listing(self.state_dict())}; this one has {given}")
        settings = {name: state[name] for name in self._settings}
        _check("GradScaler.load_state_dict", settings)
        scale = checks.positive(state["scale"], "GradScaler.load_state_dict: scale")
        steps = checks.integer(state["steps_since"], "GradScaler.load_state_dict: steps_since", 0)
        self._settings, self._scale, self._steps_since = settings, scale, steps


def _times(x: Array, scale: float) -> Array:
    """x s. NumPy makes a plain number of an array without axes; kernels need an array."""
    y: Array = array_module(x).asarray(x * scale)
    return y


def _check(place: str, settings: Mapping[str, Any]) -> None:
    checks.number(settings["growth_factor"], f"{place}: growth_factor", 1)
    checks.fraction(checks.positive(settings["backoff_factor"], f"{place}: backoff_factor"), f"{place}: backoff_factor")
    checks.integer(settings["growth_interval"], f"{place}: growth_interval")


def _unscale(gradients: Sequence[Array], scale: float) -> Array:
    """Divide all gradients, in place; an array of one number, which is not 0 if one of theirs is not finite."""
    xp = array_module(gradients[0])
    if "cuda" in get_backend().sources:
        return kernels.unscale(gradients, xp.full(1, scale, np.float32))
    for gradient in gradients:
        gradient /= scale
    overflow: Array = ~xp.stack([xp.isfinite(gradient).all() for gradient in gradients]).all()
    return overflow
