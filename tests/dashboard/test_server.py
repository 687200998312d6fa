"""The server: its addresses, what it tells a browser to forbid, whom it answers, and the stream of news."""

import http.client
import json
import shutil
import socket

import pytest

from minicnn.dashboard import DashboardServer
from minicnn.dashboard.server import is_loopback
from minicnn.errors import ArgumentError
from tests.dashboard.serving import serving

RUN = {"kind": "run", "settings": {"epochs": 2}}


@pytest.fixture
def runs(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        write(tmp_path / "runs" / name, RUN)
    return tmp_path / "runs"


@pytest.fixture
def server(runs):
    with serving(runs) as server:
        yield server


def write(folder, line, end="\n"):
    with (folder / "log.jsonl").open("a") as file:
        file.write(json.dumps(line) + end)


def get(server, path, method="GET", **headers):
    connection = http.client.HTTPConnection(*server.server_address, timeout=10)
    connection.request(method, path, headers=headers)
    return connection.getresponse()


class Stream:
    """The events of a connection, one by one."""

    def __init__(self, server):
        self.response = get(server, "/events")
        assert self.response.status == 200
        assert self.response.getheader("Content-Type") == "text/event-stream; charset=utf-8"

    def next(self):
        kind, data = (self.response.readline().decode().partition(": ")[2].rstrip("\n") for _ in range(2))
        assert self.response.readline() == b"\n"
        return kind, json.loads(data)

    def until(self, wanted):
        while (event := self.next())[0] != wanted:
            pass
        return event[1]


@pytest.mark.parametrize(
    ("path", "type_", "part"),
    [
        ("/", "text/html", b"<!doctype html>"),
        ("/page.css", "text/css", b"prefers-color-scheme: dark"),
        ("/page.js", "text/javascript", b"new EventSource"),
        ("/plot.js", "text/javascript", b"export class Plot"),
        ("/run.js", "text/javascript", b"export class Run"),
        ("/held_out.js", "text/javascript", b"putImageData"),
        ("/settings.js", "text/javascript", b"settingsTable"),
    ],
)
def test_the_page_is_served_with_headers_that_keep_it_at_home(server, path, type_, part):
    response = get(server, path)
    assert response.status == 200
    assert response.getheader("Content-Type") == f"{type_}; charset=utf-8"
    policy = response.getheader("Content-Security-Policy").split("; ")
    assert policy[:5] == ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src data:"]
    assert "unsafe" not in "".join(policy)
    assert response.getheader("X-Content-Type-Options") == "nosniff"
    assert response.getheader("Access-Control-Allow-Origin") is None
    assert part in response.read()


@pytest.mark.parametrize("path", ["/nothing", "/../setup.cfg", "/%2e%2e/server.py", "/page/index.html", "//etc/passwd", "/etc/passwd", "/a/log.jsonl", "/page.js/../x", "/?x"])
def test_no_other_address_leads_anywhere(server, path):
    response = get(server, path)
    assert (response.status, response.read()) == (404, b"There is no such page.\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
def test_nothing_can_be_sent(server, method):
    assert get(server, "/", method).status == 501


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200), ("localhost:1", 200), ("127.0.0.1:8765", 200), ("[::1]:8765", 200), ("192.168.0.7", 200), ("LOCALHOST", 200),
        ("evil.example", 403), ("evil.example:8765", 403), ("localhost.evil.example", 403), ("127.0.0.1.evil.example", 403), ("", 403), ("[", 403),
        ("evil.example@localhost", 200), ("localhost@evil.example", 403),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/events"])
def test_a_name_from_elsewhere_gets_no_answer(server, host, status, path):
    response = get(server, path, Host=host)
    assert response.status == status
    if status == 403:
        assert response.read() == b"The dashboard answers to localhost and to plain addresses only.\n"


def test_the_stream_tells_everything_and_then_what_is_new(server, runs):
    stream = Stream(server)
    events = [stream.next() for _ in range(6)]
    assert [kind for kind, _ in events] == ["start", "lines", "status", "lines", "status", "looked"]
    assert events[1][1] == {"run": "a", "anew": True, "lines": [RUN]}
    assert events[3][1] == {"run": "b", "anew": True, "lines": [RUN]}
    assert events[4][1] == {"run": "b", "status": "running"}
    write(runs / "b", {"kind": "step", "step": 1}, end="")  # half a line is none
    write(runs / "a", {"kind": "step", "step": 2})
    assert stream.next() == ("lines", {"run": "a", "anew": False, "lines": [{"kind": "step", "step": 2}]})
    with (runs / "b" / "log.jsonl").open("a") as file:
        file.write("\n")
    assert stream.next() == ("lines", {"run": "b", "anew": False, "lines": [{"kind": "step", "step": 1}]})
    (runs / "a" / "held_out.json").write_text('{"epoch": 1}')
    assert stream.next() == ("held_out", {"run": "a", "epoch": 1})
    assert len([event for event in iter(Stream(server).next, ("looked", {})) if event[0] == "lines"]) == 2  # another page hears it all


def test_line_breaks_in_a_name_do_not_break_the_stream(server, runs):
    (runs / "x\n\nevent: gone").mkdir()
    write(runs / "x\n\nevent: gone", RUN)
    stream = Stream(server)
    names = {data["run"] for kind, data in iter(stream.next, ("looked", {})) if kind == "lines"}
    assert names == {"a", "b", "x\n\nevent: gone"}


def test_a_closed_server_ends_its_streams(server):
    stream = Stream(server)
    stream.until("looked")
    server.closing.set()
    assert stream.response.read() == b""


def test_a_page_that_was_closed_is_no_error(server, runs, capfd):
    stream = Stream(server)
    stream.until("looked")
    stream.response.close()
    for step in range(3):
        write(runs / "a", {"kind": "step", "step": step})
        other = Stream(server)
        other.until("looked")
    assert capfd.readouterr().err == ""


def test_a_folder_that_was_deleted_is_said_and_no_traceback(server, runs, capfd):
    shutil.rmtree(runs)
    response = get(server, "/events")
    assert response.status == 404
    assert b"there is no folder" in response.read()
    assert capfd.readouterr().err == ""


def test_a_port_that_is_taken_and_a_foreign_address(runs):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ArgumentError, match=rf"the dashboard cannot listen at 127.0.0.1, port {port}: .*in use; --port 0 takes a port that is free"):
            DashboardServer([runs], port=port)
    with pytest.raises(ArgumentError, match=r"cannot listen at 127\.0\.0\.1, port 70000"):
        DashboardServer([runs], port=70000)
    with pytest.raises(ArgumentError, match=r"there is no folder"):
        DashboardServer([runs / "c"], port=0)


def test_loopback():
    assert all(map(is_loopback, ["127.0.0.1", "127.8.8.8", "::1", "localhost"]))
    assert not any(map(is_loopback, ["0.0.0.0", "::", "192.168.0.7", "", "example.com"]))
