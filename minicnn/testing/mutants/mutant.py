"""A mutant: an operation with one classic mistake planted in it, and the check that should notice.

Kernel mutants are what a student would register: a forward, a backward, or both, on a backend of their own. Mutants of
operations without kernels replace one method of the operation's node while they are tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias
from unittest.mock import patch

import numpy as np

from minicnn import kernels
from minicnn.autograd import as_tensor
from minicnn.kernels.types import Array, Needs, Saved
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw
from minicnn.testing.gradcheck import gradcheck, listeners
from minicnn.testing.kernel_check import check_kernel, rounded
from minicnn.testing.report import GradcheckError, Mismatch, likely_cause

BACKEND = "mutant"
EXAMPLES = 20
TIES = ("abs", "clip", "maximum", "minimum", "max", "min")

Gradients: TypeAlias = tuple[Array | None, ...]
Check: TypeAlias = Callable[[], None]

MUTANTS: list[Mutant] = []
"""All of them, in the order of their files."""


@dataclass(frozen=True)
class Mutant:
    """A planted mistake.

    Attributes:
        op: the operation.
        name: of the function that makes the mistake.
        mistake: what is wrong, in a few words: its docstring.
        plant: the operation is wrong inside this context.
        prepare: called while all is right; returns the check to run while the mistake is planted.
    """

    op: str
    name: str
    mistake: str
    plant: Callable[[], AbstractContextManager[Any]]
    prepare: Callable[[], Check]


@dataclass(frozen=True)
class Kill:
    """Which check noticed a mutant, and its report.

    Attributes:
        check: "gradient" (against slopes), "definition" (elementwise against `loops` or NumPy), "contract" (shapes, element
            types, missing gradients, edits in place), or "" if none did.
    """

    mutant: Mutant
    check: str
    report: str


def run(mutant: Mutant) -> Kill:
    """Plant a mistake, and see whether it is noticed."""
    check = mutant.prepare()
    try:
        with _unheard(), mutant.plant():
            check()
    except GradcheckError as error:
        return Kill(mutant, _which_check(error.message), error.message)
    return Kill(mutant, "", "")


@contextmanager
def _unheard() -> Iterator[None]:
    """Checks that are meant to fail stay out of the table of checks."""
    heard = listeners.copy()
    listeners.clear()
    try:
        yield
    finally:
        listeners.extend(heard)


def _which_check(report: str) -> str:
    if "differs from the definition" in report:
        return "definition"
    return "gradient" if "analytic" in report else "contract"


def mistake(wrong: Callable[..., Any]) -> str:
    """What a mutant does wrong: its docstring, without the full stop."""
    text = wrong.__doc__ or ""
    return text[:1].lower() + text[1:].rstrip(".")


# Mutants of kernels


def wrong_forward(op: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a forward kernel that is wrong."""

    def enter(forward: Callable[..., Any]) -> Callable[..., Any]:
        _enter_kernel(op, forward, forward, None)
        return forward

    return enter


def wrong_backward(op: str) -> Callable[[Callable[..., Gradients]], Callable[..., Gradients]]:
    """Enter a backward kernel that is wrong. Its `saved` is (arrays, attributes), the arguments of the forward."""

    def enter(backward: Callable[..., Gradients]) -> Callable[..., Gradients]:
        _enter_kernel(op, backward, None, backward)
        return backward

    return enter


def wrong_pair(op: str) -> Callable[[Callable[[], tuple[Any, Any]]], Callable[[], tuple[Any, Any]]]:
    """Enter a forward and a backward that are wrong in the same way, so that the gradient is right. Called once."""

    def enter(pair: Callable[[], tuple[Any, Any]]) -> Callable[[], tuple[Any, Any]]:
        _enter_kernel(op, pair, *pair())
        return pair

    return enter


def right_forward(op: str, *arrays: Array | None, **attributes: Any) -> tuple[Any, Saved]:
    """The forward of `array/`."""
    return kernels.find(op, ["array"]).forward(*arrays, **attributes)


def right_backward(op: str, dy: Array, saved: Saved, needs: Needs, **changed: Any) -> Gradients:
    """The backward of `array/` from the arguments of the forward, of which some may be changed."""
    arrays, attributes = saved
    kernel = kernels.find(op, ["array"])
    _, saved = kernel.forward(*arrays, **{**attributes, **changed})
    return kernel.backward(dy, saved, needs=needs)


def scaled(gradients: Gradients, number: int, factor: float) -> Gradients:
    """The gradients, one of them times a factor."""
    return replaced(gradients, number, lambda gradient: gradient * gradient.dtype.type(factor))


def replaced(gradients: Gradients, number: int, change: Callable[[Array], Array]) -> Gradients:
    """The gradients, one of them changed."""
    return tuple(change(g) if i == number and g is not None else g for i, g in enumerate(gradients))


def _enter_kernel(op: str, wrong: Callable[..., Any], forward: Any, backward: Any) -> None:
    @contextmanager
    def plant() -> Iterator[None]:
        kernels.register(op, forward=forward, backward=backward, backend=BACKEND)
        try:
            yield
        finally:
            kernels.unregister(BACKEND)

    def check() -> None:
        planted = BACKEND in kernels.registered_backends()
        check_kernel(op, backend=BACKEND if planted else "numpy", examples=EXAMPLES)

    MUTANTS.append(Mutant(op, wrong.__name__, mistake(wrong), plant, lambda: check))


# Mutants of operations without kernels


def wrong_method(
    op: str, owner: Any, method: str, check: Check | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a method that is wrong, or a function of a module, to replace the right one; and what checks it, if special."""

    def prepare() -> Check:
        return check or _operation_check(op)

    def enter(wrong: Callable[..., Any]) -> Callable[..., Any]:
        MUTANTS.append(Mutant(op, wrong.__name__, mistake(wrong), lambda: patch.object(owner, method, wrong), prepare))
        return wrong

    return enter


def _operation_check(op: str) -> Check:
    """Compares results with those of now, and checks the gradients."""
    cases = [CASES[op](RandomDraw(seed)) for seed in range(EXAMPLES)]
    cases += [rounded(case) for case in cases if op in TIES]
    expected = [_result(case) for case in cases]

    def check() -> None:
        for case, y in zip(cases, expected, strict=True):
            compare(f"{op}: y", _result(case), y)
            gradcheck(case.function, case.inputs, name=op)

    return check


def _result(case: Any) -> Array:
    return case.function(*(None if x is None else as_tensor(x) for x in case.inputs.values())).numpy()


def compare(name: str, given: Array, expected: Array) -> None:
    """Element by element.

    Raises:
        GradcheckError: they differ.
    """
    if given.shape != expected.shape:
        raise GradcheckError(f"{name} has shape {given.shape}, but should have {expected.shape}")
    wrong = ~np.isclose(given, expected, rtol=1e-6, atol=1e-9)
    if wrong.any():
        mismatch = Mismatch(name, given, expected, wrong, ("given", "expected"))
        raise GradcheckError("\n".join([*mismatch.lines(likely_cause(mismatch)), "  the result differs from the definition"]))
