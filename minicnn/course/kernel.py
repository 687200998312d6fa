"""Running a notebook from top to bottom, as a student does."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from minicnn.course.assignment import CHECKS
from minicnn.course.release import PICTURES
from minicnn.errors import ArgumentError, install

QUIET = ["--log-level=ERROR"]  # not how the kernel is reached


def run_in_kernel(contents: bytes, folder: Path, seconds: float = 600) -> str:
    """What went wrong, or "".

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
        for path in folder.iterdir():
            if path.name == CHECKS or path.suffix in PICTURES:
                shutil.copy(path, place)
        try:
            client = NotebookClient(book, timeout=seconds, kernel_name="python3", extra_arguments=QUIET, resources={"metadata": {"path": place}})
            client.execute()
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            return str(error)[-2000:]
    return ""
