"""The gradient check for pairs of functions that a student has written: forward(*inputs) -> (y, cache), backward(dy, cache) -> gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minicnn.autograd import Function
from minicnn.backend import use_backend
from minicnn.course.questions import WrongAnswer, equal
from minicnn.course.sandbox.handle import name_of
from minicnn.errors import MinicnnError
from minicnn.kernels.types import Array
from minicnn.testing import GradcheckError, gradcheck


def check_pair(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    inputs: Mapping[str, Array],
    rng: np.random.Generator,
    *,
    fixed: Mapping[str, Any] | None = None,
    right: Callable[..., Array] | None = None,
    rtol: float = 1e-5,
) -> None:
    """Are the gradients of `backward` the slopes of `forward`? A random gradient comes from above, and every element is compared in float64.

    Args:
        forward: `forward(*inputs, **fixed)` returns y and what backward needs.
        backward: `backward(dy, cache)` returns one gradient for each input, in order.
        inputs: the arrays to differentiate, by name.
        fixed: further arguments of forward.
        right: the right forward function, if `forward` asks the student. The slopes are those of this one: a student's own could answer what suits its backward.

    Raises:
        WrongAnswer: they are not; the report names elements, their values, and a guess.
    """
    said: list[MinicnnError] = []
    called = name_of(forward, "forward"), name_of(backward, "backward")
    if right is not None:
        equal(two(forward(*inputs.values(), **dict(fixed or {})), called[0])[0], right(*inputs.values()), f"what {called[0]} returns")
    pair = _pair(forward, _checked(backward, tuple(inputs), called[1], said), dict(fixed or {}), called[0], right)
    with use_backend("numpy"):
        try:
            gradcheck(pair.apply, dict(inputs), rtol=rtol, seed=int(rng.integers(2**31)), name=called[1])
        except GradcheckError as error:
            raise said[0] if said else WrongAnswer(_for_students(str(error))) from None


def _for_students(report: str) -> str:
    """Without what only developers ask for, and with what the two words mean."""
    lines = [line for line in report.splitlines() if "; backend " not in line]
    return "\n".join([*lines, "  (analytic: what your function returns; numeric: the slope that was measured)"] if "analytic" in report else lines)


def _checked(backward: Callable[..., Any], names: tuple[str, ...], what: str, said: list[MinicnnError]) -> Callable[..., tuple[Array, ...]]:
    """The same function, whose gradients are looked at. What is wrong is noted, for the gradient check has words of its own around it."""

    def gradients(dy: Array, cache: Any) -> tuple[Array, ...]:
        try:
            return _gradients(backward(dy, cache), names, what)
        except MinicnnError as error:
            said.append(error)
            raise

    return gradients


def _gradients(found: Any, names: tuple[str, ...], what: str) -> tuple[Array, ...]:
    """One array for each input."""
    if found is None:
        raise WrongAnswer(f"{what} returns None: is a return missing?")
    found = found if isinstance(found, (tuple, list)) else (found,)
    if len(found) != len(names):
        raise WrongAnswer(f"{what} must return {len(names)} gradients, {', '.join('d' + name for name in names)}, and returns {len(found)}")
    for name, gradient in zip(names, found, strict=True):
        if not isinstance(gradient, (np.ndarray, np.generic)):
            raise WrongAnswer(f"{what}: d{name} must be an array, and is {'None' if gradient is None else f'a {type(gradient).__name__}'}")
    return tuple(map(np.asarray, found))


def _pair(forward: Callable[..., Any], gradients: Callable[..., tuple[Array, ...]], fixed: dict[str, Any], what: str, right: Callable[..., Array] | None) -> type[Function]:
    class Pair(Function):
        """The student's two functions as an operation."""

        def forward(self, *arrays: Array) -> Array:
            if right is not None:
                self.save(*arrays)
                return np.asarray(right(*arrays))
            y, cache = two(forward(*arrays, **fixed), what)
            self.save(cache)
            return y

        def backward(self, dy: Array) -> tuple[Array | None, ...]:
            return gradients(dy, self.saved[0] if right is None else two(forward(*self.saved, **fixed), what)[1])

    return Pair


def two(result: Any, what: str = "forward") -> tuple[Array, Any]:
    """What a forward function returns: an array and what it keeps for backward. `what` is its name."""
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        example = ", `return y, cache`" if what.endswith("forward") else ""
        raise WrongAnswer(f"{what} must return two things{example}" + (", and returns None: is a return missing?" if result is None else ""))
    y, cache = result
    if not isinstance(y, (np.ndarray, np.generic)):
        raise WrongAnswer(f"the first thing that {what} returns must be an array, and is {'None' if y is None else f'a {type(y).__name__}'}")
    return np.asarray(y), cache
