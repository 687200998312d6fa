"""A layer and what is behind it as one operation, where the backend has a kernel for both: a ReLU, or an addition and a ReLU.

A ReLU does little: a comparison for each number. But on its own it reads and writes all of them, and memory is slow. The backends `numba`, `cupy` and `cudasim`
clip results while they are at hand, and the last two add a residual before. On every other backend, and where a hook wants to see what is in between, all stay
operations of their own.
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


JOINS_RELU, JOINS_ADDITION = ("cpu", "cuda"), ("cuda",)  # folders of kernels


def norm_relu(norm: Module, x: Tensor, ceiling: float = math.inf, residual: Tensor | None = None) -> Tensor:
    """min(max(norm(x), 0), ceiling), for a ceiling of infinity (ReLU) or 6 (ReLU6); with a residual, of norm(x) + residual.

    Shapes:
        x: any that the norm takes; residual and result have the same.

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
    y: Tensor
    if residual is None and can_join(norm):
        y = norm(x, ceiling=ceiling)
        return y
    if residual is not None and can_join_addition(norm, x, residual):
        y = norm(x, ceiling=ceiling, residual=residual)
        return y
    y = norm(x) if residual is None else norm(x) + residual
    return relu6(y) if ceiling == 6 else relu(y)


def ceiling_behind(modules: Sequence[Module], i: int) -> float | None:
    """The ceiling of the ReLU at i + 1, if it can be joined with the module at i; else None."""
    if i + 1 == len(modules) or not can_join(modules[i]):
        return None
    follower = modules[i + 1]
    return None if is_watched(follower) else CEILINGS.get(type(follower))


def can_join(norm: Module) -> bool:
    """It is a batch norm as it stands here, nobody looks at its output, and the backend has a kernel for it with a ReLU."""
    return _is_plain(norm) and get_backend().kernel("batch_norm_relu").source in JOINS_RELU


def can_join_addition(norm: Module, x: Tensor, residual: Tensor) -> bool:
    """Likewise for an addition and a ReLU; and nothing is broadcast or converted in the addition."""
    alike = residual.shape == x.shape and residual.dtype == x.dtype
    return alike and _is_plain(norm) and get_backend().kernel("batch_norm_add_relu").source in JOINS_ADDITION


def _is_plain(norm: Module) -> bool:
    return isinstance(norm, BatchNorm) and type(norm).forward is BatchNorm.forward and not is_watched(norm)


def is_watched(module: Module) -> bool:
    """It has hooks."""
    return bool(module._hooks or module._pre_hooks)
