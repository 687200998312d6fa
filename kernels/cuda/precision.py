"""How exactly products of float32 numbers are computed: in true float32, or on tensor cores that look at fewer of their digits.

TF32 has the range of a float32 and 11 bits of precision instead of 24. A kernel that may use it asks `precision()`; sums are made in float32 either way.
It is a setting of the thread, and at first true float32. What a forward was computed in, its backward is, too (`minicnn.autograd.KernelFunction`).
"""

from contextvars import ContextVar, Token

from minicnn.errors import ArgumentError

PRECISIONS = ("fp32", "tf32")
_precision: ContextVar[str] = ContextVar("minicnn_precision", default="fp32")


def precision() -> str:
    """What products of float32 numbers may be computed in: "fp32" or "tf32".

    >>> precision()
    'fp32'
    """
    return _precision.get()


def set_precision(name: str) -> Token[str]:
    """Choose "fp32" or "tf32" for this thread; what is returned is for `restore_precision`.

    >>> before = set_precision("tf32")
    >>> precision()
    'tf32'
    >>> restore_precision(before)
    """
    if name not in PRECISIONS:
        raise ArgumentError(f"set_precision: choose 'fp32' or 'tf32', not {name!r}")
    return _precision.set(name)


def restore_precision(before: Token[str]) -> None:
    """Back to what was chosen before."""
    _precision.reset(before)
