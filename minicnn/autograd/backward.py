"""The walk back through the graph: reverse-mode automatic differentiation."""

from __future__ import annotations

from collections import Counter
from typing import Any

from minicnn.autograd.anomaly import anomaly_enabled
from minicnn.autograd.convert import plain
from minicnn.autograd.function import Function
from minicnn.autograd.ready import listener
from minicnn.autograd.tensor import Tensor
from minicnn.autograd.total import total
from minicnn.backend import get_backend
from minicnn.capture import is_capturing
from minicnn.errors import AutogradError, NonFiniteError, ShapeError
from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array
from minicnn.place import require_there


def backward(root: Tensor, gradient: Any = None) -> None:
    """Add d root / d leaf to the `grad` of every leaf that `root` was computed from, and free the graph.

    The chain rule from the end to the start. Each function receives the sum of the gradients that all of its users sent
    back, and only then passes its own on; so no path is walked twice. Loops, not recursion: depth is no limit.

    Args:
        root: usually the loss.
        gradient: the gradient of `root` itself, of the same shape; 1 for a tensor with one element.

    Raises:
        AutogradError: nothing was recorded, the graph has been freed by an earlier call, or a tensor that is still needed
            was edited in place.
        ShapeError: `root` has several elements and no `gradient` is given, or one of another shape.
        NonFiniteError: the loss is NaN or Inf.
    """
    if not root.requires_grad:
        raise AutogradError(
            "backward() on a tensor that was not recorded: none of its inputs has requires_grad=True, "
            "or it was computed inside no_grad(), or detached (a gradient is a plain number here: second derivatives are not recorded)"
        )
    dy, tell = _initial_gradient(root, gradient), listener()
    if root.creator is None:
        _accumulate(root, dy)
        if tell is not None:
            tell(root)
        return
    users = _count_users(root.creator)
    pending: dict[Function, Array] = {root.creator: dy}
    ready = [root.creator]
    while ready:
        node = ready.pop()
        dy = pending.pop(node)
        if node.retained is not None:
            _accumulate(node.retained, dy)
        gradients, edges, are_new = node.pull_back(dy), node.edges, node.gives_new_arrays
        if not node.outlives_backward:
            node.free()
        for edge, dx in zip(edges, gradients, strict=True):
            if isinstance(edge, Tensor) and dx is not None:
                _accumulate(edge, dx, are_new)
                users[edge] -= 1
                if tell is not None and users[edge] == 0:
                    tell(edge)
            elif isinstance(edge, Function) and dx is not None:
                pending[edge] = total(pending[edge], dx) if edge in pending else dx
                users[edge] -= 1
                if users[edge] == 0:
                    ready.append(edge)


def _initial_gradient(root: Tensor, gradient: Any) -> Array:
    xp = array_module(root.data)
    if gradient is not None:
        dy = xp.asarray(plain(gradient), dtype=root.dtype)
        if dy.shape != root.shape:
            raise ShapeError(f"backward(gradient): the gradient has shape {dy.shape}, but the tensor has {root.shape}")
        return dy
    if root.size != 1:
        raise ShapeError(f"backward() starts from one number, but this tensor has shape {root.shape}: sum or average it, or pass its gradient")
    may_overflow = root.creator is not None and root.creator.result_may_overflow
    if not may_overflow and not anomaly_enabled() and not is_capturing() and not bool(xp.isfinite(root.data).all()):
        raise NonFiniteError(
            f"the loss is {root.item()}, and so would be every gradient: lower the learning rate, look for log(0) or a division by 0, "
            "or run this step inside `with minicnn.detect_anomaly():` to be told which operation it was"
        )
    return xp.ones_like(root.data)


def _count_users(root: Function) -> Counter[Function | Tensor]:
    """How many times the result of each function, and each leaf, is used by the functions between it and the root."""
    users: Counter[Function | Tensor] = Counter()
    stack, seen = [root], {root}
    while stack:
        node = stack.pop()
        if node.freed:
            raise AutogradError(
                "backward() walked through this graph before, and it was freed then: compute the loss again, "
                "or add up the losses that share a part and call backward() once on the sum"
            )
        for edge in node.edges:
            if edge is None:
                continue
            users[edge] += 1
            if isinstance(edge, Function) and edge not in seen:
                seen.add(edge)
                stack.append(edge)
    return users


def _accumulate(leaf: Tensor, gradient: Array, is_new: bool = False) -> None:
    """Add to `grad`, always into memory of its own: as a rule a copy, for a function may return one array for two inputs, or one that it was given."""
    basics = get_backend().basics
    require_there("backward", gradient, leaf.data)
    leaf.grad = Tensor.wrap((gradient if is_new else basics.copy(gradient)) if leaf.grad is None else basics.add(leaf.grad.data, gradient))
