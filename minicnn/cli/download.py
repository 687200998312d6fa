"""How a download goes on, on the screen."""

from collections.abc import Iterator
from contextlib import contextmanager

from minicnn.data.published import Report
from minicnn.io.remote_file import RemoteFile


@contextmanager
def showing_downloads() -> Iterator[Report]:
    """Inside, the yielded function shows a bar for each file that is on its way; without a terminal, a line when it begins."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=20), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    tasks = {}
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:

        def report(file: RemoteFile, count: int) -> None:
            if file.name not in tasks:
                tasks[file.name] = bar.add_task(file.name, total=file.size)
                console.print(f"downloading {file.name}, {file.size / 1e6:.1f} MB, from {file.urls[0]}", soft_wrap=True)
            bar.update(tasks[file.name], completed=count)

        yield report
