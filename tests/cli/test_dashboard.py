"""`minicnn dashboard`: serves until Ctrl-C, warns where others can reach it, and writes files for TensorBoard."""

import os
import re
import signal
import subprocess
import sys
import urllib.request

import pytest

from minicnn.dashboard import DashboardServer


@pytest.fixture
def runs(tmp_path):
    (tmp_path / "runs" / "a").mkdir(parents=True)
    (tmp_path / "runs" / "a" / "log.jsonl").write_text('{"kind": "epoch", "epoch": 1, "train_loss": 0.5}\n')
    return tmp_path / "runs"


@pytest.mark.skipif(os.name == "nt", reason="sends Ctrl-C as POSIX does")
def test_serves_until_ctrl_c(runs):
    command = [sys.executable, "-m", "minicnn", "dashboard", str(runs), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        url = re.fullmatch(r"The dashboard is at (http://127\.0\.0\.1:\d+/)   \(Ctrl-C ends it\)\n", process.stdout.readline())[1]
        with urllib.request.urlopen(url, timeout=10) as page:
            assert b"minicnn dashboard" in page.read()
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=10) == ("\n", "")
        assert process.returncode == 0


@pytest.fixture
def served(monkeypatch):
    """Ends the server at once; notes what would have been opened in a browser."""

    def interrupted(self):
        raise KeyboardInterrupt

    opened = []
    monkeypatch.setattr(DashboardServer, "serve_forever", interrupted)
    monkeypatch.setattr("webbrowser.open", opened.append)
    return opened


def test_warns_where_other_machines_can_reach_it(minicnn, runs, served):
    code, _, err = minicnn("dashboard", runs, "--host", "0.0.0.0", "--port", 0)
    assert code == 0
    assert err.startswith("Warning: with --host 0.0.0.0 other machines can reach the dashboard, and it asks for no password: ")
    for host in ("127.0.0.1", "localhost"):
        assert minicnn("dashboard", runs, "--host", host, "--port", 0)[2] == ""


def test_opens_the_page_only_when_asked(minicnn, runs, served):
    minicnn("dashboard", runs, "--port", 0)
    assert served == []
    _, out, _ = minicnn("dashboard", runs, "--port", 0, "--open")
    assert len(served) == 1
    assert served[0] in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("dashboard", "the following arguments are required: RUN_DIR"),
        ("dashboard nowhere", "there is no folder nowhere: name the folder of a run, or the folder that runs are made in, such as runs"),
        ("dashboard . --port -1", "argument --port: must be an integer >= 0, not '-1'"),
        ("dashboard . --port 65536", "the dashboard cannot listen at 127.0.0.1, port 65536"),
        ("dashboard . --host 203.0.113.7", "the dashboard cannot listen at 203.0.113.7, port 8765"),
        ("dashboard . --tensorboard out", "there is no run in .: a run's folder holds a log.jsonl"),
    ],
)
def test_wrong_input(minicnn, tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    code, out, err = minicnn(*arguments.split())
    assert (code, out) == (2, "")
    assert sentence in err
    assert len(err.splitlines()) == 1


def test_tensorboard(minicnn, runs, tmp_path):
    pytest.importorskip("tensorboardX")
    target = tmp_path / "out"
    assert minicnn("dashboard", runs, "--tensorboard", target) == (0, f"{target / 'a'}: 1 figures of a\n", "")
    assert len(list((target / "a").iterdir())) == 1
