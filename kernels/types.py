"""The two types that every kernel folder shares."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, Any]
"""An array of NumPy, or of any library that follows its interface (CuPy)."""

Window: TypeAlias = tuple[int, int]
"""(height, width)."""

Padding: TypeAlias = tuple[int, int, int, int]
"""(top, bottom, left, right)."""

Saved: TypeAlias = Any
"""What a forward kernel hands to its backward. Only the folder that made it knows what is inside."""

Needs: TypeAlias = tuple[bool, ...]
"""One entry per array argument of the forward kernel: is its gradient wanted?"""


@dataclass(frozen=True, slots=True)
class Kernel:
    """The forward and backward of one operation, and where they come from.

    `forward(*arrays, **attributes)` returns `(y, saved)`; `backward(dy, saved, *, needs)` returns one gradient per array
    argument, None for each that is not needed or not differentiable (labels).
    """

    op: str
    source: str
    forward: Callable[..., tuple[Any, Saved]]
    backward: Callable[..., tuple[Array | None, ...]]
