"""Downloading a file: over https only, from one address after the other, on from where a download broke off, and checked before the file takes its name."""

import contextlib
import hashlib
import http.client
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from io import BufferedRandom
from pathlib import Path
from typing import Any, TypeAlias

from minicnn._version import __version__
from minicnn.errors import DownloadError
from minicnn.io.remote_file import RemoteFile

Open: TypeAlias = Callable[..., Any]
"""`open(request, timeout=seconds)` gives a response, as `urllib.request.urlopen` does."""

PART = 1 << 18  # bytes at a time
PATIENCE = 30  # seconds without a byte
MOST = 1.5  # times the size that is expected


def download(wanted: RemoteFile, folder: Path, *, report: Callable[[int], None] | None = None, open_url: Open | None = None) -> Path:
    """Bring a file into a folder, unless it is there already.

    What has come so far lies beside it under another name (".NAME.part"), from where the next attempt goes on. Only when all is there and the hash is right
    does the file take its name. An address that fails is followed by the next.

    Args:
        wanted: which file.
        folder: where to put it; it is made if need be.
        report: called with the number of bytes that are there so far.
        open_url: what opens an address; by default, only https is opened.

    Returns:
        The file.

    Raises:
        DownloadError: no address gave the file: what went wrong at each, and where to put the file by hand; or it cannot be written; or another program
            is downloading it.
    """
    path = folder / wanted.name
    try:
        if wanted.is_in(path):
            return path
        with _beside(path) as file:
            if not wanted.is_in(path):  # nor has another program brought it meanwhile
                _from_one(wanted, path, file, report or _nobody, open_url or https_opener().open)
                os.fsync(file.fileno())
                if os.name == "nt":
                    file.close()  # Windows renames no open file
                _part(path).replace(path)
    except OSError as error:
        raise DownloadError(f"the file {path} cannot be written: {error.strerror or error}") from None
    return path


def _from_one(wanted: RemoteFile, path: Path, file: BufferedRandom, report: Callable[[int], None], open_url: Open) -> None:
    """From the first address that gives the file."""
    troubles: list[str] = []
    for url in wanted.urls:
        try:
            return _bring(wanted, url, file, report, open_url)
        except _Trouble as trouble:
            troubles.append(str(trouble))
    why = "; ".join(troubles)
    if path.is_file():
        raise DownloadError(f"{wanted.flaw_of(path)}; no other copy can be had: {why}; put the right file in its place by other means")
    raise DownloadError(f"{why}; the file can also be brought here by other means, as {path}")


class _Trouble(Exception):
    """Why one address did not give the file."""


def _nobody(count: int) -> None:
    """Whom nobody wants to tell."""


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[BufferedRandom]:
    """What has come so far, opened for more, by this program alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DownloadError(f"the folder {path.parent} cannot be made: {error.strerror or error}") from None
    with _locked(path) as file:
        try:
            yield file
        finally:
            if not file.closed and not file.seek(0, 2):
                _part(path).unlink(missing_ok=True)


def _locked(path: Path) -> BufferedRandom:
    """The file of that name, locked. What was opened may have got another name, or none, before it was locked: then another one is opened."""
    while True:
        file = _part(path).open("a+b")
        try:
            _lock(file, path)
            if _part(path).exists() and os.path.samestat(os.fstat(file.fileno()), _part(path).stat()):
                return file
        except BaseException:
            file.close()
            raise
        file.close()


def _lock(file: BufferedRandom, path: Path) -> None:
    try:
        import fcntl
    except ImportError:  # on Windows two programs can spoil each other's download; the hash tells
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise DownloadError(f"another program is downloading {path} at this moment: wait until it is done") from None


def _bring(wanted: RemoteFile, url: str, file: BufferedRandom, report: Callable[[int], None], open_url: Open) -> None:
    """Append what is missing. Raises `_Trouble` if the whole is not what was wanted; then what is wrong is thrown away, and what is right is kept."""
    there = file.seek(0, 2)
    with _opened(url, there, open_url) as response:
        if there and not _goes_on(response, there):
            file.truncate(there := 0)
        announced = response.headers.get("Content-Length", "")
        expected = there + int(announced) if announced.isdecimal() else None
        count = _append(wanted, url, response, file, there, report)
    if expected is not None and count < expected:
        raise _Trouble(f"the download of {url} broke off after {count:,} of {expected:,} bytes: try again, and it goes on from there")
    try:
        _check(wanted, url, file)
    except _Trouble:
        if not there:
            raise
        _bring(wanted, url, file, report, open_url)  # what was there before was no beginning of this file: once more, all of it


def _opened(url: str, there: int, open_url: Open) -> Any:
    """The answer with what follows the first bytes, or with all."""
    headers = {"User-Agent": f"minicnn/{__version__}", **({"Range": f"bytes={there}-"} if there else {})}
    try:
        return open_url(urllib.request.Request(url, headers=headers), timeout=PATIENCE)
    except urllib.error.HTTPError as error:
        if error.code == 416 and there:  # nothing follows: what has come is no beginning of this file
            return _opened(url, 0, open_url)
        raise _Trouble(f"{url} cannot be had: the server answers {error.code} {error.reason}") from None
    except (OSError, http.client.HTTPException) as error:
        raise _Trouble(f"{url} cannot be reached ({getattr(error, 'reason', None) or error})") from None


def _goes_on(response: Any, there: int) -> bool:
    """The server sends the rest, not the whole again."""
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return getattr(response, "status", 200) == 206 and found is not None and int(found[1]) == there


def _append(wanted: RemoteFile, url: str, response: Any, file: BufferedRandom, count: int, report: Callable[[int], None]) -> int:
    while part := _next(url, response):
        count += len(part)
        if count > MOST * wanted.size:
            file.truncate(0)
            raise _Trouble(f"{url} sends more than the {wanted.size / 1e6:.1f} MB that it should have")
        file.write(part)
        report(count)
    file.flush()
    return count


def _next(url: str, response: Any) -> bytes:
    try:
        part: bytes = response.read(PART)
    except (OSError, http.client.HTTPException) as error:
        raise _Trouble(f"the download of {url} broke off ({error}): try again, and it goes on from there") from None
    return part


def _check(wanted: RemoteFile, url: str, file: BufferedRandom) -> None:
    file.seek(0)
    found = hashlib.file_digest(file, wanted.algorithm).hexdigest()
    if not found.startswith(wanted.digest):
        file.truncate(0)
        raise _Trouble(f"{url} is another file than it should be: its {wanted.algorithm_name} begins with {found[:8]}, not {wanted.digest[:8]}; nothing was kept")


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
