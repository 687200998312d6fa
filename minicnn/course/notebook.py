"""For cells of a notebook: is my answer right?

    from minicnn.course.notebook import check

    check("conv-forward")
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from minicnn.course.assignment import CHECKS
from minicnn.course.questions import load_questions
from minicnn.course.submission import Cell, Submission, cell
from minicnn.course.verdict import Verdict, answer_cells, judge
from minicnn.errors import ArgumentError, nearest

FILE = "notebook"  # what it is called in messages: a kernel does not know

_known: dict[tuple[str, tuple[tuple[str, str], ...]], Verdict] = {}  # the last one: nbgrader asks for every check by itself


def check(question: str) -> None:
    """Print what the checks of a question find in the cells that this notebook has run; a cell that was run twice counts as it was the last time.

    The verdict is that of `pytest --gradcheck`. The file checks.py must lie beside the notebook, as it was handed out.

    Args:
        question: its name, which stands in the cell under the answer.

    Raises:
        ArgumentError: there is no such question, or no checks.py, or this is no notebook.
    """
    print(in_words(_judged(_history(), question, Path(CHECKS))))  # noqa: T201 - in a notebook that is where one looks


def check_in_notebook(question: str, title: str, history: Sequence[str] | None = None, checks: str = CHECKS) -> None:
    """Called in a test cell of nbgrader: does a check hold for what the notebook has run so far?

    Args:
        question, title: the names of the question and of the check.
        history: the cells that were run; by default those of this notebook.
        checks: the file with the questions.

    Raises:
        AssertionError: no; says what is wrong.
        ArgumentError: there is no such question or check.
    """
    found = {result.title: result.message for result in _judged(_history() if history is None else history, question, Path(checks)).results}
    if title not in found:
        raise ArgumentError(f"{checks} has no check {title!r} of the question {question!r}: notebook and checks must come from the same export")
    if found[title]:
        raise AssertionError(found[title])


def _judged(history: Sequence[str], name: str, checks: Path) -> Verdict:
    questions = load_questions(checks)
    named = {question.name: question for question in questions}
    if name not in named:
        raise ArgumentError(f"{checks} has no question {name!r}: {nearest(name, named)}")
    cells = latest([cell(f"[{number}]", source) for number, source in enumerate(history) if source.strip()])
    submission = Submission(Path(FILE), cells)
    key = name, tuple(answer_cells(named[name], submission, questions))
    if key not in _known:
        _known.clear()
        _known[key] = judge(named[name], submission, questions)
    return _known[key]


def latest(cells: Sequence[Cell]) -> list[Cell]:
    """Without cells all of whose names are defined by later ones again."""
    kept: list[Cell] = []
    known: set[str] = set()
    for each in reversed(cells):
        if not each.defines or not known.issuperset(each.defines):
            kept.append(each)
        known.update(each.defines)
    return kept[::-1]


def in_words(verdict: Verdict) -> str:
    """The points of a question, and what each check has found."""
    lines = [f"{verdict.question}: {verdict.earned:g} of {verdict.points:g} points"]
    for result in verdict.results:
        lines.append(f"  {'not yet' if result.message else 'right'}: {result.title} ({result.earned:g} of {result.points:g})")
        lines += [f"      {line}" for line in result.message.splitlines()]
    if printed := verdict.printed.strip():
        lines += ["  your code printed:", *(f"      {line}" for line in printed.splitlines())]
    return "\n".join(lines)


def _history() -> list[str]:
    """The cells that were run, by their numbers in brackets."""
    try:
        from IPython import get_ipython  # type: ignore[import-not-found, attr-defined, unused-ignore]
    except ImportError:
        shell = None
    else:
        shell = get_ipython()  # type: ignore[no-untyped-call, unused-ignore]
    if shell is None:
        raise ArgumentError("check() is for the cells of a notebook; what a file has in it, `pytest --gradcheck FILE` checks")
    return list(shell.history_manager.input_hist_raw)
