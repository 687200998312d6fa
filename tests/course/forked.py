"""Answers judged in processes that are forked, where they are many and walls are not the subject: each takes hundredths of a second to start, not tenths.

What happens in them is the same: the process steps down, builds its walls, and runs the answer. What they compile they find again if one before has compiled the same.
"""

import contextlib
import os
import shutil
from pathlib import Path

from minicnn.course.sandbox import process
from tests.forks import Server

FIRST = f"""
import sys, types
for name, folder in (("minicnn", {str(Path(process.__file__).parents[2])!r}), ("minicnn.course", {str(Path(process.__file__).parents[1])!r})):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [folder]
import minicnn.course.sandbox.served
"""
MAIN = "from minicnn.course.sandbox.served import main\nmain()"
COMPILED = Path("minicnn", "simulator")  # in the folder of a process that compiles


class Forked:
    """Starts the processes of answers.

    Args:
        library: a folder for what they have compiled.
    """

    def __init__(self, library):
        self.library = library
        self.server = Server(process.OPTIONS, FIRST, process.environment(""))

    def start(self, folder):
        """In the place of `process.start`."""
        pipes = [os.pipe() for _ in range(3)]
        inside = [os.fdopen(pipes[0][0], "rb"), os.fdopen(pipes[1][1], "wb"), os.fdopen(pipes[2][1], "wb")]
        outside = [os.fdopen(pipes[0][1], "wb", buffering=0), os.fdopen(pipes[1][0], "rb"), os.fdopen(pipes[2][0], "rb")]
        with contextlib.ExitStack() as end:
            for file in inside:
                end.enter_context(file)
            if folder:
                self.lend(Path(folder))
            fork = self.server.start(MAIN, *inside, folder=folder or os.sep, environment=process.environment(folder))
        fork.stdin, fork.stdout, fork.stderr = outside
        if folder:
            wait = fork.wait
            fork.wait = lambda: self.take_back(Path(folder), wait())
        return fork

    def lend(self, folder):
        """All that is compiled, for whoever the process is going to be."""
        place = folder / COMPILED
        place.mkdir(parents=True)
        for path in self.library.glob("*.so"):
            shutil.copy(path, place)
        for path in (place, place.parent, *place.iterdir()):
            path.chmod(0o777)

    def take_back(self, folder, code):
        """What it has compiled; returns its exit code."""
        for path in (folder / COMPILED).glob("*.so"):
            if not (self.library / path.name).exists():
                shutil.copy(path, self.library)
        return code
