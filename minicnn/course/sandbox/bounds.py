"""What is out of bounds, in sentences: modules other than Python's own and NumPy, and an audit hook for files, processes and the network.

They are for people who have forgotten something. Python can be persuaded to go around both; `landlock` and `seccomp` cannot.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

OPEN = frozenset({"numpy", *sys.stdlib_module_names})
EVENTS = (  # what is asked of the system, by the beginning of the event's name
    "socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.kill", "os.chmod", "os.chown", "os.link", "os.symlink", "os.remove", "os.rmdir",
    "os.mkdir", "os.rename", "os.truncate", "pty.", "ctypes.", "shutil.", "urllib.", "ftplib.", "smtplib.", "webbrowser.", "sqlite3.", "syslog.", "signal.pthread_kill", "sys.remote_exec",
)  # fmt: skip


class _Closed(ModuleType):
    """A module that may be imported, as one forgets `import matplotlib` in an answer, and not used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise ImportError(f"{self.__name__} is out of bounds while your code is checked: write it yourself, with NumPy")


class _Finder(MetaPathFinder, Loader):
    """Finds everything that is not open, and makes closed modules of it."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:  # noqa: ARG002 - Python's
        return None if fullname.partition(".")[0] in OPEN else ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Closed(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


def close_modules() -> None:
    """All but Python's own and NumPy."""
    for name in [name for name in sys.modules if name.partition(".")[0] not in OPEN | {"__main__"}]:
        del sys.modules[name]
    sys.meta_path.insert(0, _Finder())


def watch(readable: Sequence[str]) -> None:
    """From now on an error is raised when something is opened that is not in these files and folders, or anything is written, started or connected."""
    real = tuple(map(os.path.realpath, readable))
    sys.addaudithook(lambda event, args: _ask(event, args, real))


def _ask(event: str, args: tuple[Any, ...], readable: Sequence[str]) -> None:
    """Called before everything that Python reports; an error forbids it."""
    if event == "open":
        _ask_for_file(args, readable)
    elif event.startswith(EVENTS):
        raise PermissionError(f"{event} is out of bounds: the checks run your code without network, other processes and libraries")


def _ask_for_file(args: tuple[Any, ...], readable: Sequence[str]) -> None:
    path, mode, flags = args
    if isinstance(path, int):
        return
    if any(letter in (mode or "") for letter in "wax+") or bool((flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)):
        raise PermissionError(f"{path!r} may not be written: no files are written while your code is checked")
    real = os.path.realpath(os.fsdecode(path))
    if not any(real == place or real.startswith(place + os.sep) for place in readable):
        raise PermissionError(f"{path!r} may not be read while your code is checked")
