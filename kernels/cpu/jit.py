"""Compiles a loop with Numba, once per machine.

`cache=True` keeps the machine code on disk, beside the source or in the user's cache folder. Where neither is writable
Numba raises as soon as a function is defined, so the first failure switches the cache off for the rest of the process.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])
_cache = True


def jit(function: F) -> F:
    """Compile `function` without the Python interpreter and without the interpreter's lock, so that threads overlap.

    Sums may be reordered (`fastmath` for associativity and contraction only): NaN and Inf keep their meaning.
    """
    global _cache  # noqa: PLW0603 - one answer for the whole process
    options: dict[str, Any] = {"nogil": True, "fastmath": {"reassoc", "contract", "nsz"}}
    if _cache:
        try:
            return numba.njit(cache=True, **options)(function)
        except RuntimeError:  # no folder for the cache can be written
            _cache = False
    return numba.njit(**options)(function)
