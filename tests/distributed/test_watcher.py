"""The process that says which worker died: every ending that a job can have."""

import json
import socket
import subprocess
import sys
import time

import pytest

from minicnn.distributed.watch import WATCHER
from minicnn.distributed.watcher import Watcher

SIZE = 3


class Started:
    """A watcher, and workers that are connections of this process."""

    def __init__(self):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.address = listening.getsockname()
            arguments = [sys.executable, "-I", str(WATCHER), str(listening.fileno()), str(SIZE), "secret"]
            self.process = subprocess.Popen(arguments, pass_fds=[listening.fileno()], stderr=subprocess.PIPE, text=True, encoding="utf-8")
        self.workers = [self.connect(f'secret {json.dumps({"rank": rank, "pid": 100 + rank, "host": "here"})}') for rank in range(SIZE)]

    def connect(self, first):
        connection = socket.create_connection(self.address)
        connection.sendall(first.encode() + b"\n")
        return connection

    def say(self, rank, line):
        self.workers[rank].sendall(line.encode() + b"\n")

    def said(self):
        return self.process.communicate(timeout=20)[1]


@pytest.fixture
def started():
    job = Started()
    yield job
    job.process.kill()
    job.process.communicate()
    for worker in job.workers:
        worker.close()


def test_the_first_to_die_is_named_with_what_to_do(started):
    started.say(0, "hint Do this.")
    started.workers[2].close()
    assert started.said() == "minicnn: worker 2 of 3 (process 102 on here) has died, and the job with it. Do this.\n"


def test_those_that_are_ended_afterwards_are_not_blamed():
    """In this process, so that one death is noticed before the next: the launcher leaves milliseconds between them."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        watcher, workers = Watcher(listening, SIZE, "secret"), [socket.create_connection(listening.getsockname()) for _ in range(SIZE)]
        for rank, worker in enumerate(workers):
            worker.sendall(f'secret {json.dumps({"rank": rank, "pid": rank, "host": "here"})}\n'.encode())
        while len(watcher.known) < SIZE:
            watcher.listen(5)
        workers[1].close()
        while not watcher.dead:
            watcher.listen(5)
        for worker in workers:
            worker.close()
        assert "worker 1 of 3" in watcher.watch()


def test_farewells_are_no_deaths(started):
    for rank in range(SIZE):
        started.say(rank, "farewell")
        started.workers[rank].close()
    assert started.said() == ""


def test_a_death_after_a_farewell_of_another_is_one(started):
    started.say(0, "farewell")
    started.workers[0].close()
    started.workers[1].close()
    assert "worker 1 of 3" in started.said()


def test_a_worker_that_says_itself_what_is_wrong_is_left_the_word_also_if_others_end_first(started):
    started.workers[2].close()
    started.say(1, "failed")
    assert started.said() == ""


def test_lines_may_come_in_pieces_and_hold_any_letter(started):
    started.say(0, "hint Hier geht's weiter:\x0b \u2028 n\u00e4chste")
    started.workers[1].sendall(b"fare")
    time.sleep(0.2)
    started.workers[1].sendall(b"well\n")
    started.workers[2].close()
    assert started.said().endswith("worker 2 of 3 (process 102 on here) has died, and the job with it. Hier geht's weiter:\x0b \u2028 n\u00e4chste\n")


def test_strangers_are_not_taken_for_workers(started):
    for first in ("failed", "wrong {}", "farewell"):
        started.connect(first).close()
    with socket.create_connection(started.address) as stranger:
        stranger.sendall(b"\xff\xfe\n")
    started.workers[0].close()
    assert "worker 0 of 3" in started.said()
