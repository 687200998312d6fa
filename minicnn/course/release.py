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
    """The notebook as a file, the same bytes for the same source: identities of cells come from their place, there are no outputs, and nothing of the author's computer."""
    cells = [_cell(assignment.name, cell, solution) for cell in assignment.cells]
    metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}, "minicnn": {"assignment": assignment.name}}
    contents = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return (json.dumps(contents, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def _cell(name: str, cell: SourceCell, solution: bool) -> dict[str, Any]:
    text = cell.source if solution else cell.released
    common: dict[str, Any] = {"id": identity(name, cell.number), "metadata": {}, "source": text.splitlines(keepends=True)}
    if cell.kind == "text":
        return {**common, "cell_type": "markdown"}
    if cell.kind == "question":
        common["metadata"] = {"minicnn": {"question": cell.question}}
    elif cell.kind == "provided":
        common["metadata"] = {"tags": ["provided"]}
    return {**common, "cell_type": "code", "execution_count": None, "outputs": []}


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
    others = [assignment.folder / CHECKS, *(path for path in sorted(assignment.folder.iterdir()) if path.suffix in PICTURES)]
    for path in others:
        target = folder / path.name
        if target.resolve() != path.resolve():
            shutil.copyfile(path, target)
        written.append(target)
    return written
