"""Is an assignment sound? Its solution must earn all points, and nothing else may."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from minicnn.course.assignment import MUTANTS, Assignment, SourceCell
from minicnn.course.questions import Question
from minicnn.course.release import notebook
from minicnn.course.submission import Submission, cell
from minicnn.course.verdict import Verdict, answer_cells, judge
from minicnn.errors import ArgumentError


@dataclass(frozen=True)
class Mutant:
    """A wrong answer: the solution with one passage changed.

    Attributes:
        name: what is wrong.
        question: which must notice.
        old, new: the passage, which the solution of that question has exactly once, and what stands there instead.
    """

    name: str
    question: str
    old: str
    new: str

    def applied(self, cell: SourceCell) -> str:
        """The text of a cell with this mistake in it."""
        return cell.source.replace(self.old, self.new) if cell.question == self.question else cell.source


@dataclass(frozen=True)
class Row:
    """One try: what was handed in, the points of each question, and what is wrong with that."""

    what: str
    points: Sequence[tuple[str, float, float]]
    fault: str = ""


def load_mutants(assignment: Assignment) -> list[Mutant]:
    """The wrong answers of an assignment.

    Raises:
        ArgumentError: the file is missing or damaged, a question has none, or a passage does not occur exactly once.
    """
    path = assignment.folder / MUTANTS
    try:
        found = [Mutant(**entry) for entry in tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]]
    except OSError as error:
        raise ArgumentError(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise ArgumentError(f"{path} must have tables [[mutant]] with name, question, old and new: {error}") from None
    for mutant in found:
        assignment.question(mutant.question)
        count = sum(each.source.count(mutant.old) for each in _cells_of(assignment, mutant.question))
        if any(not _is_python(mutant.applied(each)) for each in _cells_of(assignment, mutant.question)):
            raise ArgumentError(f"{path}: {mutant.name!r} is no Python any more: anybody would notice that")
        if count != 1:
            raise ArgumentError(f"{path}: {mutant.name!r}: the solution of {mutant.question} has {mutant.old!r} {count} times, and must have it once")
    if without := [question.name for question in assignment.questions if question.name not in {mutant.question for mutant in found}]:
        raise ArgumentError(f"{path} has no wrong answer to {', '.join(without)}")
    return found


def try_out(assignment: Assignment, kernel: Callable[[bytes, Path], str] | None = None) -> Iterator[Row]:
    """Hand in the solution, the untouched release, each question's solution by itself, and every wrong answer.

    Args:
        kernel: runs a notebook from top to bottom, in a folder like that of the assignment; returns what went wrong, or "". None leaves that out.
    """
    mutants = load_mutants(assignment)
    if kernel is not None:
        yield Row("the solution in a kernel", (), kernel(notebook(assignment, solution=True), assignment.folder))
    judged = Judged(assignment)
    whole = judged(lambda each: each.source)
    yield Row("the solution", _points(whole), _expect(whole, {q.name for q in assignment.questions}))
    empty = judged(lambda each: each.released)
    yield Row("the release, untouched", _points(empty), _expect(empty, set()))
    for question in assignment.questions:
        alone = judged(partial(_solved, question.name))
        yield Row(f"only {question.name} solved", _points(alone), _expect(alone, {question.name}))
    everything = {question.name for question in assignment.questions}
    for mutant in mutants:
        changed = judged(mutant.applied)
        yield Row(f"{mutant.question}: {mutant.name}", _points(changed), _expect_mutant(changed, mutant, everything))


def _solved(question: str, cell: SourceCell) -> str:
    return cell.source if cell.question == question else cell.released


def _is_python(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def _cells_of(assignment: Assignment, question: str) -> list[SourceCell]:
    return [each for each in assignment.cells if each.question == question]


class Judged:
    """Hands in variants of an assignment. What one question gets to see decides on its verdict, so that the same is not judged twice."""

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment
        self.known: dict[tuple[str, tuple[tuple[str, str], ...]], Verdict] = {}

    def __call__(self, text: Callable[[SourceCell], str]) -> list[Verdict]:
        """The verdicts on the cells with these texts."""
        cells = [cell(f"cell {each.number}", text(each)) for each in self.assignment.cells if each.kind != "text"]
        submission = Submission(Path(f"{self.assignment.name}.ipynb"), cells)
        return [self._one(question, submission) for question in self.assignment.questions]

    def _one(self, question: Question, submission: Submission) -> Verdict:
        key = question.name, tuple(answer_cells(question, submission, self.assignment.questions))
        if key not in self.known:
            self.known[key] = judge(question, submission, self.assignment.questions)
        return self.known[key]


def _points(verdicts: Sequence[Verdict]) -> list[tuple[str, float, float]]:
    return [(verdict.question, verdict.earned, verdict.points) for verdict in verdicts]


def _expect(verdicts: Sequence[Verdict], solved: set[str]) -> str:
    """Questions that are solved must earn all points, the others none at all."""
    wrong = []
    for verdict in verdicts:
        for result in verdict.results:
            if verdict.question in solved and result.message:
                wrong.append(f"{verdict.question}, {result.title}: {result.message}")
            if verdict.question not in solved and not result.message:
                wrong.append(f"{verdict.question}, {result.title}: holds, though nothing is written")
    return "\n".join(wrong)


def _expect_mutant(verdicts: Sequence[Verdict], mutant: Mutant, everything: set[str]) -> str:
    (own,) = (verdict for verdict in verdicts if verdict.question == mutant.question)
    others = [verdict for verdict in verdicts if verdict is not own]
    missed = "nobody has noticed it" if own.earned == own.points else ""
    return "\n".join(filter(None, [missed, _expect(others, everything - {mutant.question})]))
