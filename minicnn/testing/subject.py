"""The function under check as one of float64 arrays, and all that can be seen wrong with it without measuring slopes."""

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from minicnn.autograd import Tensor, no_grad
from minicnn.backend import get_backend, to_numpy
from minicnn.errors import ArgumentError, MinicnnError
from minicnn.kernels.types import Array
from minicnn.testing.report import GradcheckError


class Subject:
    """A function of named float64 arrays: the differentiable inputs and the parameters. All other inputs stay fixed.

    Attributes:
        name: what reports call the function.
        inputs: all inputs by name.
        parameters: tensors that the function uses without being given them.
        values: the arrays of those that are differentiated.
    """

    def __init__(
        self, name: str, function: Callable[..., Any], inputs: Mapping[str, Any], parameters: Mapping[str, Tensor]
    ) -> None:
        self.name, self.function, self.inputs, self.parameters = name, function, inputs, parameters
        both = sorted(set(inputs) & set(parameters))
        if both:
            raise ArgumentError(f"gradcheck: {both[0]!r} is the name of an input and of a parameter")
        floating = {name: value for name, value in {**inputs, **parameters}.items() if _is_floating(value)}
        self.values = {name: np.array(to_numpy(_array(value)), np.float64) for name, value in floating.items()}
        if not any(value.size for value in self.values.values()):
            raise ArgumentError("gradcheck: no floating-point input or parameter: there is nothing to differentiate")

    def array_at(self, values: Mapping[str, Array]) -> Array:
        """The result for other values, as an array; nothing is recorded."""
        with no_grad():
            return to_numpy(self._call(values)[0].data)

    def result(self) -> Array:
        """The result, after checking that it is a finite float64 tensor, the same twice.

        Raises:
            GradcheckError: it is not, or an input was changed in place.
        """
        with self._watched("the forward pass"):
            y = self._call(self.values)[0]
        if not isinstance(y, Tensor):
            raise self.error(f"the function must return one tensor, not {type(y).__name__}")
        first = to_numpy(y.data).copy()
        if first.dtype != np.float64:
            raise self.error(f"the result is {first.dtype} although the inputs are float64: is there a conversion inside?")
        if not np.isfinite(first).all():
            raise self.error(f"the result has NaN or Inf in {int((~np.isfinite(first)).sum())} of {first.size} elements")
        second = self.array_at(self.values)
        if first.shape != second.shape or not np.array_equal(first, second):
            raise self.error(
                "two calls with the same inputs give different results: is there dropout or another random draw? "
                "Fix its seed inside the function, or switch to eval mode"
            )
        return first

    def gradients(self, dy: Array) -> dict[str, Array | None]:
        """`pull_back`, after checking that it gives the same twice.

        Raises:
            GradcheckError: it does not, or anything that `pull_back` raises.
        """
        first, second = self.pull_back(dy), self.pull_back(dy)
        for name, gradient in first.items():
            if not _same(gradient, second[name]):
                raise self.error(f"two backward passes with the same inputs give different d{name}: does backward keep something?")
        return first

    def check_memory(self, dy: Array, gradients: Mapping[str, Array]) -> None:
        """Two layers of one kind call the same forward twice before the first backward: is the gradient still the same?

        Raises:
            GradcheckError: it is not.
        """
        with np.errstate(all="ignore"):
            again = self.pull_back(dy, interrupted=True)
        for name, gradient in gradients.items():
            other = again[name]
            other = np.zeros_like(gradient) if other is None else other
            if not np.allclose(gradient, other, rtol=1e-9, atol=1e-9 * np.abs(gradient).max(initial=0.0)):
                raise self.error(
                    f"the gradient d{name} changes when the function is called once more before backward: is something kept "
                    "in a global or class variable instead of in saved?"
                )

    def pull_back(self, dy: Array, *, interrupted: bool = False) -> dict[str, Array | None]:
        """The gradients that autograd computes, by name; None where none arrived.

        Args:
            dy: the upstream gradient.
            interrupted: call the function on other numbers between its forward pass and its backward pass.

        Raises:
            GradcheckError: backward fails, a gradient has the wrong shape, or an array was changed in place.
        """
        y, leaves = self._call(self.values)
        if interrupted:
            self._interrupt(leaves)
        given = dy.copy()
        with self._watched("the backward pass"):
            if y.requires_grad:
                try:
                    y.backward(get_backend().asarray(given))
                except MinicnnError as error:
                    raise self.error(f"backward fails: {error}") from error
        if not np.array_equal(given, dy):
            raise self.error("the backward pass changes dy, the gradient that it is given, in place: work on a copy")
        gradients = {name: None if leaf.grad is None else to_numpy(leaf.grad.data).copy() for name, leaf in leaves.items()}
        for name, gradient in gradients.items():
            if gradient is not None and gradient.shape != self.values[name].shape:
                raise self.error(f"d{name} has shape {gradient.shape}, but {name} has {self.values[name].shape}")
        return gradients

    def error(self, text: str) -> GradcheckError:
        """An error that begins with the function's name."""
        return GradcheckError(f"{self.name}: {text}")

    @contextmanager
    def in_float64(self) -> Iterator[None]:
        """Inside, the parameters may be overwritten; afterwards they are as before."""
        before = [(p, p.data, p.grad, p.requires_grad) for p in self.parameters.values()]
        try:
            yield
        finally:
            for p, data, grad, requires_grad in before:
                p.data, p.grad, p.requires_grad = data, grad, requires_grad

    def _interrupt(self, leaves: Mapping[str, Tensor]) -> None:
        """Call the function on other numbers. Whether it can do with them does not matter: reversed ones it mostly can."""
        before = {name: leaf.data for name, leaf in leaves.items()}
        others = {name: _reversed(value) if isinstance(value, Tensor) else value for name, value in self.inputs.items()}
        for factor in (0.999, -0.999):
            with warnings.catch_warnings(), np.errstate(all="ignore"), suppress(Exception):
                warnings.simplefilter("ignore")
                self._call({name: factor * _reversed(value) for name, value in self.values.items()}, others)
        for name, leaf in leaves.items():
            leaf.data = before[name]

    def _call(
        self, values: Mapping[str, Array], inputs: Mapping[str, Any] | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The result, and the tensors by name that it was computed from."""
        leaves = {}
        for name, value in values.items():
            array = get_backend().asarray(value)
            leaf = self.parameters[name] if name in self.parameters else Tensor.wrap(array)
            leaf.data, leaf.grad = array, None
            leaves[name] = leaf.requires_grad_()
        return self.function(*(leaves.get(name, fixed) for name, fixed in (inputs or self.inputs).items())), leaves

    @contextmanager
    def _watched(self, when: str) -> Iterator[None]:
        before = {name: value.copy() for name, value in self.values.items()}
        yield
        for name, value in self.values.items():
            if not np.array_equal(value, before[name], equal_nan=True):
                raise self.error(f"{when} changes {name} in place: work on a copy")


def named_inputs(
    function: Callable[..., Any], inputs: Sequence[Any] | Mapping[str, Any], names: Sequence[str] | None
) -> dict[str, Any]:
    """The inputs by name: the dict's keys, `names`, or the names of the function's parameters.

    >>> named_inputs(lambda x, w: x * w, [1.0, 2.0], None)
    {'x': 1.0, 'w': 2.0}
    """
    check_inputs(inputs)
    if not isinstance(inputs, Mapping):
        names = parameter_names(function, len(inputs)) if names is None else list(names)
        if len(names) != len(inputs) or len(set(names)) != len(names):
            raise ArgumentError(f"gradcheck: {len(inputs)} inputs need as many different names, not {', '.join(names) or 'none'}")
        inputs = dict(zip(names, inputs, strict=True))
    elif names is not None:
        raise ArgumentError("gradcheck: the keys of the dict name the inputs already: leave `names` out")
    return {name: Tensor.wrap(get_backend().asarray(value)) if isinstance(value, np.ndarray) else value for name, value in inputs.items()}


def check_inputs(inputs: Any) -> None:
    """Refuse a single array, a number or None, where several inputs are meant."""
    if isinstance(inputs, str) or not isinstance(inputs, (Sequence, Mapping)):
        raise ArgumentError(f"gradcheck: inputs must be a list or a dict: [x], not one {type(inputs).__name__}")


def parameter_names(function: Callable[..., Any], count: int) -> list[str]:
    """The names of the function's first parameters, or x0, x1, ... where it does not name them."""
    try:
        parameters = list(inspect.signature(function).parameters.values())[:count]
    except (TypeError, ValueError):
        parameters = []
    if len(parameters) == count and all(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters):
        return [p.name for p in parameters]
    return ["x"] if count == 1 else [f"x{i}" for i in range(count)]


def function_name(function: Callable[..., Any]) -> str:
    """What a report calls a function: 'conv2d'; 'Square' for Square.apply; 'function' for a lambda."""
    owner = getattr(function, "__self__", None)
    name = owner.__name__ if isinstance(owner, type) else getattr(function, "__name__", type(function).__name__)
    return "function" if name == "<lambda>" else name


def _array(value: Any) -> Any:
    return value.data if isinstance(value, Tensor) else np.asarray(value)


def _reversed(x: Any) -> Any:
    """The elements of an array, or of a tensor, in the opposite order."""
    return Tensor.wrap(_reversed(x.data)) if isinstance(x, Tensor) else x.ravel()[::-1].reshape(x.shape).copy()


def _same(a: Array | None, b: Array | None) -> bool:
    return a is b if a is None or b is None else np.array_equal(a, b, equal_nan=True)


def _is_floating(value: Any) -> bool:
    return value is not None and not isinstance(value, str) and _array(value).dtype.kind == "f"
