"""A worker's connection to the process that notices deaths."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np

from minicnn.distributed.mpi import MPICommunicator

WATCHER = Path(__file__).with_name("watcher.py")
LONGEST = 1024  # bytes of an address


class Watch:
    """If a worker of the job dies, somebody says so. All workers make theirs at the same time.

    Args:
        communicator: of the whole job.
    """

    def __init__(self, communicator: MPICommunicator) -> None:
        one_machine = communicator.here[1] == communicator.size
        host = "127.0.0.1" if one_machine else communicator.host
        port, token = _start(one_machine, communicator.size) if communicator.rank == 0 else (0, "")
        host, port, token = _told(communicator, (host, port, token))
        self._connection: socket.socket | None = None
        with contextlib.suppress(OSError):  # a network that lets nothing through but MPI, or no watcher: then nobody watches
            self._connection = socket.create_connection((host, port), timeout=10)
            who = {"rank": communicator.rank, "pid": os.getpid(), "host": communicator.host}
            self._send(f"{token} {json.dumps(who)}")
            if one_machine or host == communicator.host:  # what lies on another machine it cannot remove
                for path in _shared_memory():
                    self._send(f"memory {path}")

    def hint(self, text: str) -> None:
        """What to say of how to go on, if a worker dies."""
        self._send(f"hint {text}")

    def failed(self) -> None:
        """This worker says itself what is wrong, and then ends the job."""
        self._send("failed")

    def farewell(self) -> None:
        """This worker has done its part."""
        self._send("farewell")
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _send(self, line: str) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError):  # the watcher has gone
                self._connection.sendall(line.encode() + b"\n")


def _shared_memory() -> set[str]:
    """The files in /dev/shm that MPI has mapped into this process."""
    try:
        lines = Path("/proc/self/maps").read_text(errors="replace").splitlines()
    except OSError:
        return set()
    return {path for line in lines if (path := line.partition("/")[1] + line.partition("/")[2]).startswith("/dev/shm/mpich_")}


def _start(one_machine: bool, size: int) -> tuple[int, str]:
    """Start the watcher; its port, and the word by which it knows the workers. It belongs to no terminal and to no job, so that it outlives both.

    Where it cannot be started, the port is 0.
    """
    token = secrets.token_hex(16)
    try:
        with socket.create_server(("127.0.0.1" if one_machine else "", 0), backlog=size) as listening:
            subprocess.Popen(
                [sys.executable, "-I", str(WATCHER), str(listening.fileno()), str(size), token],
                pass_fds=[listening.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            return int(listening.getsockname()[1]), token
    except OSError:
        return 0, token


def _told(communicator: MPICommunicator, address: tuple[str, int, str]) -> tuple[str, int, str]:
    """The first worker's address."""
    text = np.zeros(LONGEST, np.uint8)
    encoded = json.dumps(address).encode()
    text[: len(encoded)] = np.frombuffer(encoded, np.uint8)
    communicator.broadcast(text)
    host, port, token = json.loads(text.tobytes().rstrip(b"\0"))
    return str(host), int(port), str(token)
