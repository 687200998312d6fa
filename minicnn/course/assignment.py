"""An assignment: a folder with a notebook as a Python file, its solution in it, and the checks.

    a2.py           cells in the "percent" format, which jupytext turns into a notebook; solutions between ### BEGIN SOLUTION and ### END SOLUTION, in CUDA between // BEGIN SOLUTION and // END SOLUTION
    checks.py       the questions, and what must hold (see `questions`)
    mutants.toml    wrong answers, and the question that each of them must fail
    *.png           pictures that the text shows

A code cell is one of three: `# %% question="name"` has an answer in it; `# %% tags=["provided"]` is needed by what follows; every other one is there to be run and looked at.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minicnn.course.questions import Question, load_questions
from minicnn.course.submission import cell as code_cell
from minicnn.errors import ArgumentError, install

SOLUTION = re.compile(r"^(?P<indent>[ \t]*)(?P<comment>###|//) BEGIN SOLUTION[ \t]*\n(?P<body>.*?)^[ \t]*(?P=comment) END SOLUTION[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
MARK = re.compile(r"^[ \t]*(?:###|//) (?:BEGIN|END) SOLUTION[ \t]*\n?", re.MULTILINE)
TO_WRITE = {
    "###": "{indent}# YOUR CODE HERE\n{indent}raise NotImplementedError\n",
    "//": '{indent}#error "not written yet: YOUR CODE HERE"\n',  # a C++ compiler says so, and stops
}
CHECKS, MUTANTS = "checks.py", "mutants.toml"


@dataclass(frozen=True)
class SourceCell:
    """A cell of the source.

    Attributes:
        kind: "text", "provided", "question" or "run".
        question: whose answer it holds.
        source: with the solution.
        released: without.
        marked: as it stands in the file, with the marks around the solution.
        number: its place, from 1, among all cells.
    """

    kind: str
    question: str
    source: str
    released: str
    marked: str
    number: int


@dataclass(frozen=True)
class Assignment:
    """What is in the folder."""

    folder: Path
    cells: Sequence[SourceCell]
    questions: Sequence[Question]

    @property
    def name(self) -> str:
        """That of the folder."""
        return self.folder.name

    @property
    def title(self) -> str:
        """The first heading of the text."""
        for cell in self.cells:
            if cell.kind == "text" and (found := re.search(r"^# (.+)$", cell.source, re.MULTILINE)):
                return found[1].strip()
        return self.name

    @property
    def headings(self) -> dict[str, str]:
        """By question, the heading above its first cell; its name where there is none."""
        found: dict[str, str] = {}
        heading = ""
        for cell in self.cells:
            if cell.kind == "text" and (lines := re.findall(r"^#+ (.+)$", cell.source, re.MULTILINE)):
                heading = lines[-1].strip()
            elif cell.question and cell.question not in found:
                found[cell.question], heading = heading or cell.question, ""
        return found

    @property
    def points(self) -> float:
        """All that can be had."""
        return sum(question.points for question in self.questions)

    def question(self, name: str) -> Question:
        """The question called `name`.

        Raises:
            ArgumentError: there is none.
        """
        for question in self.questions:
            if question.name == name:
                return question
        raise ArgumentError(f"{self.name} has no question {name!r}: it has {', '.join(q.name for q in self.questions)}")


def load_assignment(folder: str | Path) -> Assignment:
    """Read the folder of an assignment.

    Raises:
        ArgumentError: something is missing, or text and checks do not fit: a question without a cell or the other way round, a name that is asked for and not defined, a
            solution outside a question, a mark without its partner.
    """
    folder = Path(folder).resolve()
    source = folder / f"{folder.name}.py"
    if not source.is_file():
        raise ArgumentError(f"{folder} is no assignment: it has no {source.name}")
    questions = load_questions(folder / CHECKS)
    cells = [_cell(each, number, source) for number, each in enumerate(_notebook(source.read_text(encoding="utf-8")), 1)]
    _compare(source, cells, questions)
    return Assignment(folder, cells, questions)


def _notebook(text: str) -> list[Any]:
    try:
        import jupytext  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        raise ArgumentError(f"notebooks are made by jupytext, which is not installed: {install('assignments')}") from None
    return [cell for cell in jupytext.reads(text, fmt="py:percent").cells if cell.source.strip()]


def _cell(cell: Any, number: int, source: Path) -> SourceCell:
    text, question, tags = str(cell.source), str(cell.metadata.get("question", "")), cell.metadata.get("tags", [])
    if cell.cell_type != "code":
        return SourceCell("text", "", text, text, text, number)
    kind = "question" if question else "provided" if "provided" in tags else "run"
    released, count = SOLUTION.subn(lambda found: TO_WRITE[found["comment"]].format(indent=found["indent"]), text + "\n")
    where = f"{source}, cell {number}"
    if MARK.search(released):
        raise ArgumentError(f"{where}: a mark ### BEGIN SOLUTION or ### END SOLUTION has no partner")
    if count and kind != "question":
        raise ArgumentError(f'{where} has a solution in it and belongs to no question: # %% question="name"')
    if kind == "question" and not count:
        raise ArgumentError(f"{where} belongs to question {question!r} and has nothing to write: ### BEGIN SOLUTION ... ### END SOLUTION")
    return SourceCell(kind, question, MARK.sub("", text), released.rstrip("\n"), text, number)


def _compare(source: Path, cells: Sequence[SourceCell], questions: Sequence[Question]) -> None:
    in_text, in_checks = list(dict.fromkeys(cell.question for cell in cells if cell.question)), [question.name for question in questions]
    if in_text != in_checks:
        raise ArgumentError(f"{source} has the questions {', '.join(in_text) or 'none'}, and {CHECKS} has {', '.join(in_checks)}: the same are needed, in the same order")
    for question in questions:
        defined = {name for cell in cells if cell.question == question.name for name in code_cell("", cell.released).defines}
        if missing := [name for name in question.asks if name not in defined]:
            raise ArgumentError(f"{source}: question {question.name!r} asks for {', '.join(missing)}, which no cell of it defines")
