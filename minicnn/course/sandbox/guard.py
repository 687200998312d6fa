"""What the process of a student may not do. `close(...)` shuts the doors, one after the other.

- Limits of the system on processor time, memory, size of files and number of processes (POSIX).
- Without a network of its own (Linux, where the system allows it), and as the user `nobody` if it was started by root.
- An audit hook, which Python calls before it opens a file, a socket or a library, starts a process or imports a module.

This keeps mistakes and the usual tricks from spoiling anything. It is no wall: the hook is Python in the same process, and who knows how can take it apart, read what the user of the grader can read, and send
signals to that user's processes. Against that, grade in a container that has nothing in it but the submissions.
"""

from __future__ import annotations

import importlib
import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

USUAL = (  # modules that a solution may want: there before the doors close
    "abc", "array", "bisect", "collections.abc", "contextlib", "copy", "dataclasses", "decimal", "enum", "fractions", "functools", "heapq", "inspect",
    "itertools", "json", "linecache", "math", "numbers", "operator", "pprint", "random", "re", "statistics", "string", "textwrap", "time", "traceback", "types",
    "typing", "warnings", "numpy.random", "numpy.linalg", "numpy.lib.stride_tricks", "numpy.testing", "unittest.mock",
)  # fmt: skip
CLOSED = ("torch", "torchvision", "tensorflow", "jax", "keras", "scipy", "sklearn", "autograd", "cupy", "numba", "chainer", "tinygrad", "mlx", "multiprocessing", "minicnn.testing", "minicnn.course")
EVENTS = (  # what is asked of the system, by the beginning of the event's name
    "socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.kill", "os.putenv", "os.chmod", "os.chown", "os.link", "os.symlink",
    "os.rename", "os.truncate", "pty.", "ctypes.", "shutil.", "urllib.", "ftplib.", "smtplib.", "webbrowser.", "sqlite3.", "syslog.", "signal.pthread_kill", "sys.remote_exec",
)  # fmt: skip
UNTOLD = ("pidfd_open", "pidfd_send_signal", "prlimit", "sched_setaffinity", "sched_setparam", "sched_setscheduler", "setpriority", "mkfifo", "mknod", "utime", "chroot")
END_WITH_PARENT = 1  # of Linux's prctl: PR_SET_PDEATHSIG
NOBODY = 65534
NEW_USER, NEW_NETWORK = 0x10000000, 0x40000000  # of Linux's unshare


class OutOfBoundsError(RuntimeError):
    """What the code wants is not open to it while it is checked."""


def close(*, seconds: float, memory: int, files: int, modules: Sequence[str], hidden: Sequence[str]) -> None:
    """Shut the doors.

    Args:
        seconds: of processor time.
        memory: bytes more than the process has now.
        files: bytes of the largest file.
        modules: out of bounds besides `CLOSED`, with what is in them.
        hidden: folders and files that may not be read.
    """
    for name in USUAL:
        importlib.import_module(name)
    warm_up()
    if sys.platform == "linux":
        _leave_the_network()
        if os.getuid() == 0 and _readable_by_all(Path(sys.prefix), Path(sys.base_prefix), Path(__file__)):
            _become_nobody()
    if sys.platform == "linux":
        _end_with_the_grader()
    if sys.platform != "win32":
        _set_limits(seconds, memory, files)
    _take_away()
    closed = (*CLOSED, *modules)
    for name in [name for name in sys.modules if _is_in(name, closed) and not name.startswith("minicnn.course")]:
        del sys.modules[name]
    away = tuple(os.path.realpath(path) for path in hidden)
    home = os.path.realpath(Path.cwd())
    sys.addaudithook(lambda event, args: _ask(event, args, closed, away, home))


def warm_up() -> None:
    """What loads something on first use does it now."""
    import numpy as np

    np.random.default_rng(0).standard_normal((4, 4)) @ np.linalg.inv(np.eye(4))
    np.einsum("ij,jk->ik", np.eye(2), np.eye(2))


def _ask(event: str, args: tuple[Any, ...], closed: Sequence[str], away: Sequence[str], home: str) -> None:
    """Called before everything that Python reports; an error forbids it."""
    if event == "open":
        _ask_for_file(args, away, home)
    elif event == "import":
        if _is_in(str(args[0]), closed):
            raise OutOfBoundsError(f"{args[0]} is out of bounds in this question: write it yourself, with NumPy")
    elif event in ("os.remove", "os.rmdir", "os.mkdir", "os.listdir", "os.scandir"):
        if not _is_under(os.path.realpath(os.fsdecode(args[0] or ".") if not isinstance(args[0], int) else home), (home,)):
            raise OutOfBoundsError("files outside the working folder are out of bounds while your code is checked")
    elif event.startswith(EVENTS):
        raise OutOfBoundsError(f"{event} is out of bounds: the checks run your code without network, other processes and libraries")


def _ask_for_file(args: tuple[Any, ...], away: Sequence[str], home: str) -> None:
    path, mode, flags = args
    if isinstance(path, int):
        return
    real = os.path.realpath(os.fsdecode(path))
    writes = any(letter in (mode or "") for letter in "wax+") or bool((flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC))
    if writes and not _is_under(real, (home, os.devnull)):
        raise OutOfBoundsError(f"{path!r} may not be written: while your code is checked it may write into its working folder only")
    if _is_under(real, away) or real.startswith("/proc/"):
        raise OutOfBoundsError(f"{path!r} may not be read while your code is checked")


def _is_in(name: str, modules: Sequence[str]) -> bool:
    return any(name == module or name.startswith(module + ".") for module in modules)


def _is_under(path: str, folders: Sequence[str]) -> bool:
    return any(path == folder or path.startswith(folder + os.sep) for folder in folders)


def _set_limits(seconds: float, memory: int, files: int) -> None:
    import resource

    def at_most(which: int, value: int) -> None:
        hard = resource.getrlimit(which)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (value, value))

    at_most(resource.RLIMIT_CORE, 0)
    at_most(resource.RLIMIT_CPU, int(seconds) + 1)
    at_most(resource.RLIMIT_FSIZE, files)
    at_most(resource.RLIMIT_NOFILE, 64)
    if sys.platform == "linux":
        now = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        at_most(resource.RLIMIT_AS, now + memory)
        at_most(resource.RLIMIT_NPROC, 0)


def _leave_the_network() -> None:
    """Into a namespace without any, if the system lets us."""
    import ctypes

    libc = ctypes.CDLL(None)
    if not hasattr(libc, "unshare"):
        return
    libc.unshare(NEW_NETWORK if os.getuid() == 0 else NEW_USER | NEW_NETWORK)


def _end_with_the_grader() -> None:
    """Or an endless loop would go on for ever when the grader is killed. Not before the user is changed, for that forgets it."""
    import ctypes

    ctypes.CDLL(None).prctl(END_WITH_PARENT, 9)


def _take_away() -> None:
    """Functions that reach other processes, or files, and of which Python tells no audit hook."""
    for module in map(sys.modules.get, ("os", "posix", "signal", "resource")):
        for name in UNTOLD:
            if module is not None and hasattr(module, name):
                delattr(module, name)


def _become_nobody() -> None:
    os.chown(Path.cwd(), NOBODY, NOBODY)
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def _readable_by_all(*paths: Path) -> bool:
    """Can everybody get there?"""
    everything = {parent for path in paths for parent in (path.resolve(), *path.resolve().parents)}
    return all(path.stat().st_mode & (stat.S_IXOTH if path.is_dir() else stat.S_IROTH) for path in everything)
