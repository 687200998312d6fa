"""A process that is forked is one of its own."""

import os
from pathlib import Path

import pytest

from tests.forks import Server


@pytest.fixture(scope="module")
def server():
    server = Server([], "import json")
    yield server
    server.close()


@pytest.mark.parametrize(("text", "code"), [
    ("pass", 0), ("import sys; assert 'json' in sys.modules", 0), ("import json; json.changed = 1", 0), ("import json; json.changed", 1), ("import sys; sys.exit(3)", 3),
    ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9), ("import os; assert os.getsid(0) == os.getpid()", 0), ("undefined", 1), ("given", 1),
    ("import atexit, os; atexit.register(lambda: open('left', 'w').close())", 0), ("import os; assert os.path.exists('left')", 1), ("import sys; assert sys.path[0] == ''", 0),
], ids=range(12))  # fmt: skip
def test_a_fork_is_a_process_of_its_own(text, code, server, tmp_path):
    with Path(os.devnull).open("r+") as nothing:
        fork = server.start(text, nothing, nothing, nothing, folder=tmp_path)
        assert fork.wait(timeout=60) == fork.poll() == code
    assert (tmp_path / "left").exists() == ("left', 'w'" in text)
