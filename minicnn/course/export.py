"""Assignments for nbgrader, and grades for Gradescope.

nbgrader runs the student's notebook and its test cells in one kernel. The test cells that are exported here hand what has been run in it to the checks of minicnn, which
run it in a process of its own: the verdict is the same as that of `minicnn course grade`, but an answer shares the kernel with the tests, and can read them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minicnn.course.assignment import Assignment, SourceCell
from minicnn.course.feedback import file_name
from minicnn.course.grade import Graded
from minicnn.course.release import KERNEL, identity
from minicnn.io.atomic import write_atomically

SCHEMA = 3  # of nbgrader's metadata


def nbgrader_source(assignment: Assignment) -> bytes:
    """The notebook for nbgrader's folder `source/NAME`, with the answers between its marks and a test cell for each check."""
    cells: list[dict[str, Any]] = []
    last = {question.name: max(each.number for each in assignment.cells if each.question == question.name) for question in assignment.questions}
    for each in assignment.cells:
        cells.append(_source_cell(assignment.name, each))
        if each.question and each.number == last[each.question]:
            cells += _test_cells(assignment, each.question)
    book = {"cells": cells, "metadata": {"kernelspec": KERNEL}, "nbformat": 4, "nbformat_minor": 5}
    return (json.dumps(book, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def _source_cell(name: str, each: SourceCell) -> dict[str, Any]:
    made = _new_cell(identity(name, each.number), "markdown" if each.kind == "text" else "code", each.marked)
    if each.kind == "question":
        made["metadata"]["nbgrader"] = _metadata(f"{each.question}-{each.number}", solution=True)
    return made


def _test_cells(assignment: Assignment, question: str) -> list[dict[str, Any]]:
    tests = []
    for number, check in enumerate(assignment.question(question).checks, 1):
        source = f"# {check.title}\nfrom minicnn.course.notebook import check_in_notebook\n\ncheck_in_notebook({question!r}, {check.title!r})"
        test = _new_cell(identity(f"{assignment.name}/{question}", number), "code", source)
        test["metadata"]["nbgrader"] = {**_metadata(f"{question}-test-{number}", grade=True), "points": check.points}
        tests.append(test)
    return tests


def _new_cell(name: str, kind: str, source: str) -> dict[str, Any]:
    made: dict[str, Any] = {"id": name, "cell_type": kind, "metadata": {}, "source": source.splitlines(keepends=True)}
    return {**made, "execution_count": None, "outputs": []} if kind == "code" else made


def _metadata(grade_id: str, *, grade: bool = False, solution: bool = False) -> dict[str, Any]:
    return {"grade": grade, "grade_id": grade_id, "locked": grade, "schema_version": SCHEMA, "solution": solution, "task": False}


def gradescope(graded: Graded) -> dict[str, Any]:
    """The results of a student in the form of Gradescope's `results.json`."""
    tests = [
        {"name": f"{verdict.question}: {result.title}", "score": result.earned, "max_score": result.points, "status": "failed" if result.message else "passed", "output": result.message}
        for verdict in graded.verdicts
        for result in verdict.results
    ]
    return {"score": graded.earned, "output": "\n".join(graded.notes), "output_format": "text", "stdout_visibility": "hidden", "tests": tests}


def write_gradescope(graded: Sequence[Graded], folder: Path) -> None:
    """A file for each student.

    Raises:
        CheckpointError: one cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for each in graded:
        write_atomically(folder / f"{file_name(each.student)}.json", "results", [json.dumps(gradescope(each), indent=1).encode()])
