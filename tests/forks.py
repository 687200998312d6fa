"""Python processes that have their imports behind them: a server imports once, and forks for each process that is asked for. Linux only.

Each is as a new one would be after those imports: it leads a session of its own, ends as Python does, and nothing that it does reaches the others.
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys


class Server:
    """Forks.

    Args:
        options: of Python.
        first: the text that it runs once, at the beginning.
        environment: of the server, and of what it forks if nothing else is said.
    """

    def __init__(self, options, first, environment=None):
        self._connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            number = theirs.fileno()
            self._process = subprocess.Popen([sys.executable, *options, __file__, str(number), first], pass_fds=[number], env=environment, stdin=subprocess.DEVNULL)

    def start(self, text, stdin, stdout, stderr, *, folder, environment=None):
        """A process that runs a text as its program, between these files, in that folder."""
        report, theirs = os.pipe()
        order = json.dumps({"text": text, "folder": str(folder), "environment": environment}).encode()
        try:
            socket.send_fds(self._connection, [order], [file.fileno() for file in (stdin, stdout, stderr)] + [theirs])
        finally:
            os.close(theirs)
        return Fork(os.fdopen(report, encoding="ascii"))

    def close(self):
        """End the server; what it has forked goes on."""
        self._connection.close()
        self._process.wait()


class Fork:
    """Such a process, with what tests use of `subprocess.Popen`."""

    stdin = stdout = stderr = returncode = None

    def __init__(self, report):
        self._report = report
        self.pid = int(report.readline())

    def poll(self):
        """Its exit code, or None while it runs."""
        return self.wait() if self.returncode is not None or select.select([self._report], [], [], 0)[0] else None

    def wait(self, timeout=None):
        """For its end."""
        if self.returncode is None:
            if not select.select([self._report], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("a fork", timeout)
            with self._report:
                self.returncode = int(self._report.readline())
        return self.returncode

    def kill(self):
        """End it."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def fork_for_each(connection):
    """In the server: fork for each order; returns in the new process what that one is to run."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that watch
    while True:
        order, files, _, _ = socket.recv_fds(connection, 1 << 20, 4)
        if not order:
            connection.close()
            sys.exit()
        if not os.fork():
            break
        for file in files:
            os.close(file)
    connection.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    *streams, report = files
    if child := os.fork():
        for file in streams:
            os.close(file)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.write(report, f"{code}\n".encode())
        os._exit(0)
    os.setsid()
    os.write(report, f"{os.getpid()}\n".encode())
    os.close(report)
    for number, file in enumerate(streams):
        os.dup2(file, number)
        os.close(file)
    return json.loads(order)


if __name__ == "__main__":
    if not sys.flags.safe_path:
        sys.path[0] = ""  # as for `python -c`: not the folder of this file
    given = socket.socket(fileno=int(sys.argv[1]))
    exec(sys.argv[2], {"__name__": "__main__"})  # noqa: S102
    todo = fork_for_each(given)
    if todo["environment"] is not None:
        os.environ.clear()
        os.environ.update(todo["environment"])
    os.chdir(todo["folder"])
    sys.argv[:] = ["-c"]
    exec(compile(todo["text"], "<string>", "exec"), {"__name__": "__main__", "__builtins__": __builtins__})  # noqa: S102
