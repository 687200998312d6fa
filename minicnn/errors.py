"""Every error that minicnn raises on purpose, and the three helpers that make messages helpful.

All of them derive from `MinicnnError`, so that the command line can turn any of them into one sentence, and each also
derives from the built-in exception that a Python programmer would expect (`ValueError`, `TypeError`, ...).

An error raised inside a network says in which layer: while it travels up through `Module.__call__`, each module
adds its place, so that the message ends up as

    features.3 Conv2d(16, 32, kernel_size=5): input has 3 channels, expected 16; x is (8, 3, 32, 32)

The operation's own "conv2d: " in front of the message is left out there, for the layer says it already.
"""

import difflib
import re
import sys
from collections.abc import Iterable
from pathlib import Path


class MinicnnError(Exception):
    """Base of all errors of this package. `str(error)` is one clear sentence, with the layer's path in front."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.layer = ""           # repr of the innermost module, e.g. "Conv2d(16, 32, kernel_size=5)"
        self.path: list[str] = []  # names of the modules around it, innermost first
        self.module: object = None  # the module that the error has passed through last

    def __str__(self) -> str:
        path = ".".join(reversed(self.path))
        where = " ".join(part for part in (path, self.layer) if part)
        return f"{where}: {self._message_in_layer()}" if where else self.message

    def _message_in_layer(self) -> str:
        op, _, rest = self.message.partition(": ")
        layer = self.layer.partition("(")[0]
        return rest if rest and _plain(op) == _plain(layer) else self.message


class ShapeError(MinicnnError, ValueError):
    """An array has the wrong shape, or sizes do not fit together."""


class DtypeError(MinicnnError, TypeError):
    """An array has the wrong element type."""


class ArgumentError(MinicnnError, ValueError):
    """A value is outside its range, or a name is unknown."""


class IndexingError(MinicnnError, IndexError):
    """An index points outside a tensor, or is none."""


class AutogradError(MinicnnError, RuntimeError):
    """The graph cannot be walked: freed, edited in place, or not recorded at all."""


class NonFiniteError(MinicnnError, ArithmeticError):
    """NaN or Inf where a finite number is needed."""


class BackendError(MinicnnError, RuntimeError):
    """A backend is unknown or cannot run on this machine."""


class OutOfMemoryError(MinicnnError, MemoryError):
    """The memory of the GPU is full."""


class SimulatorError(MinicnnError, RuntimeError):
    """A CUDA kernel does not compile, is called with the wrong arguments, or does what it must not."""


class CheckpointError(MinicnnError, RuntimeError):
    """A file of weights is missing, truncated, or belongs to another network."""


class DownloadError(MinicnnError, RuntimeError):
    """A file cannot be had from the network, or is another one than it should be."""


class DataError(MinicnnError, RuntimeError):
    """A sample of a dataset cannot be had: it raised, is malformed, or the worker process that made it has ended."""


class CommunicationError(MinicnnError, RuntimeError):
    """Processes that work together do not understand each other: one has ended, or they sent what the others do not expect."""


class StateDictError(MinicnnError, KeyError):
    """A state dict does not match the module: entries missing, unexpected, or of another shape."""

    __str__ = MinicnnError.__str__  # KeyError would show the message in quotes


def _plain(name: str) -> str:
    """What the names of a layer and of its operation have in common: "batchnorm" in BatchNorm2d and batch_norm."""
    return re.sub(r"_|[12]d$|loss$", "", name.lower())


def nearest(name: str, known: Iterable[str]) -> str:
    """Sentence that helps after an unknown name: the nearest known one, and all of them.

    >>> nearest("ResNet81", ["LeNet5", "ResNet18"])
    'did you mean ResNet18? Known: LeNet5, ResNet18'
    """
    known = sorted(known)
    by_lower = {k.lower(): k for k in known}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.5)
    guess = f"did you mean {by_lower[close[0]]}? " if close else ""
    return f"{guess}Known: {', '.join(known) or 'none'}"


def listing(items: Iterable[object], limit: int = 8) -> str:
    """Comma-separated items, cut after `limit` with a count of the rest.

    >>> listing("abcde", limit=3)
    'a, b, c and 2 more'
    """
    texts = [str(item) for item in items]
    shown = ", ".join(texts[:limit])
    return shown if len(texts) <= limit else f"{shown} and {len(texts) - limit} more"


def install(extra: str) -> str:
    """How to install an extra, into the Python that runs this: a bare `pip` may belong to another.

    Always from the checkout: the name minicnn on PyPI belongs to another project.

    >>> '-m pip install -e ".[viz]"' in install("viz")
    True
    """
    root = Path(__file__).resolve().parents[1]
    where = f"in {root}" if (root / "pyproject.toml").is_file() else "in the checkout of minicnn"
    return f'{sys.executable} -m pip install -e ".[{extra}]"   ({where})'
