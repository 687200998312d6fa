"""The dashboard's web server: a few fixed addresses, for this machine alone unless told otherwise.

Nothing that a browser sends becomes a path: `/` and the files of the page are held in memory, and `/events` is a stream of
Server-Sent Events (WHATWG HTML, section 9.2), which tells everything from the beginning to whoever connects. So a connection that
was lost needs no memory of what it had told.
"""

import contextlib
import ipaddress
import json
import os
import socket
import threading
from collections.abc import Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

from minicnn.dashboard.watch import Watch
from minicnn.errors import ArgumentError

FILES = {  # address: file of the page, type
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/plot.js": ("plot.js", "text/javascript"),
    "/run.js": ("run.js", "text/javascript"),
    "/held_out.js": ("held_out.js", "text/javascript"),
    "/settings.js": ("settings.js", "text/javascript"),
}
HEADERS = {
    # Nothing from elsewhere, nothing inline: a run's name that contains a script stays a name.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
BETWEEN_LOOKS = 0.5  # seconds
SIGN_OF_LIFE = 20  # looks without news after which a comment is sent, which finds out whether the page is still there


class DashboardServer(ThreadingHTTPServer):
    """Serves the page for some runs; `serve_forever()` does it, `shutdown()` from another thread ends it.

    Args:
        folders: each the folder of a run, or a folder of such folders.
        host: which of this machine's addresses to listen at; "127.0.0.1" can be reached from this machine only.
        port: 0 takes any that is free.

    Raises:
        ArgumentError: a folder is missing, the port is taken, or the host is no address of this machine.

    Example:
        >>> import tempfile
        >>> with DashboardServer([tempfile.mkdtemp()], port=0) as server:
        ...     server.url.startswith("http://127.0.0.1:")
        True
    """

    daemon_threads = True  # a stream that is open does not keep the process alive

    def __init__(self, folders: Sequence[str | os.PathLike[str]], host: str = "127.0.0.1", port: int = 8765) -> None:
        Watch(folders)  # complains about what is missing
        self.folders, self.host = folders, host
        self.closing = threading.Event()
        page = resources.files("minicnn.dashboard") / "page"
        self.pages = {address: ((page / name).read_bytes(), type_) for address, (name, type_) in FILES.items()}
        try:
            self.address_family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:
            raise ArgumentError(f"the dashboard cannot listen at {host}, port {port}: {error}; --port 0 takes a port that is free") from None

    @property
    def url(self) -> str:
        """Where a browser finds the page."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.server_address[1]}/"

    def server_close(self) -> None:
        """End the streams, too."""
        self.closing.set()
        super().server_close()

    def is_for_us(self, host: str | None) -> bool:
        """Whether a request with this Host header was meant for this server.

        DNS rebinding: a page from elsewhere gives its own name the address 127.0.0.1, and then reads what is served here as its own. Its
        name gives it away, so only plain addresses are answered, `localhost`, and the name that `host` is.
        """
        with contextlib.suppress(ValueError):
            name = urlsplit(f"//{host or ''}").hostname or ""
            return name in ("localhost", self.host.lower()) or is_address(name)
        return False


def is_address(host: str) -> bool:
    """Whether a host is given as an IP address, not by name."""
    with contextlib.suppress(ValueError):
        return bool(ipaddress.ip_address(host))
    return False


def is_loopback(host: str) -> bool:
    """Whether only this machine itself can reach a host.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    return host == "localhost" or (is_address(host) and ipaddress.ip_address(host).is_loopback)


class _Handler(BaseHTTPRequestHandler):
    server: DashboardServer

    def do_GET(self) -> None:
        if not self.server.is_for_us(self.headers.get("Host")):
            self._answer(HTTPStatus.FORBIDDEN, b"The dashboard answers to localhost and to plain addresses only.\n")
        elif self.path == "/events":
            with contextlib.suppress(ConnectionError):  # the page was closed
                self._stream()
        elif self.path in self.server.pages:
            body, type_ = self.server.pages[self.path]
            self._answer(HTTPStatus.OK, body, type_)
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"There is no such page.\n")

    def _answer(self, status: HTTPStatus, body: bytes, type_: str = "text/plain") -> None:
        self._head(status, type_)
        self.wfile.write(body)

    def _head(self, status: HTTPStatus, type_: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": f"{type_}; charset=utf-8", **HEADERS}.items():
            self.send_header(name, value)
        self.end_headers()

    def _stream(self) -> None:
        try:
            watch = Watch(self.server.folders)
        except ArgumentError as error:  # a folder has been deleted meanwhile
            self._answer(HTTPStatus.NOT_FOUND, f"{error}\n".encode())
            return
        self._head(HTTPStatus.OK, "text/event-stream")
        self._tell("start", {})
        looks = 0
        while not self.server.closing.wait(BETWEEN_LOOKS if looks else 0):
            for kind, run, data in watch.look():
                self._tell(kind, {"run": run, **data})
            if looks == 0:
                self._tell("looked", {})  # these were all that there are by now
            looks += 1
            if looks % SIGN_OF_LIFE == 0:
                self.wfile.write(b": still here\n\n")

    def _tell(self, kind: str, data: dict[str, Any]) -> None:
        self.wfile.write(f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode())

    def version_string(self) -> str:
        return "minicnn"

    def log_message(self, format: str, *args: Any) -> None:
        """Quietly."""
