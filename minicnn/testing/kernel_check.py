"""Is a kernel right? Compares its forward with the definition in `loops`, and float32 with float64; checks its gradients.

The comparison finds what a gradient check cannot: a forward that is wrong together with its backward, such as a max
pool padded with zeros, whose gradient is the right gradient of the wrong function.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn import kernels
from minicnn.backend import Backend, get_backend, to_numpy, use_backend
from minicnn.errors import ArgumentError, nearest
from minicnn.kernels.types import Array, Kernel
from minicnn.testing.comparison import STREAM
from minicnn.testing.draw import RandomDraw
from minicnn.testing.gradcheck import Outcome, gradcheck
from minicnn.testing.numeric import cotangent
from minicnn.testing.report import GradcheckError, Mismatch, factor_sizes, likely_cause

TOLERANCE = {"float64": 1e-9, "float32": 2e-4}  # relative to the largest element of the array
LEAST = 6  # numbers in the inputs of a case, for a pattern to show
KINKED = (
    "relu", "leaky_relu", "relu6", "hardswish", "max_pool2d", "adaptive_max_pool2d", "roi_pool", "l1_loss", "smooth_l1_loss",
)  # fmt: skip
"""Operations that are checked on rounded numbers, too, where there are zeros and ties."""


def check_kernel(op: str, *, backend: str, examples: int = 20, seed: int = 0) -> list[Outcome]:
    """Check the forward and backward of one operation on a backend, on randomly drawn shapes and attributes.

    Args:
        op: the operation, such as "conv2d".
        backend: where its kernel is: what you gave to `minicnn.kernels.register`, or a backend of minicnn's own.
        examples: how many cases are drawn. The simplest that fails is reported: the smallest, but for those of a few
            numbers only, in which no pattern shows.
        seed: of the cases.

    Returns:
        The outcomes of the gradient checks.

    Raises:
        GradcheckError: the kernel differs from the definition, or its gradients are wrong, or it breaks the kernel
            contract. Says where, with what shapes and attributes, and the likely cause.
        ArgumentError: `op` or its kernel is unknown.
        BackendError: `backend` is unknown.

    Example:
        >>> len(check_kernel("relu", backend="numpy", examples=3))
        3
    """
    from minicnn.testing.cases import CASES, Case

    if op not in kernels.OPS or op not in CASES:
        raise ArgumentError(f"check_kernel: unknown operation {op!r}: {nearest(op, kernels.OPS)}")
    kernel = get_backend(backend).kernel(op)
    if backend in kernels.registered_backends() and kernel.source != backend:
        raise ArgumentError(
            f"check_kernel: nothing is registered for {op} on backend {backend!r}, which falls back to {kernel.source}: "
            f"call minicnn.kernels.register({op!r}, forward=..., backward=..., backend={backend!r}) first"
        )
    if examples < 1:
        raise ArgumentError(f"check_kernel: examples must be at least 1, not {examples}")
    outcomes: list[Outcome] = []
    simplest: tuple[tuple[bool, int], Case, GradcheckError] | None = None
    for example in range(examples):
        case = CASES[op](RandomDraw(1000 * seed + example))
        if op in KINKED and example % 3 == 2:
            case = rounded(case)
        size = sum(x.size for x in case.inputs.values() if x is not None)
        rank = (size < LEAST, size)
        if simplest is not None and rank >= simplest[0]:
            continue  # it would not be reported
        try:
            outcomes.append(check_case(case, kernel, backend))
        except GradcheckError as error:
            simplest = rank, case, error
    if simplest is not None:
        _, case, failure = simplest
        raise GradcheckError("\n".join([failure.message, *_describe(case, backend, examples)])) from failure
    return outcomes


def check_case(case: Any, kernel: Kernel, backend: str) -> Outcome:
    """Check a kernel on one case.

    Raises:
        GradcheckError: something is wrong; without the shapes and attributes.
    """
    _ForwardCheck(case, kernel, get_backend(backend)).run()
    with use_backend(backend):
        return gradcheck(case.function, case.inputs, name=kernel.op)


def rounded(case: Any) -> Any:
    """The case with its numbers rounded to 0, ±1, ...: zeros and ties, where a kinked function has no gradient."""
    from dataclasses import replace

    inputs = {name: np.round(x) if x is not None and x.dtype.kind == "f" else x for name, x in case.inputs.items()}
    return replace(case, inputs=inputs)


class _ForwardCheck:
    """What a gradient check does not see: the values of the forward pass, element types, and the rules of the contract."""

    def __init__(self, case: Any, kernel: Kernel, place: Backend) -> None:
        self.case, self.kernel, self.place = case, kernel, place
        self.given = {**case.inputs, **case.constants}
        self.definition = kernels.find(kernel.op, ["loops"])

    def run(self) -> None:
        expected = self._outputs(self.definition, np.float64)[0]
        gradients = []
        for dtype in (np.float64, np.float32):
            outputs, saved, arrays = self._outputs(self.kernel, dtype)
            self._values(outputs, expected, np.dtype(dtype))
            again = self._outputs(self.kernel, dtype)[0]
            if any(not np.array_equal(a, b, equal_nan=True) for a, b in zip(outputs, again, strict=True)):
                raise self._error("two calls of forward with the same inputs differ: draw random numbers from the seed only")
            gradients.append(self._backward(outputs[0], saved, arrays))
        self._float32(*gradients)

    def _outputs(self, kernel: Kernel, dtype: Any) -> tuple[list[Array], Any, list[Array | None]]:
        """Run a forward on copies, which are where the kernel computes, and see that they are left alone."""
        copies = [np.array(x, dtype) if x is not None and x.dtype.kind == "f" else x for x in self.given.values()]
        arrays: list[Array | None] = copies if kernel is self.definition else [x if x is None else self.place.asarray(x) for x in copies]
        result = self._call("forward", kernel.forward, *arrays, **self.case.attributes)
        if not isinstance(result, tuple) or len(result) != 2:
            needed = "the result, and what backward needs"
            raise self._error(f"forward must return (y, saved): {needed}; it returned {_kind(result)}")
        for (name, x), array in zip(self.given.items(), arrays, strict=True):
            if x is not None and array is not None and not np.array_equal(to_numpy(array), x.astype(array.dtype)):
                raise self._error(f"forward changes {name} in place: work on a copy")
        y, saved = result
        return [_as_array(part) for part in (y if isinstance(y, tuple) else (y,))], saved, arrays

    def _values(self, outputs: list[Array], expected: list[Array], dtype: np.dtype[Any]) -> None:
        if len(outputs) != len(expected):
            raise self._error(f"forward must return {len(expected)} result(s) before `saved`, not {len(outputs)}")
        for number, (given, right) in enumerate(zip(outputs, expected, strict=True)):
            name = "y" if number == 0 else f"y{number}"
            if not isinstance(given, np.ndarray):
                raise self._error(f"{name} must be an array, not {_kind(given)}")
            if given.shape != right.shape:
                transposed = " (the axes are in another order)" if sorted(given.shape) == sorted(right.shape) else ""
                raise self._error(f"{name} has shape {given.shape}, but should have {right.shape}{transposed}")
            if given.dtype != dtype:
                raise self._error(f"{name} is {given.dtype} although the inputs are {dtype}: is a NumPy default type in between?")
            with np.errstate(invalid="ignore"):
                tolerance = TOLERANCE[dtype.name] * max(1e-6, np.abs(right).max(initial=0.0))
                wrong = ~((np.abs(given - right) <= tolerance) | (given == right))
            if wrong.any():
                first = next(x for x in self.given.values() if x is not None)
                mismatch = Mismatch(name, given, right, wrong, ("given", "expected"), factor_sizes(first, right))
                lines = [*mismatch.lines(likely_cause(mismatch)), "  the forward pass differs from the definition in loops"]
                raise self._error("\n".join(lines))

    def _backward(self, y: Array, saved: Any, arrays: list[Array | None]) -> dict[str, Array]:
        """The gradients, which keep the rules: one for each array, of its shape and type, wherever it is needed."""
        differentiable = [
            name in self.case.inputs and x is not None and x.dtype.kind == "f"
            for name, x in zip(self.given, arrays, strict=True)
        ]
        dy = cotangent(y.shape, np.random.default_rng([STREAM, 1])).astype(y.dtype)
        everything = self._gradients(dy, saved, tuple(differentiable), arrays)
        for i in np.flatnonzero(differentiable):
            alone = tuple(bool(j == i) for j in range(len(arrays)))
            _, saved = self._call("forward", self.kernel.forward, *arrays, **self.case.attributes)
            gradient = self._gradients(dy, saved, alone, arrays)[i]
            if not np.allclose(gradient, everything[i], rtol=1e-4, atol=1e-5, equal_nan=True):
                name = list(self.given)[i]
                raise self._error(f"backward gives another d{name} when only that is needed, needs={alone}, than when all are")
        return {name: everything[i] for i, name in enumerate(self.given) if differentiable[i]}

    def _float32(self, in_float64: dict[str, Array], in_float32: dict[str, Array]) -> None:
        """Those in float32 must be those in float64, whose slopes can be measured; then ties are broken alike, too."""
        for name, right in in_float64.items():
            given = in_float32[name].astype(np.float64)
            with np.errstate(invalid="ignore"):
                tolerance = TOLERANCE["float32"] * max(0.01, np.abs(right).max(initial=0.0))  # flat parts lose digits
                wrong = ~((np.abs(given - right) <= tolerance) | (given == right) | ~np.isfinite(right))
            if wrong.any():
                mismatch = Mismatch(f"d{name}", given, right, wrong, ("in float32", "in float64"))
                lines = [*mismatch.lines(likely_cause(mismatch)), "  the same backward, called with float32 and with float64"]
                raise self._error("\n".join(lines))

    def _gradients(self, dy: Array, saved: Any, needs: tuple[bool, ...], arrays: list[Array | None]) -> list[Any]:
        upstream = self.place.asarray(dy.copy())
        result = self._call("backward", self.kernel.backward, upstream, saved, needs=needs)
        names = ", ".join(f"d{name}" for name in self.given)
        if not isinstance(result, tuple) or len(result) != len(needs):
            raise self._error(f"backward must return a tuple of {len(needs)} gradients ({names}), not {_kind(result)}")
        if not np.array_equal(to_numpy(upstream), dy):
            raise self._error("backward changes dy in place: work on a copy")
        gradients: list[Array | None] = []
        for name, x, gradient, needed in zip(self.given, arrays, result, needs, strict=True):
            gradient = _as_array(gradient)
            gradients.append(gradient)
            if not needed or x is None:
                continue
            if gradient is None:
                raise self._error(f"backward returns None for d{name}, which is needed, needs={needs}")
            if not isinstance(gradient, np.ndarray):
                raise self._error(f"d{name} must be an array, not {_kind(gradient)}")
            if gradient.shape != x.shape:
                raise self._error(f"d{name} has shape {gradient.shape}, but {name} has {x.shape}")
            if gradient.dtype != x.dtype:
                raise self._error(f"d{name} is {gradient.dtype}, but {name} is {x.dtype}")
        return gradients

    def _call(self, what: str, function: Any, *arguments: Any, **attributes: Any) -> Any:
        try:
            return function(*arguments, **attributes)
        except Exception as error:
            raise self._error(f"{what} raises {type(error).__name__}: {error}") from error

    def _error(self, text: str) -> GradcheckError:
        return GradcheckError(f"{self.kernel.op}: {text}")


def _describe(case: Any, backend: str, examples: int) -> Iterator[str]:
    """The shapes and attributes of a case, to draw it again by hand."""
    shapes = [f"{name} {x.shape if x is not None else None}" for name, x in {**case.inputs, **case.constants}.items()]
    yield f"  simplest of {examples} cases that fails on backend {backend!r}: {', '.join(shapes)}"
    if case.attributes:
        yield f"  with {', '.join(f'{name}={value}' for name, value in case.attributes.items())}"


def _as_array(value: Any) -> Any:
    """Arrays of any library as NumPy's, and NumPy's scalars as arrays without axes; anything else as it is."""
    if isinstance(value, np.generic):
        return np.asarray(value)
    return to_numpy(value) if hasattr(value, "dtype") else value


def _kind(value: Any) -> str:
    return f"a tuple of {len(value)}" if isinstance(value, tuple) else f"a {type(value).__name__}"
