"""Processes that are started together end together, whatever happens to one of them, and leave nothing behind."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from minicnn.distributed import spawn
from minicnn.errors import ArgumentError, CommunicationError, ShapeError
from tests.distributed import ring_programs as programs

SHARED = Path("/dev/shm")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _nothing_is_left():
    yield
    assert multiprocessing.active_children() == []
    assert memory_of(os.getpid()) == []


def memory_of(pid):
    return sorted(path.name for path in SHARED.glob(f"minicnn-{pid}-*"))


def test_an_error_comes_back_as_it_is_with_its_place():
    with pytest.raises(ShapeError) as caught:
        spawn(programs.die, 2, "raises")
    assert str(caught.value) == "x is (1,)"
    assert "In the process of rank 1" in caught.value.__notes__[0]
    assert "ring_programs.py" in caught.value.__notes__[0]


@pytest.mark.parametrize(("how", "text"), [
    ("killed", "spawn: the process of rank 1 was killed by SIGKILL before its function returned, and the others were ended: was the machine out of memory?"),
    ("exits", "spawn: the process of rank 1 ended with exit code 3 before its function returned, and the others were ended: its own message is above"),
    ("ends", "spawn: the process of rank 1 ended with exit code 0 before its function returned, and the others were ended: the function must return, and not end the process"),
])  # fmt: skip
def test_a_process_that_dies_is_one_clear_error(how, text):
    with pytest.raises(CommunicationError) as caught:
        spawn(programs.die, 2, how)
    assert text in str(caught.value)


@pytest.mark.parametrize(("function", "size", "error", "text"), [
    (programs.call, 0, ArgumentError, "spawn: size must be an integer >= 1, not 0"),
    (lambda communicator: 0, 1, ArgumentError, "spawn: the function or its arguments cannot be sent to other processes"),
    (programs.return_a_lock, 1, CommunicationError, "spawn: what the function returned cannot be sent back (TypeError: cannot pickle"),
    (programs.raise_what_cannot_be_sent, 1, CommunicationError, "spawn: Stubborn: this and that"),
])  # fmt: skip
def test_messages(function, size, error, text):
    with pytest.raises(error) as caught:
        spawn(function, size)
    assert text in str(caught.value)


def script(tmp_path, text):
    """A program of its own, whose error stream would show what the tracker of shared memory has to say at the end."""
    path = tmp_path / "script.py"
    path.write_text("from minicnn.distributed import spawn\nfrom tests.distributed import ring_programs as programs\n" + text)
    return subprocess.Popen(
        [sys.executable, "-W", "error", str(path)], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def test_nothing_is_left_behind_and_nobody_warns(tmp_path):
    program = script(tmp_path, """
if __name__ == "__main__":
    try:
        spawn(programs.die, 2, "killed")
    except Exception as error:
        kept = error                                       # and with it the frames in which the semaphores were
        print(type(error).__name__)
    print(spawn(programs.call, 1, "barrier"))
""")
    printed, errors = program.communicate(timeout=60)
    assert (printed, errors) == ("CommunicationError\n[None]\n", "")
    assert memory_of(program.pid) == []


def test_a_script_without_the_guard_is_told(tmp_path):
    _, errors = script(tmp_path, 'spawn(programs.call, 1, "barrier")\n').communicate(timeout=60)
    assert "a script must call spawn under `if __name__ == '__main__':`" in errors.splitlines()[-1]


@pytest.mark.parametrize(("how", "doing"), [(signal.SIGINT, "wait_for_each_other"), (signal.SIGKILL, "wait_for_each_other"), (signal.SIGKILL, "meet_for_ever")])
def test_the_processes_end_with_the_program_that_started_them(tmp_path, how, doing):
    program = script(tmp_path, f'if __name__ == "__main__":\n    spawn(programs.{doing}, 2)\n')
    pids = [int(program.stdout.readline()) for _ in range(2)]
    os.killpg(program.pid, how) if how == signal.SIGINT else program.send_signal(how)
    errors = program.communicate(timeout=60)[1]
    if how == signal.SIGINT:
        assert errors.splitlines()[-1] == "KeyboardInterrupt"
        assert errors.count("Traceback") == 1  # not one from each process
    deadline = time.monotonic() + 20
    while any(alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(alive(pid) for pid in pids)
    assert memory_of(program.pid) == []


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
