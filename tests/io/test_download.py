"""Downloads, from a server on this computer: what comes is checked, what breaks off goes on, and what goes wrong says so in one sentence."""

import hashlib
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from minicnn.errors import DownloadError
from minicnn.io import download as downloads
from minicnn.io.download import download, https_opener
from minicnn.io.remote_file import RemoteFile

DATA = bytes(range(256)) * 3000
SHA, MD5 = hashlib.sha256(DATA).hexdigest(), hashlib.md5(DATA).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Answers as the test says; a request for a range gets it, unless the server is too old for that."""

    def do_GET(self):
        wanted, server = self.headers.get("Range"), self.server
        server.requests.append((self.path, wanted))
        status, headers, body = server.answers[self.path]
        if wanted and server.ranges and status == 200:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            whole, body = len(body), body[start:]
            status = 206 if body else 416
            headers = {"Content-Range": f"bytes {start}-{whole - 1}/{whole}", "Content-Length": str(len(body))}
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: server.breaks_after])

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.answers, server.requests, server.ranges, server.breaks_after = {}, [], True, None
    answer(server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def answer(server, status=200, headers=None, body=DATA, path="/file"):
    server.answers[path] = status, {"Content-Length": str(len(body))} if headers is None else headers, body


def wanted(server, *paths, **changes):
    urls = tuple(f"http://127.0.0.1:{server.server_port}{path}" for path in paths or ("/file",))
    return RemoteFile(**{"name": "file.bin", "urls": urls, "size": len(DATA), "digest": SHA[:8], **changes})


def open_url(request, timeout):
    """As `urlopen`, without a proxy."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=timeout)


def names(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_the_file_comes(server, tmp_path):
    counts = []
    path = download(wanted(server), tmp_path / "new", report=counts.append, open_url=open_url)
    assert path == tmp_path / "new" / "file.bin"
    assert path.read_bytes() == DATA
    assert names(tmp_path / "new") == ["file.bin"]
    assert counts == sorted(counts)
    assert counts[-1] == len(DATA)


def test_a_file_that_is_there_is_not_fetched_again_unless_it_is_damaged(server, tmp_path):
    for _ in range(2):
        path = download(wanted(server, digest=MD5, algorithm="md5"), tmp_path, open_url=open_url)
    assert len(server.requests) == 1
    path.write_bytes(DATA[:-1])
    download(wanted(server), tmp_path, open_url=open_url)
    assert path.read_bytes() == DATA


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_breaks_off_goes_on_from_there(server, tmp_path, ranges):
    server.breaks_after = 300_000
    with pytest.raises(DownloadError, match=r"broke off after 300,000 of 768,000 bytes: try again, and it goes on.*; the file can also be brought here"):
        download(wanted(server), tmp_path, open_url=open_url)
    assert names(tmp_path) == [".file.bin.part"]
    server.breaks_after, server.ranges, counts = None, ranges, []
    path = download(wanted(server), tmp_path, report=counts.append, open_url=open_url)
    assert path.read_bytes() == DATA
    assert names(tmp_path) == ["file.bin"]
    assert server.requests[-1] == ("/file", "bytes=300000-")
    assert (counts[0] > 300_000) == ranges


def test_a_server_that_goes_on_elsewhere_is_not_believed(server, tmp_path):
    (tmp_path / ".file.bin.part").write_bytes(DATA[:1000])
    answer(server, 206, {"Content-Range": f"bytes 0-{len(DATA) - 1}/{len(DATA)}"})
    assert download(wanted(server), tmp_path, open_url=open_url).read_bytes() == DATA


def test_ctrl_c_keeps_what_has_come(server, tmp_path):
    def report(count):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(wanted(server), tmp_path, report=report, open_url=open_url)
    assert names(tmp_path) == [".file.bin.part"]
    assert download(wanted(server), tmp_path, open_url=open_url).read_bytes() == DATA


@pytest.mark.parametrize("beginning", [b"something else", DATA + b"too long", DATA])
def test_a_beginning_of_another_file_does_no_harm(server, tmp_path, beginning):
    (tmp_path / ".file.bin.part").write_bytes(beginning)
    assert download(wanted(server), tmp_path, open_url=open_url).read_bytes() == DATA


def test_what_one_address_began_does_not_spoil_the_next(server, tmp_path):
    answer(server, headers={"Content-Length": "30"}, body=b"<html>", path="/login")
    assert download(wanted(server, "/login", "/file"), tmp_path, open_url=open_url).read_bytes() == DATA


def test_a_file_that_was_renamed_before_it_was_locked_is_not_touched(server, tmp_path, monkeypatch):
    """Another program finishes between our opening its file and our locking it."""
    lock, opened = downloads._lock, []

    def late(file, path):
        opened.append(file)
        if len(opened) == 1:
            downloads._part(path).write_bytes(DATA)
            downloads._part(path).replace(path)
        lock(file, path)

    monkeypatch.setattr(downloads, "_lock", late)
    path = download(wanted(server), tmp_path, open_url=open_url)
    assert (path.read_bytes(), len(opened), server.requests, names(tmp_path)) == (DATA, 2, [], ["file.bin"])


def test_the_next_address_is_tried_and_goes_on(server, tmp_path):
    answer(server, 404, path="/gone")
    answer(server, body=b"<html>log in first</html>", path="/login")
    answer(server, headers={"Content-Length": str(len(DATA))}, body=DATA[:300_000], path="/short")
    path = download(wanted(server, "/gone", "/login", "/short", "/file"), tmp_path, open_url=open_url)
    assert path.read_bytes() == DATA
    assert [request for request in server.requests if request[0] == "/file"] == [("/file", "bytes=300000-")]


def test_what_went_wrong_at_each_address_is_said(server, tmp_path):
    answer(server, 404, path="/gone")
    answer(server, 500, path="/broken")
    with pytest.raises(DownloadError, match=r"/gone cannot be had: the server answers 404 Not Found; http.*/broken cannot be had: .* 500 Internal"):
        download(wanted(server, "/gone", "/broken"), tmp_path, open_url=open_url)
    assert names(tmp_path) == []


@pytest.mark.parametrize("body", [DATA[:-1] + b"x", DATA[:-1], b"", b"<html>log in first</html>"])
def test_another_file_than_it_should_be(server, tmp_path, body):
    answer(server, headers={}, body=body)  # which does not say how long it is
    (tmp_path / "file.bin").write_bytes(b"old")
    found = hashlib.sha256(body).hexdigest()[:8]
    with pytest.raises(DownloadError, match=f"is another file than it should be: its SHA-256 begins with {found}, not {SHA[:8]}; nothing was kept"):
        download(wanted(server), tmp_path, open_url=open_url)
    assert names(tmp_path) == ["file.bin"]
    assert (tmp_path / "file.bin").read_bytes() == b"old"


def test_a_server_that_sends_without_end_is_broken_off(server, tmp_path):
    answer(server, headers={}, body=DATA * 3)
    with pytest.raises(DownloadError, match=r"sends more than the 0\.8 MB that it should have"):
        download(wanted(server), tmp_path, open_url=open_url)
    assert names(tmp_path) == []


def test_without_a_network_the_message_says_what_to_put_where(server, tmp_path):
    def refuse(request, timeout):
        raise urllib.error.URLError(OSError(101, "Network is unreachable"))

    file = wanted(server)
    with pytest.raises(DownloadError) as caught:
        download(file, tmp_path, open_url=refuse)
    assert str(caught.value) == (
        f"{file.urls[0]} cannot be reached ([Errno 101] Network is unreachable); the file can also be brought here by other means, as {tmp_path / 'file.bin'}"
    )
    assert names(tmp_path) == []
    (tmp_path / "file.bin").write_bytes(DATA[:1000])
    with pytest.raises(DownloadError) as caught:
        download(file, tmp_path, open_url=refuse)
    assert str(caught.value) == (
        f"{tmp_path / 'file.bin'} is there, but it is damaged or another file: it has 1,000 bytes of about 768,000, and its SHA-256 begins with "
        f"{hashlib.sha256(DATA[:1000]).hexdigest()[:8]}, not {SHA[:8]}; no other copy can be had: {file.urls[0]} cannot be reached "
        "([Errno 101] Network is unreachable); put the right file in its place by other means"
    )


def test_a_connection_that_is_reset_is_no_error_of_the_disk(server, tmp_path):
    class Response:
        headers = {"Content-Length": "10"}  # noqa: RUF012

        def __enter__(self):
            return self

        def __exit__(self, *args):
            pass

        def read(self, count):
            raise ConnectionResetError(104, "Connection reset by peer")

    with pytest.raises(DownloadError, match=r"broke off \(\[Errno 104\] Connection reset by peer\)"):
        download(wanted(server), tmp_path, open_url=lambda request, timeout: Response())


def test_only_https_is_opened(server, tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.server_port}")
    for file in (wanted(server), wanted(server, urls=("file:///etc/hostname",))):
        scheme = file.urls[0].partition(":")[0]
        with pytest.raises(DownloadError, match=rf"cannot be reached \(unknown url type: {scheme}\)"):
            download(file, tmp_path)
    assert server.requests == []
    assert {"http_open", "ftp_open", "file_open"}.isdisjoint(f"{name}_open" for name in https_opener().handle_open)


def test_a_folder_that_cannot_be_made_and_a_full_disk(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match=r"the folder .*file/new cannot be made: Not a directory"):
        download(wanted(server), tmp_path / "file" / "new", open_url=open_url)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DownloadError, match=r"the file .*file.bin cannot be written: No space left on device"):
        download(wanted(server), tmp_path, open_url=open_url)


def test_two_programs_do_not_write_into_one_file(server, tmp_path):
    pytest.importorskip("fcntl")
    refused = []

    def meanwhile(count):
        with pytest.raises(DownloadError, match=r"another program is downloading .*file.bin at this moment: wait until it is done"):
            download(wanted(server), tmp_path, open_url=open_url)
        refused.append(count)

    assert download(wanted(server), tmp_path, report=meanwhile, open_url=open_url).read_bytes() == DATA
    assert refused
