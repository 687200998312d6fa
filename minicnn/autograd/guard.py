"""Notices when a tensor that backward still needs has been edited in place.

What backward needs is in the node's `saved`. A tensor whose memory overlaps an array in there is guarded: the count of
its edits is noted when the node is recorded, and compared when backward comes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minicnn.autograd.convert import is_array
from minicnn.autograd.tensor import Tensor, Version
from minicnn.errors import AutogradError
from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array

HARMLESS = (int, float, str, bytes, slice, np.generic, np.dtype, type(None))


@dataclass(frozen=True, slots=True)
class Guard:
    """The count of edits of a tensor's memory at the time it was needed, and what the tensor was."""

    version: Version
    count: int
    role: str
    shape: tuple[int, ...]

    def check(self, name: str) -> None:
        """Raise if the memory has been edited since.

        Raises:
            AutogradError: names the operation `name`, and which of its tensors it is.
        """
        edits = self.version.count - self.count
        if edits:
            raise AutogradError(
                f"backward of {name} needs its {self.role} of shape {self.shape} as it was, but it has been edited in place "
                f"{edits} time(s) since; do the edit after backward(), or on a copy"
            )


def guards(saved: Any, inputs: Sequence[Tensor | None], y: Tensor) -> list[Guard]:
    """Guards for those of the tensors whose memory is in `saved`; for all, if `saved` cannot be looked through."""
    kept = leaves(saved)
    opaque = not all(is_array(leaf) for leaf in kept)
    named = [(f"input {i}", t) for i, t in enumerate(inputs) if t is not None] + [("result", y)]
    return [Guard(t.version, t.version.count, role, t.shape) for role, t in named if opaque or _overlaps(t.data, kept)]


def leaves(saved: Any) -> list[Any]:
    """The arrays in nested tuples, lists and dicts, and everything of which it is unknown what it holds."""
    found, left = [], [saved]
    while left:
        item = left.pop()
        if isinstance(item, (tuple, list)):
            left.extend(item)
        elif isinstance(item, HARMLESS):
            continue
        elif not isinstance(item, np.ndarray) and isinstance(item, Mapping):
            left.extend(item.values())
        else:
            found.append(item)
    return found


def _overlaps(data: Array, kept: list[Array]) -> bool:
    """Arrays in two places, the computer's memory and a GPU's, share nothing."""
    xp = array_module(data)
    return any(data is array or (array_module(array) is xp and xp.may_share_memory(data, array)) for array in kept)
