"""Landlock: from a moment on, this process and all that it starts open only the files that are listed. Linux 5.13 and newer; `man 7 landlock`.

The kernel keeps watch, so that nothing that happens in the process, in Python or in machine code, gets around it, also as root.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # numbers of system calls, the same on all processors
NO_NEW_PRIVILEGES = 38  # of prctl
VERSION = 1  # asked instead of making a ruleset
BENEATH = 1  # the kind of a rule
EXECUTE, WRITE_FILE, READ_FILE, READ_FOLDER = 1, 2, 4, 8
MADE = 0b1_1111_1111_0000  # removing and making files, folders, links, sockets and devices
FILES_MADE = 0b1_1011_0000  # of these, files and folders only
MOVED, CUT = 1 << 13, 1 << 14  # from folder to folder, since version 2; truncating, since version 3
FOR_FILES = EXECUTE | WRITE_FILE | READ_FILE | CUT

_libc = ctypes.CDLL(None, use_errno=True)


def version() -> int:
    """Of Landlock in this kernel; 0 if there is none."""
    return max(0, int(_libc.syscall(CREATE_RULESET, None, 0, VERSION)))


def allow_only(*, read: Sequence[Path], list_folders: Sequence[Path] = (), execute: Sequence[Path] = (), write: Sequence[Path] = ()) -> None:
    """Shut everything else. A path stands for all that lies beneath it; one that is not there counts for nothing.

    Args:
        read: may be read.
        list_folders: the names in them, and in folders beneath, may be listed.
        execute: may be read and started.
        write: may be read and written; files and folders in it may be made and removed.

    Raises:
        OSError: the kernel does not have it.
    """
    handled = EXECUTE | WRITE_FILE | READ_FILE | READ_FOLDER | MADE | (MOVED if version() >= 2 else 0) | (CUT if version() >= 3 else 0)
    rules = _call(CREATE_RULESET, struct.pack("Q", handled), 8, 0)
    try:
        reading = READ_FILE | READ_FOLDER
        for paths, rights in ((list_folders, READ_FOLDER), (read, reading), (execute, reading | EXECUTE), (write, reading | WRITE_FILE | FILES_MADE | handled & (MOVED | CUT))):
            for path in paths:
                with suppress(FileNotFoundError, PermissionError):
                    _add(rules, path, rights if path.is_dir() else rights & FOR_FILES & handled)
        if _libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "no new privileges")
        _call(RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def _add(rules: int, path: Path, rights: int) -> None:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        _call(ADD_RULE, rules, BENEATH, struct.pack("=Qi", rights, place), 0)
    finally:
        os.close(place)


def _call(number: int, *arguments: int | bytes) -> int:
    done = int(_libc.syscall(number, *arguments))
    if done < 0:
        raise OSError(ctypes.get_errno(), f"Landlock: {os.strerror(ctypes.get_errno())}")
    return done
