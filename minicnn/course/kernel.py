"""Running a notebook from top to bottom, as a student does."""

from __future__ import annotations

import tempfile

from minicnn.errors import ArgumentError, install


def run_in_kernel(contents: bytes, seconds: float = 600) -> str:
    """What went wrong, or "".

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
    with tempfile.TemporaryDirectory() as folder:
        try:
            NotebookClient(book, timeout=seconds, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            return str(error)[-2000:]
    return ""
