"""A mutant: an operation with one classic mistake planted in it, and the check that should notice.

To add one, write the wrong function in the file of its family, with a docstring that says what is wrong, and enter it in
the list at the end of that file:

    def sign_flipped(dy: Array, saved: Saved, *, needs: Needs) -> Gradients:
        '''The sign is flipped.'''
        return right_backward("l1_loss", -dy, saved, needs)

    MUTANTS = [Mutant("l1_loss", backward=sign_flipped)]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from minicnn import kernels
from minicnn.autograd import Function
from minicnn.nn import BatchNorm2d
from minicnn.testing.gradcheck import listeners
from minicnn.testing.kernel_check import check_kernel
from minicnn.testing.mutants.checks import EXAMPLES, check_function, check_running_statistics
from minicnn.testing.report import GradcheckError

BACKEND = "mutant"


@dataclass(frozen=True)
class Mutant:
    """A planted mistake.

    Attributes:
        op: the operation.
        forward, backward: a kernel that is wrong, as a student would register it. What is not given is right. A backward
            alone is given `saved = (arrays, attributes)`, the arguments of the forward.
        function: of an operation without kernels, the node with a wrong method: a subclass of the right one.
        layer: a `BatchNorm2d` whose running statistics are wrong.
        constant: added to the result of `function`: a mistake should not hide behind it.
    """

    op: str
    forward: Callable[..., Any] | None = None
    backward: Callable[..., Any] | None = None
    function: type[Function] | None = None
    layer: type[BatchNorm2d] | None = None
    constant: float = 0.0

    @property
    def name(self) -> str:
        """The name of what is wrong."""
        return self._wrong.__name__

    @property
    def mistake(self) -> str:
        """What is wrong, in a few words: its docstring."""
        text = self._wrong.__doc__ or ""
        return text[:1].lower() + text[1:].rstrip(".")

    @property
    def _wrong(self) -> Any:
        return self.forward or self.backward or self.function or self.layer


@dataclass(frozen=True)
class Kill:
    """Which check noticed a mutant, and its report.

    Attributes:
        check: "gradient" (against slopes), "definition" (elementwise against `loops` or NumPy), "float32" (against
            float64), "contract" (shapes, element types, missing gradients, edits in place), or "" if none did.
    """

    mutant: Mutant
    check: str
    report: str


def run(mutant: Mutant) -> Kill:
    """Plant a mistake, and see whether it is noticed."""
    try:
        with unheard():
            check(mutant)
    except GradcheckError as error:
        return Kill(mutant, _which_check(error.message), error.message)
    return Kill(mutant, "", "")


def check(mutant: Mutant) -> None:
    """Check the operation while the mutant stands in its place.

    Raises:
        GradcheckError: the mistake is noticed.
    """
    if mutant.layer is not None:
        check_running_statistics(mutant.layer)
    elif mutant.function is not None:
        check_function(mutant.op, mutant.function, mutant.constant)
    else:
        kernels.register(mutant.op, forward=mutant.forward, backward=mutant.backward, backend=BACKEND)
        try:
            check_kernel(mutant.op, backend=BACKEND, examples=EXAMPLES)
        finally:
            kernels.unregister(BACKEND)


@contextmanager
def unheard() -> Iterator[None]:
    """Checks that are meant to fail stay out of the table of checks."""
    heard = listeners.copy()
    listeners.clear()
    try:
        yield
    finally:
        listeners.extend(heard)


def _which_check(report: str) -> str:
    words = {"differs from the definition": "definition", ": in float32 ": "float32", ": analytic ": "gradient"}
    return next((check for text, check in words.items() if text in report), "contract")
