"""Running a notebook from top to bottom, as a student does."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from minicnn.course.release import beside
from minicnn.errors import ArgumentError, install

POINTS = re.compile(r"^\S+: (\S+) of (\S+) points$", re.MULTILINE)  # as a check in a notebook says them
QUIET = ["--log-level=ERROR"]  # not how the kernel is reached


def run_in_kernel(contents: bytes, folder: Path, seconds: float = 600) -> str:
    """What went wrong, or which check under an answer has not found all points; or "".

    Args:
        contents: of the notebook.
        folder: what lies beside it: the checks and the pictures of an assignment.
        seconds: for each cell.

    Raises:
        ArgumentError: JupyterLab's parts are not installed.
    """
    try:
        import nbformat  # type: ignore[import-untyped, unused-ignore]
        from nbclient import NotebookClient  # type: ignore[import-untyped, unused-ignore]
        from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        raise ArgumentError(f"running notebooks needs JupyterLab: {install('assignments')}") from None
    book = nbformat.reads(contents.decode(), as_version=4)  # type: ignore[no-untyped-call, unused-ignore]
    with tempfile.TemporaryDirectory() as place:
        for path in beside(folder):
            shutil.copy(path, place)
        try:
            client = NotebookClient(book, timeout=seconds, kernel_name="python3", extra_arguments=QUIET, resources={"metadata": {"path": place}})
            client.execute()
        except (CellExecutionError, CellTimeoutError, DeadKernelError, RuntimeError) as error:  # the last one: the kernel does not start
            return str(error)[-2000:]
    said = ["".join(output.get("text", "") for output in cell.outputs) for cell in book.cells if "check" in cell.metadata.get("tags", ())]
    return "\n".join(text.strip() for text in said if not (points := POINTS.search(text)) or points[1] != points[2])
