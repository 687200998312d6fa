"""Downloading a published file of weights."""

from collections.abc import Callable
from pathlib import Path

from minicnn.errors import ArgumentError
from minicnn.io.download import Open, download
from minicnn.io.remote_file import RemoteFile
from minicnn.models.weight_files import WeightFile
from minicnn.models.weight_store import cache_folder, how_to_get


def fetch(wanted: WeightFile, folder: Path | None = None, *, report: Callable[[int], None] | None = None, open_url: Open | None = None) -> Path:
    """Download a file of weights, unless it is there already.

    Args:
        wanted: which.
        folder: where to put it; the cache if None, where `weights="imagenet"` finds it.
        report, open_url: see `minicnn.io.download.download`.

    Returns:
        The file.

    Raises:
        ArgumentError: the file cannot be downloaded, only installed.
        DownloadError: it cannot be reached, breaks off, is another file than it should be, or cannot be written.
    """
    if wanted.url is None:
        raise ArgumentError(f"the weights of {wanted.name} are not downloaded but installed: {how_to_get(wanted)}")
    file = RemoteFile(wanted.file, (wanted.url,), round(1e6 * wanted.megabytes), wanted.digest)
    return download(file, cache_folder() if folder is None else folder, report=report, open_url=open_url)
