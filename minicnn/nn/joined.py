"""A layer and the ReLU behind it as one operation, where the backend has a kernel for both.

A ReLU does little: a comparison for each number. But on its own it reads and writes all of them, and memory is slow. The backend `numba` clips results while
they are at hand. On every other backend, and where a hook wants to see what is between the two, they stay two operations.
"""

import math
from collections.abc import Sequence

from minicnn.autograd import Tensor
from minicnn.backend import get_backend
from minicnn.errors import ArgumentError
from minicnn.nn.activation import ReLU, ReLU6
from minicnn.nn.batch_norm import BatchNorm
from minicnn.nn.module import Module
from minicnn.ops import relu, relu6

CEILINGS: dict[type[Module], float] = {ReLU: math.inf, ReLU6: 6.0}


def norm_relu(norm: Module, x: Tensor, ceiling: float = math.inf) -> Tensor:
    """min(max(norm(x), 0), ceiling), for a ceiling of infinity (ReLU) or 6 (ReLU6).

    Raises:
        ArgumentError: another ceiling.

    Example:
        >>> import minicnn
        >>> from minicnn import nn
        >>> norm_relu(nn.BatchNorm2d(16), minicnn.ones(8, 16, 5, 7)).shape
        (8, 16, 5, 7)
    """
    if ceiling not in CEILINGS.values():
        raise ArgumentError(f"norm_relu: ceiling must be infinity (ReLU) or 6 (ReLU6), not {ceiling!r}")
    if can_join(norm):
        y: Tensor = norm(x, ceiling=ceiling)
        return y
    return relu6(norm(x)) if ceiling == 6 else relu(norm(x))


def ceiling_behind(modules: Sequence[Module], i: int) -> float | None:
    """The ceiling of the ReLU at i + 1, if it can be joined with the module at i; else None."""
    if i + 1 == len(modules) or not can_join(modules[i]):
        return None
    follower = modules[i + 1]
    return None if is_watched(follower) else CEILINGS.get(type(follower))


def can_join(norm: Module) -> bool:
    """It is a batch norm as it stands here, nobody looks at its output, and the backend has a kernel for it with a ReLU."""
    plain = isinstance(norm, BatchNorm) and type(norm).forward is BatchNorm.forward and not is_watched(norm)
    return plain and get_backend().kernel("batch_norm_relu").source == "cpu"


def is_watched(module: Module) -> bool:
    """It has hooks."""
    return bool(module._hooks or module._pre_hooks)
