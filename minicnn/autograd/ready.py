"""Who is told, during a backward pass, that the gradient of a tensor is complete: nobody, as a rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from minicnn.autograd.tensor import Tensor

_listener: ContextVar[Callable[[Tensor], None] | None] = ContextVar("minicnn_ready", default=None)


def listener() -> Callable[[Tensor], None] | None:
    """The function that is told, in this thread, or None."""
    return _listener.get()


@contextmanager
def when_ready(function: Callable[[Tensor], None]) -> Iterator[None]:
    """Inside, `backward` calls `function(leaf)` as soon as all paths to a leaf have been walked, while it goes on with others.

    So what needs the gradients, such as sending them to other workers, can begin before the walk is over. A leaf that the loss does not depend on is
    never reported.

    Example:
        >>> from minicnn.autograd import Tensor
        >>> a, b, told = Tensor(2.0, requires_grad=True), Tensor(3.0, requires_grad=True), []
        >>> with when_ready(lambda leaf: told.append(leaf.grad.item())):
        ...     (a * b + a).backward()
        >>> sorted(told)
        [2.0, 4.0]
    """
    token = _listener.set(function)
    try:
        yield
    finally:
        _listener.reset(token)
