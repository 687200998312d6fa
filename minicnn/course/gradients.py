"""The gradient check for pairs of functions that a student has written: forward(*inputs) -> (y, cache), backward(dy, cache) -> gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minicnn.autograd import Function
from minicnn.backend import use_backend
from minicnn.course.questions import WrongAnswer, equal
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
        right: the right forward function, if `forward` is the student's: a constant has slopes of 0, which are easily given.

    Raises:
        WrongAnswer: they are not; the report names elements, their values, and a guess.
    """
    if right is not None:
        equal(two(forward(*inputs.values(), **dict(fixed or {})))[0], right(*inputs.values()), "what forward returns")
    said: list[MinicnnError] = []
    pair = _pair(forward, _telling(backward, said), dict(fixed or {}), tuple(inputs))
    with use_backend("numpy"):
        try:
            gradcheck(pair.apply, dict(inputs), rtol=rtol, seed=int(rng.integers(2**31)), name="your function")
        except GradcheckError as error:
            raise said[0] if said else WrongAnswer(str(error)) from None


def _telling(backward: Callable[..., Any], said: list[MinicnnError]) -> Callable[..., Any]:
    """The same function; what it raises is noted, for the gradient check has words of its own around it."""

    def tell(dy: Array, cache: Any) -> Any:
        try:
            return backward(dy, cache)
        except MinicnnError as error:
            said.append(error)
            raise

    return tell


def _pair(forward: Callable[..., Any], backward: Callable[..., Any], fixed: dict[str, Any], names: tuple[str, ...]) -> type[Function]:
    class Pair(Function):
        """The student's two functions as an operation."""

        def forward(self, *arrays: Array) -> Array:
            y, cache = two(forward(*arrays, **fixed))
            self.save(cache)
            return y

        def backward(self, dy: Array) -> tuple[Array | None, ...]:
            (cache,) = self.saved
            found = backward(dy, cache)
            found = found if isinstance(found, (tuple, list)) else (found,)
            if len(found) != len(names):
                raise WrongAnswer(f"backward must return {len(names)} gradients, {', '.join('d' + name for name in names)}, and returns {len(found)}")
            for name, gradient in zip(names, found, strict=True):
                if not isinstance(gradient, (np.ndarray, np.generic)):
                    raise WrongAnswer(f"d{name} must be an array, and is {'None' if gradient is None else f'a {type(gradient).__name__}'}")
            return tuple(map(np.asarray, found))

    return Pair


def two(result: Any) -> tuple[Array, Any]:
    """What a forward function returns: an array and what it keeps for backward."""
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise WrongAnswer("forward must return two things, `return y, cache`")
    y, cache = result
    if not isinstance(y, (np.ndarray, np.generic)):
        raise WrongAnswer(f"the first thing that forward returns must be an array, and is {'None' if y is None else f'a {type(y).__name__}'}")
    return np.asarray(y), cache

