"""Notebooks made from the source of an assignment: the one that students get, and the one with the answers."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from minicnn.course.assignment import CHECKS, Assignment, SourceCell
from minicnn.io.atomic import write_atomically

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
PICTURES = (".png", ".svg", ".jpg", ".gif")


def notebook(assignment: Assignment, *, solution: bool = False) -> bytes:
    """The notebook as a file, the same bytes for the same source: identities of cells come from their place, there are no outputs, and nothing of the author's computer.

    Under the last cell of each question comes one that checks the answer.
    """
    last = {cell.question: cell.number for cell in assignment.cells if cell.question}
    cells: list[dict[str, Any]] = []
    for cell in assignment.cells:
        cells.append(_cell(assignment.name, cell, solution))
        if last.get(cell.question) == cell.number:
            cells.append(_code(identity(f"{assignment.name}/check", cell.number), f'from minicnn.course.notebook import check\n\ncheck("{cell.question}")', {"tags": ["check"]}))
    metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}, "minicnn": {"assignment": assignment.name}}
    contents = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return (json.dumps(contents, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def _cell(name: str, cell: SourceCell, solution: bool) -> dict[str, Any]:
    text, name = (cell.source if solution else cell.released).strip("\n"), identity(name, cell.number)
    if cell.kind == "text":
        return {"id": name, "cell_type": "markdown", "metadata": {}, "source": text.splitlines(keepends=True)}
    marks: dict[str, dict[str, Any]] = {"question": {"minicnn": {"question": cell.question}}, "provided": {"tags": ["provided"]}}
    return _code(name, text, marks.get(cell.kind, {}))


def _code(name: str, text: str, metadata: dict[str, Any]) -> dict[str, Any]:
    return {"id": name, "cell_type": "code", "metadata": metadata, "source": text.splitlines(keepends=True), "execution_count": None, "outputs": []}


def identity(name: str, number: int) -> str:
    """That of the cell at a place of a notebook: always the same, and no other notebook's."""
    return f"{number:03d}-{hashlib.sha256(f'{name}/{number}'.encode()).hexdigest()[:12]}"


def release(assignment: Assignment, out: Path) -> list[Path]:
    """Write what students get into the folder `out/NAME`: the notebook, the checks, and the pictures. Returns the files.

    Raises:
        CheckpointError: a file cannot be written.
    """
    folder = out / assignment.name
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / f"{assignment.name}.ipynb"]
    write_atomically(written[0], "notebook", [notebook(assignment)])
    for path in beside(assignment.folder):
        target = folder / path.name
        if target.resolve() != path.resolve():
            shutil.copyfile(path, target)
        written.append(target)
    return written


def beside(folder: Path) -> list[Path]:
    """What lies beside the notebook of an assignment wherever it goes: the checks, and the pictures."""
    return [folder / CHECKS, *(path for path in sorted(folder.iterdir()) if path.suffix in PICTURES)]
