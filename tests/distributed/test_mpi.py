"""What a communicator over MPI asks of MPI, and what it says where MPI is another than it should be. What the operations compute is in test_equal.py."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from minicnn.distributed import mpi
from minicnn.distributed.mpi import MPICommunicator, check_launcher, end_those_who_wait, load_mpi, started
from minicnn.errors import ArgumentError, BackendError


class Comm:
    """Of one process."""

    def __init__(self):
        self.calls = []

    def Get_rank(self):
        return 0

    def Get_size(self):
        return 1

    def Dup(self):
        return Comm()

    def Abort(self, code):
        self.calls.append(code)  # and returns, as MPICH's may


@pytest.fixture
def launched(monkeypatch):
    """By nobody, at first; the environment, to be changed."""
    for name in (*mpi.STARTED_BY, *mpi.RANK):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_after_an_abort_nothing_goes_on(monkeypatch):
    def ended(code):
        raise SystemExit(code)

    monkeypatch.setattr(os, "_exit", ended)
    comm = Comm()
    with pytest.raises(SystemExit) as end:
        MPICommunicator(comm).abort(2)
    assert (comm.calls, end.value.code) == ([2], 2)


SAYS_AND_ENDS = """
import os, sys
from types import SimpleNamespace
from minicnn.distributed.mpi import MPICommunicator

comm = SimpleNamespace(Get_rank=lambda: 0, Get_size=lambda: 1, Abort=lambda code: os.write(1, b"ended"))
sys.stderr.write("what is wrong")
sys.stderr.flush()
os.write(1, b"said ")
MPICommunicator(comm).abort(2)
"""


def test_the_job_ends_only_when_the_launcher_has_read_why():
    """MPICH's, if it learns of the end first, throws away what it has not read yet."""
    with subprocess.Popen([sys.executable, "-c", SAYS_AND_ENDS], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert os.read(process.stdout.fileno(), 100) == b"said "
        assert select.select([process.stdout], [], [], 0.5)[0] == [], "it has ended before anybody looked"
        assert os.read(process.stderr.fileno(), 100) == b"what is wrong"
        assert process.stdout.read() == b"ended"
    assert process.returncode == 2


def test_a_standard_error_that_nobody_can_read_is_not_waited_for(tmp_path):
    with Path(tmp_path, "said").open("w") as file:
        for error in (file, subprocess.DEVNULL):
            done = subprocess.run([sys.executable, "-c", SAYS_AND_ENDS], stdout=subprocess.PIPE, stderr=error, timeout=mpi.LISTENS, check=False)
            assert (done.returncode, done.stdout) == (2, b"said ended")


@pytest.mark.parametrize(("level", "is_enough"), [(0, False), (2, False), (3, True)])
def test_a_second_thread_needs_an_mpi_for_several(monkeypatch, level, is_enough):
    monkeypatch.setattr(mpi, "load_mpi", lambda: SimpleNamespace(Query_thread=lambda: level, THREAD_MULTIPLE=3))
    communicator = MPICommunicator(Comm())
    if is_enough:
        assert communicator.duplicate().size == 1
    else:
        with pytest.raises(BackendError, match=r"for one thread.* give Workers\(\.\.\., overlap=False\)"):
            communicator.duplicate()


def test_no_mpi4py_or_no_mpi(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(BackendError, match=r'needs mpi4py and an MPI, which are not installed: .*"\.\[distributed\]"'):
        load_mpi()


@pytest.mark.parametrize(("environment", "size", "is_wrong"), [({}, 1, False), ({"PMI_SIZE": "4"}, 4, False), ({"PMI_SIZE": "4"}, 1, True), ({"OMPI_COMM_WORLD_SIZE": "2"}, 1, True)])
def test_processes_that_do_not_see_each_other_are_told(launched, environment, size, is_wrong):
    for name, value in environment.items():
        launched.setenv(name, value)
    if not is_wrong:
        check_launcher(size)
        return
    with pytest.raises(ArgumentError, match=f"{started()} processes were started, but mpi4py sees 1: this mpiexec belongs to another MPI"):
        check_launcher(size)


@pytest.mark.parametrize(
    ("environment", "joined", "ends"),
    [({}, False, False), ({"PMI_SIZE": "1"}, False, False), ({"PMI_SIZE": "2", "PMI_RANK": "0"}, False, True), ({"PMI_SIZE": "2", "PMI_RANK": "1"}, False, True), ({"PMI_SIZE": "2"}, True, False)],
)
def test_who_ends_before_he_has_joined_the_others_says_why_and_ends_by_a_signal(launched, capsys, environment, joined, ends):
    signals, waited = [], []
    launched.setattr(os, "kill", lambda pid, number: signals.append((pid, number)))
    launched.setattr(mpi.time, "sleep", waited.append)
    launched.delitem(sys.modules, "mpi4py.MPI", raising=False)
    if joined:
        launched.setitem(sys.modules, "mpi4py.MPI", SimpleNamespace())
    for name, value in environment.items():
        launched.setenv(name, value)
    end_those_who_wait("minicnn: it is so")
    assert signals == ([(os.getpid(), signal.SIGTERM)] if ends else [])
    assert capsys.readouterr().err == ("minicnn: it is so\n" if ends else "")
    assert len(waited) == (environment.get("PMI_RANK") == "1"), "the first speaks for all"
