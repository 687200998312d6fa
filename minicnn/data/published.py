"""Where published datasets are, and in which folder of this computer their files lie."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from minicnn.errors import DataError
from minicnn.io.remote_file import RemoteFile

if TYPE_CHECKING:
    from minicnn.io.download import Open

Report = Callable[[RemoteFile, int], None]
"""`report(file, count)`: so many bytes of a file are there."""


def data_folder(folder: str | os.PathLike[str] | None = None) -> Path:
    """The folder of datasets: the one given, or MINICNN_DATA, or `minicnn/data` in ~/.cache (or XDG_CACHE_HOME).

    >>> data_folder("pictures").as_posix()
    'pictures'
    """
    if given := folder or os.environ.get("MINICNN_DATA"):
        return Path(given).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "minicnn" / "data"


def require(
    name: str, files: Iterable[RemoteFile], folder: Path, *, fetch: bool, report: Report | None = None, open_url: Open | None = None
) -> list[Path]:
    """The files of a dataset in its folder, all with the right hash; downloaded if they are not there and `fetch` is true.

    Raises:
        DataError: a file is not there, or another one: says what to put where.
        DownloadError: a file cannot be had.
    """
    files, paths = list(files), []
    absent = [file for file in files if not (folder / file.name).is_file()]
    if absent and not fetch:
        sources = "; ".join(f"{file.name} from {file.urls[0]} ({file.size / 1e6:.1f} MB)" for file in absent)
        raise DataError(f"{name} is not in {folder}: with download=True it is brought there; or put there by hand: {sources}")
    for file in files:
        path = folder / file.name
        if fetch:  # imported here, since Python's own modules for the network take long to import
            from minicnn.io.download import download

            download(file, folder, report=report and partial(report, file), open_url=open_url)
        elif not file.is_in(path):
            raise DataError(
                f"{name}: {path} is damaged or another file: its {file.algorithm_name} is {file.hash_of(path)}, not {file.digest}; "
                "delete it, and download=True brings it again"
            )
        paths.append(path)
    return paths
