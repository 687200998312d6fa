"""Shuts the process of a student in, before its code runs.

Where the kernel can do it (Linux), there are walls which nothing in the process gets over, be it Python or machine code: by `landlock` it can read Python's library and NumPy, and
write nothing; by `seccomp` it has no way to other processes and to the network. If the grader is root, the process becomes the user `nobody`, if that one can read Python.

There are limits on processor time (not on Windows) and memory (Linux). And everywhere `bounds` says in a sentence what is out of bounds.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minicnn.course.sandbox import bounds

if sys.platform == "linux":
    from minicnn.course.sandbox import landlock, seccomp

END_WITH_PARENT = 1  # of Linux's prctl: PR_SET_PDEATHSIG
NOBODY = 65534
TOOLCHAIN = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/alternatives")  # what a compiler reads
DEVICES = ("/dev/null", "/dev/urandom")
STANDARD = Path(os.__file__).resolve().parent  # Python's own modules
LARGEST = 64 * 2**20  # bytes of a file that a compiler writes
THREADS = "/proc/self/task"  # has a folder for each thread of this process


def step_down(folder: str = "") -> None:
    """End when the grader ends; and become nobody, if the process was started by root, and others can read Python.

    Args:
        folder: goes along.
    """
    if sys.platform != "linux":
        return
    if os.getuid() == 0 and _readable_by_all(Path(sys.prefix), Path(sys.base_prefix), Path(__file__)):
        with contextlib.suppress(OSError):  # root of a container, who may be nobody else: then the walls must do
            if folder:
                os.chown(folder, NOBODY, NOBODY)
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
    ctypes.CDLL(None).prctl(END_WITH_PARENT, 9)  # last, for a new user is a new beginning


def let_compile(folder: str, headers: Sequence[str], memory: int) -> None:
    """Until `close`, a compiler may run: what it translates can include nothing but the folder, the headers, and what comes with the compiler.

    Args:
        folder: where it writes.
        headers: folders.
        memory: bytes for each process.
    """
    if sys.platform != "linux":
        return
    _limit(memory, files=LARGEST)
    found = [Path(path).resolve().parent for name in ("g++", "clang++") if (path := shutil.which(name))]
    with contextlib.suppress(OSError):  # what is not to be had here, `close` says
        read, folders = [*library(), *map(Path, headers)], [STANDARD, Path(THREADS)]
        landlock.allow_only(read=read, list_folders=folders, execute=[*map(Path, TOOLCHAIN), *found], write=[Path(folder), *map(Path, DEVICES)])


def close(*, seconds: float, memory: int, folder: str = "") -> list[str]:
    """Shut the doors. Returns which walls stand: "files", "calls".

    Args:
        seconds: of processor time.
        memory: bytes more than the process has now; with a folder, `let_compile` has seen to it.
        folder: may still be read, and machine code in it loaded; so `bounds` does not watch.
    """
    _warm_up()
    readable = [*library(), *map(Path, DEVICES), *([Path(folder)] if folder else [])]
    _limit(None if folder else memory, seconds)
    walls = _build_walls(readable)
    if not folder:
        bounds.watch([str(path) for path in readable])
    return walls


def library() -> list[Path]:
    """Python's own files and NumPy's, without what else is installed, for minicnn may be there."""
    numpy = Path(np.__file__).resolve().parent
    parts = [part for part in sorted(STANDARD.iterdir()) if part.name not in ("site-packages", "dist-packages")]
    return [*parts, numpy, numpy.parent / "numpy.libs"]


def _build_walls(readable: Sequence[Path]) -> list[str]:
    walls: list[str] = []
    if sys.platform != "linux":
        return walls
    with contextlib.suppress(OSError):
        if len(list(Path(THREADS).iterdir())) != 1:
            raise RuntimeError("another thread is running, and would be outside the walls")
        landlock.allow_only(read=readable, list_folders=[STANDARD])
        walls.append("files")
    with contextlib.suppress(OSError):
        seccomp.allow_only_computing()
        walls.append("calls")
    return walls


def _limit(memory: int | None = None, seconds: float | None = None, files: int = 0) -> None:
    """Memory, processor time, the size of files; and, together with the time, processes. None is as it was."""
    if sys.platform == "win32":
        return
    import resource

    limits = {resource.RLIMIT_FSIZE: files, resource.RLIMIT_CORE: 0}
    if memory is not None and sys.platform == "linux":
        with contextlib.suppress(OSError):  # without /proc nobody knows how much there is already
            limits[resource.RLIMIT_AS] = memory + resource.getpagesize() * int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    if seconds is not None:
        limits |= {resource.RLIMIT_CPU: int(seconds) + 1, resource.RLIMIT_NOFILE: 64, resource.RLIMIT_NPROC: 0}
    for which, value in limits.items():
        hard = resource.getrlimit(which)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (value, value))


def _warm_up() -> None:
    """What loads something on first use does it now."""
    np.random.default_rng(0).standard_normal((4, 4)) @ np.linalg.inv(np.eye(4))
    np.einsum("ij,jk->ik", np.eye(2), np.eye(2))


def _readable_by_all(*paths: Path) -> bool:
    """Can everybody get there?"""
    everything = {parent for path in paths for parent in (path.resolve(), *path.resolve().parents)}
    return all(path.stat().st_mode & (stat.S_IXOTH if path.is_dir() else stat.S_IROTH) for path in everything)
