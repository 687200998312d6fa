"""One question of one submission: run its checks, and say what came out."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from minicnn.course.questions import Check, Question, WrongAnswer
from minicnn.course.sandbox.student import Limits, Student, StudentError
from minicnn.course.submission import Submission, clean

PUBLIC = "at home"  # the seed that everybody knows
LONGEST = 4000  # characters of a message
MOST_NAMES = 200  # among which one looks for a function that was renamed
LATER = 10.0  # seconds for what comes after a check that took too long


@dataclass(frozen=True)
class Result:
    """What one check found. `message` is empty if it holds."""

    title: str
    points: float
    message: str = ""

    @property
    def earned(self) -> float:
        """All of its points, or none."""
        return 0.0 if self.message else self.points


@dataclass(frozen=True)
class Verdict:
    """What all checks of a question found, and what the code has printed meanwhile."""

    question: str
    results: Sequence[Result]
    printed: str = ""

    @property
    def earned(self) -> float:
        """The points of the checks that hold."""
        return sum(result.earned for result in self.results)

    @property
    def points(self) -> float:
        """All that could be had."""
        return sum(result.points for result in self.results)


def judge(question: Question, submission: Submission, questions: Sequence[Question], seed: str = PUBLIC) -> Verdict:
    """Run the checks of a question on what a student has handed in.

    The code runs in a process of its own (`sandbox`); after a check in which it ended, or took too long, the next check gets a new one, and less time.

    Args:
        questions: all of the assignment, so that their answers stay away from this one.
        seed: of the random numbers; the same gives the same verdict.
    """
    cells = answer_cells(question, submission, questions)
    results: list[Result] = []
    printed: list[str] = []
    student: Student | None = None
    limits, broken = question.limits, ""
    try:
        for check in question.checks:
            try:
                student = student or (None if broken else start(question, cells, submission.path.name, limits))
            except StudentError as error:  # it has not come through its cells, and would not the next time
                broken = str(error)
            message = broken if student is None else run(check, student, np.random.default_rng(_number(seed, question.name, check.title)))
            results.append(Result(check.title, check.points, clean(message + _renamed(message, submission, questions))[:LONGEST]))
            if student is not None and student.ended:
                limits = replace(limits, seconds=min(limits.seconds, LATER)) if student.late else limits
                student.close()
                printed.append(student.printed)
                student = None
    finally:
        if student is not None:
            student.close()
            printed.append(student.printed)
    return Verdict(question.name, results, clean("".join(printed))[:LONGEST])


def _renamed(message: str, submission: Submission, questions: Sequence[Question]) -> str:
    """A guess at where something is that is not there."""
    missing = re.search(r"there is no (\w{1,60})\b", message[:200])
    asked = {name for question in questions for name in question.asks}
    names = [name for cell in submission.cells for name in cell.defines if name not in asked and len(name) <= 60][:MOST_NAMES]
    near = difflib.get_close_matches(missing[1], names, 1, 0.7) if missing else []
    return f"; there is {near[0]}: has it been renamed?" if near else ""


def answer_cells(question: Question, submission: Submission, questions: Sequence[Question]) -> list[tuple[str, str]]:
    """What the process of a question runs: its cells, and definitions from cells that belong to none of the others."""
    names = {name for other in questions if other is not question for name in other.asks} - set(question.asks)
    return submission.answer(question.asks, names)


def start(question: Question, cells: Sequence[tuple[str, str]], file: str, limits: Limits) -> Student:
    """The process in which an answer runs."""
    given = [("given", "import numpy as np"), *([("given", question.given)] if question.given else [])]
    return Student(cells, file=file, provided=given, limits=limits, objects=question.objects)


def run(check: Check, student: Student, rng: np.random.Generator) -> str:
    """One check: what is wrong, or "". What the student's values do to it is the student's fault."""
    try:
        check.function(student, rng)
    except (WrongAnswer, StudentError) as error:
        return str(error) or "the check does not hold"
    except Exception as error:  # noqa: BLE001 - a text where an array was expected, and the like
        return f"what your code returns cannot be checked: {type(error).__name__}: {error}"
    return ""


def _number(*parts: str) -> int:
    return int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:8], "big")
