"""Is a gradient right? Compares what autograd computes with slopes that are measured.

The function y(x, w, ...) is contracted with a random cotangent dy to the number L = Σ dy · y, whose gradient is what
`y.backward(dy)` leaves in `grad`. It is compared with central differences of L, element by element and along random
directions, in float64. See `docs/gradcheck.md`.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from minicnn import checks
from minicnn.autograd import Tensor
from minicnn.backend import get_backend
from minicnn.nn.module import Module
from minicnn.testing.comparison import Comparison
from minicnn.testing.report import GradcheckError
from minicnn.testing.subject import Subject, check_inputs, function_name, named_inputs, parameter_names


@dataclass(frozen=True)
class Outcome:
    """What one check did.

    Attributes:
        name: of the function.
        backend: the active one.
        slopes: elements and directions compared.
        error: the largest error found, relative to the largest element of its gradient.
        seconds: time taken.
        failure: the report, or None.
    """

    name: str
    backend: str
    slopes: int
    error: float
    seconds: float
    failure: str | None = None


listeners: list[Callable[[Outcome], None]] = []
"""Called with the outcome of every check; the pytest plugin collects its table here."""


def gradcheck(
    function: Callable[..., Tensor],
    inputs: Sequence[Any] | Mapping[str, Any],
    *,
    parameters: Mapping[str, Tensor] | None = None,
    rtol: float = 1e-6,
    atol: float = 1e-6,
    seed: int = 0,
    elements: int | None = None,
    names: Sequence[str] | None = None,
    name: str | None = None,
) -> Outcome:
    """Check the gradients of a function of tensors against measured slopes, on the active backend.

    A slope g agrees with the measured n if |g - n| <= rtol max(|g|, |n|) + atol min(1, the gradient's largest element).

    Args:
        function: takes one tensor for each input, in order, and returns a tensor. A module is checked as by
            `gradcheck_module`, with respect to its parameters, too.
        inputs: arrays, tensors or numbers; a dict names them for the report. Floating-point ones are converted to
            float64 and differentiated, all else (integers, None, booleans) is passed on.
        parameters: more tensors to differentiate, by name, that the function uses without being given them. They are
            float64 during the check.
        rtol, atol: relative and absolute tolerance.
        seed: of the cotangent, the directions, and the sampled elements.
        elements: at most so many of each input are compared one by one, chosen at random; by default all of an input of up to 400 elements, and
            40 of a larger one. Along random directions all are compared.
        names: names of the inputs, if they are a sequence; by default those of the function's parameters.
        name: what the report calls the function.

    Returns:
        What was compared, and the largest error.

    Raises:
        GradcheckError: a gradient is wrong, of the wrong shape, or missing; the result is not float64, not finite or not
            the same twice; an input is changed in place. The report names the worst elements and guesses the cause.
        ArgumentError: there is nothing to differentiate, or the arguments do not fit together.

    Example:
        >>> from minicnn import Tensor
        >>> gradcheck(lambda a, b: a * b, {"a": [1.0, 2.0], "b": [3.0, 4.0]}).slopes
        8
    """
    if elements is not None:
        checks.integer(elements, "gradcheck: elements")
    if isinstance(function, Module) and parameters is None:
        options = {"name": name, "names": names}
        given = {key: value for key, value in options.items() if value is not None}
        return gradcheck_module(function, inputs, rtol=rtol, atol=atol, seed=seed, elements=elements, **given)
    subject = Subject(name or function_name(function), function, named_inputs(function, inputs, names), parameters or {})
    return verdict(subject, Comparison(subject, rtol, atol, seed, elements))


def verdict(subject: Subject, comparison: Comparison) -> Outcome:
    """Run a comparison and tell whoever listens what came of it.

    Raises:
        GradcheckError: something is wrong.
    """
    start, failure = time.perf_counter(), None
    try:
        with subject.in_float64():
            comparison.run()
    except GradcheckError as error:
        failure = error
    seconds, report = time.perf_counter() - start, None if failure is None else failure.message
    outcome = Outcome(subject.name, get_backend().name, comparison.slopes, comparison.error, seconds, report)
    for listener in listeners:
        listener(outcome)
    if failure is not None:
        raise failure
    return outcome


def gradcheck_module(module: Module, inputs: Sequence[Any] | Mapping[str, Any], **options: Any) -> Outcome:
    """`gradcheck` of a module, with respect to its inputs and all its parameters.

    The module computes in float64 during the check; afterwards its parameters and buffers are as before.

    Raises:
        GradcheckError: a gradient is wrong, as for `gradcheck`.
        ArgumentError: there is nothing to differentiate, or the arguments do not fit together.

    Example:
        >>> from minicnn import nn
        >>> gradcheck_module(nn.Conv2d(2, 3, kernel_size=2), [np.ones((1, 2, 3, 4))]).name
        'Conv2d'
    """
    check_inputs(inputs)
    options = {"name": type(module).__name__, **options}
    if not isinstance(inputs, Mapping):
        options.setdefault("names", parameter_names(module.forward, len(inputs)))
    with buffers_in_float64(module):
        return gradcheck(module, inputs, parameters=dict(module.named_parameters()), **options)


@contextmanager
def buffers_in_float64(module: Module) -> Iterator[None]:
    """Inside, the module's buffers are float64, and may change; afterwards they are as before."""
    buffers = [(buffer, buffer.data) for buffer in module.buffers()]
    try:
        for buffer, data in buffers:
            buffer.data = data.astype(np.float64 if data.dtype.kind == "f" else data.dtype)
        yield
    finally:
        for buffer, data in buffers:
            buffer.data = data
