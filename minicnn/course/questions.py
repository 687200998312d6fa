"""What is asked in an assignment, and how an answer is checked.

The file `checks.py` of an assignment has its questions, and under each what must hold:

    linear = Question("linear", asks=("linear_forward", "linear_backward"))

    @linear.check("the product", points=1)
    def _(student, rng):
        x, w = rng.standard_normal((3, 4)), rng.standard_normal((5, 4))
        equal(student.linear_forward(x, w)[0], x @ w.T, "linear_forward(x, w)")

A check is given the code of the student, whose functions it calls in another process, and a generator of random numbers with a seed of its own: at home always the same, in
grading one that nobody has seen.
"""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.course.sandbox.student import Limits, Student
from minicnn.errors import ArgumentError, MinicnnError

CheckFunction = Callable[..., None]


class WrongAnswer(MinicnnError, AssertionError):
    """What is wrong with an answer, in words for its author."""


@dataclass(frozen=True)
class Check:
    """One thing that must hold.

    Attributes:
        title: what, in a few words.
        points: what it is worth.
        function: `function(student, rng)`; raises if it does not hold.
    """

    title: str
    points: float
    function: CheckFunction


@dataclass
class Question:
    """What is to be written, and what must hold of it.

    Args:
        name: short and without spaces: the cells of the notebook say it, too.
        asks: names of the functions and classes that are to be written.
        given: Python text that is run before the answer: what earlier questions ask for, from minicnn itself, so that no answer needs another.
        limits: what the answer may take.
        objects: the answer is a class, and its objects may be looked into. Otherwise they can only be handed back to it: an object may claim to be equal to everything.
    """

    name: str
    asks: Sequence[str]
    given: str = ""
    limits: Limits = field(default_factory=Limits)
    objects: bool = False
    checks: list[Check] = field(default_factory=list)

    @property
    def points(self) -> float:
        """All that can be had."""
        return sum(check.points for check in self.checks)

    def check(self, title: str, *, points: float = 1) -> Callable[[CheckFunction], CheckFunction]:
        """Enter a function as a check."""
        if points <= 0:
            raise ArgumentError(f"question {self.name}: the check {title!r} must be worth something, not {points!r} points")
        if title in (check.title for check in self.checks):
            raise ArgumentError(f"question {self.name}: two checks are called {title!r}")

        def enter(function: CheckFunction) -> CheckFunction:
            if len(inspect.signature(function).parameters) != 2:
                raise ArgumentError(f"question {self.name}: the check {title!r} must take two arguments, the student and rng")
            self.checks.append(Check(title, points, function))
            return function

        return enter


def load_questions(path: Path) -> list[Question]:
    """The questions in a file `checks.py`, in order.

    Raises:
        ArgumentError: there is no such file, it does not run, or it has no questions, or one without checks, or two of one name.
    """
    if not path.is_file():
        raise ArgumentError(f"there is no {path}: an assignment has its questions there")
    spec = importlib.util.spec_from_file_location(f"minicnn_checks_of_{path.parent.name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except MinicnnError:
        raise
    except Exception as error:
        raise ArgumentError(f"{path} does not run: {type(error).__name__}: {error}") from error
    questions = [value for value in vars(module).values() if isinstance(value, Question)]
    names = [question.name for question in questions]
    for question in questions:
        if names.count(question.name) > 1:
            raise ArgumentError(f"{path}: two questions are called {question.name!r}")
        if taken := sorted(name for name in question.asks if name.startswith("_") or hasattr(Student, name)):
            raise ArgumentError(f"{path}: the question {question.name!r} asks for {', '.join(taken)}, which checks cannot call: choose another name")
        if not question.checks:
            raise ArgumentError(f"{path}: the question {question.name!r} has no checks: nothing could be wrong with its answer")
    if not questions:
        raise ArgumentError(f"{path} has no questions")
    return questions


# For the checks


def equal(found: Any, right: Any, what: str, *, rtol: float = 1e-7, atol: float = 1e-9, hint: str = "") -> None:
    """Is an array, or a number, the right one?

    Args:
        found: of the student.
        right: the right one; its shape counts, too.
        what: the expression, for the message.
        hint: said if it is wrong.

    Raises:
        WrongAnswer: no; says where and how far.
    """
    more = f"; {hint}" if hint else ""
    if not isinstance(found, (int, float, complex, np.ndarray, np.generic)):
        raise WrongAnswer(f"{what} must be {_kind(right)}, and is {'None: is a return missing?' if found is None else f'a {type(found).__name__}'}{more}")
    a, b = np.asarray(found), np.asarray(right)
    if a.shape != b.shape:
        raise WrongAnswer(f"{what} has shape {a.shape}, and should have {b.shape}{more}")
    off = ~np.isclose(a, b, rtol=rtol, atol=atol, equal_nan=True)
    if off.any():
        where = tuple(int(i) for i in np.argwhere(off)[0]) if a.ndim else ()
        place = f"{what}{list(where)}" if where else what
        count = f" ({int(off.sum())} of {off.size} elements are wrong)" if a.ndim else ""
        raise WrongAnswer(f"{place} is {a[where]:.6g}, and should be {b[where]:.6g}{count}{more}")


def _kind(right: Any) -> str:
    return f"an array of shape {np.shape(right)}" if np.ndim(right) else "a number"


def holds(condition: bool, sentence: str) -> None:
    """Raise `WrongAnswer(sentence)` unless the condition is true: True, or NumPy's."""
    if not (isinstance(condition, (bool, np.bool_)) and condition):
        raise WrongAnswer(sentence)


def raises(call: Callable[[], Any], kind: str, sentence: str) -> None:
    """Does a call raise an exception of the class called `kind`? If not, `WrongAnswer(sentence)`."""
    from minicnn.course.sandbox.student import StudentError

    try:
        call()
    except StudentError as error:
        if error.kind == kind:
            return
        raise
    raise WrongAnswer(sentence)
