"""Whether operations are recorded for a later backward pass. A setting of the thread (a context variable)."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_enabled: ContextVar[bool] = ContextVar("minicnn_grad_enabled", default=True)


def is_grad_enabled() -> bool:
    """Are operations on tensors that require a gradient recorded?"""
    return _enabled.get()


@contextmanager
def no_grad() -> Iterator[None]:
    """Inside, nothing is recorded and nothing is stored: for evaluation and for updating parameters.

    Also works as a decorator: `@no_grad()`.

    Example:
        >>> from minicnn import Tensor
        >>> w = Tensor([1.0], requires_grad=True)
        >>> with no_grad():
        ...     (2 * w).requires_grad
        False
    """
    token = _enabled.set(False)
    try:
        yield
    finally:
        _enabled.reset(token)


@contextmanager
def enable_grad() -> Iterator[None]:
    """The opposite of `no_grad`, for a part inside it that must be recorded."""
    token = _enabled.set(True)
    try:
        yield
    finally:
        _enabled.reset(token)
