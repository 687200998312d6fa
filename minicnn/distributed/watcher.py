"""The process that is left to say what happened when a worker dies.

MPI's launcher ends all workers within milliseconds of the death of one: none of them has time to say a word. So the first worker starts this program, which
belongs to no job. Every worker holds a connection to it; one that closes without a farewell has died. It imports nothing but Python's own library.

It speaks through the launcher's own standard error: what a worker writes goes through a helper of the launcher on its machine, which may be gone after a death.

Started as `python -I watcher.py DESCRIPTOR SIZE TOKEN`, where the descriptor is that of a listening socket.
"""

import contextlib
import json
import os
import selectors
import socket
import stat
import sys
import time
from pathlib import Path

PATIENCE = 60.0  # seconds until all workers must have come
TOGETHER = 0.25  # seconds in which farewells may still arrive that were sent before a death
ENDS = 10.0  # seconds in which a launcher ends after a death
LAUNCHERS = ("mpiexec", "mpirun")


class Watcher:
    """Listens to the workers of one job.

    Args:
        listening: the socket at which they arrive.
        size: how many they are.
        token: what a worker says first, so that nobody else is taken for one.
    """

    def __init__(self, listening: socket.socket, size: int, token: str) -> None:
        self.size, self.token = size, token
        self.hint = ""  # how to go on
        self.memory: set[str] = set()  # files in /dev/shm through which workers speak, and which MPI does not remove when one is killed
        self.known: dict[socket.socket, dict[str, object]] = {}
        self.begun: dict[socket.socket, bytes] = {}  # lines whose end has not come yet
        self.quiet = False  # a worker has said itself what is wrong
        self.dead: list[dict[str, object]] = []
        self.left = 0
        self.selector = selectors.DefaultSelector()
        self.selector.register(listening, selectors.EVENT_READ, self.arrive)

    def watch(self) -> str | None:
        """Wait until all workers are gone; a sentence if one of them died, else None."""
        start = time.monotonic()
        while self.left < self.size and not self.quiet:
            if len(self.known) + self.left < self.size and time.monotonic() - start > PATIENCE:
                return None
            self.listen(TOGETHER)
            if self.dead:
                return self.sentence()
        return None

    def listen(self, seconds: float) -> None:
        """Take in what has happened; wait so long for something to happen."""
        for key, _ in self.selector.select(seconds):
            key.data(key.fileobj)

    def sentence(self) -> str | None:
        """What to say of the first death, unless its worker, or another, said something itself."""
        end = time.monotonic() + TOGETHER
        while time.monotonic() < end and not self.quiet:
            self.listen(max(0.0, end - time.monotonic()))
        if self.quiet:
            return None
        first = self.dead[0]
        return f"minicnn: worker {first['rank']} of {self.size} (process {first['pid']} on {first['host']}) has died, and the job with it. {self.hint}"

    def tidy(self) -> None:
        """Remove what dead workers have left in memory. Those that live a moment longer keep what they have opened."""
        for path in self.memory:
            with contextlib.suppress(OSError):
                Path(path).unlink()

    def arrive(self, listening: socket.socket) -> None:
        """A worker connects."""
        connection, _ = listening.accept()
        connection.settimeout(5)
        self.selector.register(connection, selectors.EVENT_READ, self.hear)

    def hear(self, connection: socket.socket) -> None:
        """A worker says something, or is gone."""
        try:
            heard = connection.recv(1 << 16)
        except OSError:
            heard = b""
        *lines, self.begun[connection] = (self.begun.get(connection, b"") + heard).split(b"\n")
        for line in lines:
            word, _, rest = line.decode(errors="replace").partition(" ")
            if word == self.token:
                self.known[connection] = json.loads(rest)
            elif connection in self.known:
                self.obey(connection, word, rest)
        if not heard:
            self.selector.unregister(connection)
            connection.close()
            if connection in self.known:
                self.dead.append(self.known.pop(connection))

    def obey(self, connection: socket.socket, word: str, rest: str) -> None:
        """A worker that is known says one of four things."""
        if word == "hint":
            self.hint = rest
        elif word == "memory":
            self.memory.add(rest)
        elif word == "failed":
            self.quiet = True
        elif word == "farewell":
            del self.known[connection]
            self.left += 1


def speak_through_the_launcher() -> int:
    """Make the standard error of the process that has started the job that of this one; the process, or 0 where it is not to be found, for it may run on another machine.

    The own one must be let go of: the launcher's helper waits until nobody holds it any more.
    """
    process = os.getppid()
    with contextlib.suppress(OSError, ValueError):  # no /proc, or a standard error that cannot be opened
        while process > 1:
            name, _, others = Path(f"/proc/{process}/stat").read_text().partition("(")[2].rpartition(")")
            if name.startswith(LAUNCHERS):
                error = os.open(f"/proc/{process}/fd/2", os.O_WRONLY | os.O_APPEND | os.O_NOCTTY)
                os.dup2(error, 2)
                os.close(error)
                return process
            process = int(others.split()[1])
    return 0


def say(sentence: str, launcher: int) -> None:
    """On the standard error. If that is a file, the launcher would write over it: there only when it has ended."""
    end = time.monotonic() + ENDS
    while launcher and stat.S_ISREG(os.fstat(2).st_mode) and Path(f"/proc/{launcher}").exists() and time.monotonic() < end:
        time.sleep(0.01)
    os.write(2, sentence.strip().encode() + b"\n")


def main() -> None:
    """Watch, and say it."""
    launcher = speak_through_the_launcher()
    descriptor, size, token = sys.argv[1:]
    watcher = Watcher(socket.socket(fileno=int(descriptor)), int(size), token)
    sentence = watcher.watch()
    if sentence is not None or watcher.quiet:
        watcher.tidy()
    if sentence is not None:
        say(sentence, launcher)


if __name__ == "__main__":
    main()
