"""Compiles a loop with Numba, once per machine.

The machine code is kept on disk, beside the source or in the user's cache folder. Where neither is writable Numba raises as soon as a function is
defined, so the first failure switches the cache off for the rest of the process.

Numba throws away what it has kept of a function when the function's file changes. But a loop contains what it calls, and that may stand in another
file: `winograd.py` would go on with the matrix product of last week. So here it is thrown away when any file of this folder has changed.
"""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core.caching import FunctionCache, IndexDataCacheFile

OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"reassoc", "contract", "nsz"}}

F = TypeVar("F", bound=Callable[..., Any])
_cache = True


def jit(function: F) -> F:
    """Compile `function` without the Python interpreter and without the interpreter's lock, so that threads overlap.

    Sums may be reordered (`fastmath` for associativity and contraction only): NaN and Inf keep their meaning. A division by zero gives them, as in
    NumPy, and raises nothing: to look for it would take a branch, and vectors have none.

    Numba counts the users of an array, as Python does. To call the counter, all registers must go to memory: once for each tile of a product, that
    took half of the time of small ones. Arrays that the caller keeps need not be counted, so here nothing is.
    """
    return _compiled(function, {**OPTIONS, "_nrt": False})


def jit_counted(function: F) -> F:
    """The same, and users are counted: for a function that makes arrays, or assigns to slices of them."""
    return _compiled(function, OPTIONS)


def _compiled(function: F, options: dict[str, Any]) -> F:
    global _cache  # noqa: PLW0603 - one answer for the whole process
    compiled: Any = numba.njit(**options)(function)
    if _cache:
        try:
            compiled._cache = _FolderCache(function)
        except RuntimeError:  # no folder for the cache can be written
            _cache = False
    return compiled


class _FolderCache(FunctionCache):  # type: ignore[misc]
    """Numba's cache, valid as long as no file of this folder changes."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file = IndexDataCacheFile(self._cache_path, self._impl.filename_base, source_stamp=_contents())


@cache
def _contents() -> str:
    """A digest of the source of all compiled loops."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
