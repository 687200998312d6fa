"""Which function computes which operation on which backend.

A kernel folder (`loops/`, `array/`, `cpu/`, `cuda/`) registers nothing: its functions are found by name. A student's own functions
are entered with `register`. `find` looks through a list of sources and takes the first that knows the operation.
"""

import functools
import importlib
import importlib.util
import inspect
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from minicnn.errors import ArgumentError, nearest
from minicnn.kernels.types import Array, Kernel, Needs, Saved

# The file of each operation: the same name in every folder.
FILES: dict[str, str] = {
    "conv2d": "conv",
    "conv2d_relu": "conv",
    "max_pool2d": "pool",
    "avg_pool2d": "pool",
    "adaptive_avg_pool2d": "adaptive_pool",
    "adaptive_max_pool2d": "adaptive_pool",
    "roi_pool": "roi",
    "roi_align": "roi",
    "linear": "linear",
    "batch_norm": "batch_norm",
    "batch_norm_relu": "batch_norm",
    "batch_norm_add_relu": "batch_norm",
    "group_norm": "group_norm",
    "layer_norm": "layer_norm",
    "local_response_norm": "local_response_norm",
    "relu": "activation",
    "leaky_relu": "activation",
    "relu6": "activation",
    "sigmoid": "activation",
    "tanh": "activation",
    "silu": "activation",
    "hardswish": "activation",
    "softmax": "softmax",
    "log_softmax": "softmax",
    "dropout": "dropout",
    "cross_entropy": "loss",
    "mse_loss": "loss",
    "l1_loss": "loss",
    "smooth_l1_loss": "loss",
}
OPS = tuple(FILES)
FOLDERS = ("loops", "array", "cpu", "cuda")
REFERENCE = "array"

_registered: dict[tuple[str, str], Kernel] = {}  # (backend, op) -> kernel


def register(
    op: str,
    *,
    forward: Callable[..., Any] | None = None,
    backward: Callable[..., Any] | None = None,
    backend: str,
) -> None:
    """Make a pair of functions the kernel of `op` on the backend called `backend`.

    The functions have the signature of those in `minicnn.kernels.loops`. What is left out falls back to
    `minicnn.kernels.array`, also when that is one of the two: a `forward` alone gets a backward that starts from the
    same inputs, and a `backward` alone is given `saved = (inputs, attributes)`, the tuple of the array arguments and the
    dict of the keyword arguments. Registering again replaces.

    Raises:
        ArgumentError: `op` is unknown, neither function is given, one is not callable or does not take the arguments
            of the operation, or the name of the backend is one of minicnn's own.

    Example:
        >>> def forward(x):
        ...     mask = x > 0
        ...     return x * mask, mask
        >>> def backward(dy, mask, *, needs):
        ...     return (dy * mask,)
        >>> register("relu", forward=forward, backward=backward, backend="doc")
        >>> find("relu", ["doc", "array"]).source
        'doc'
        >>> unregister("doc")
    """
    if op not in FILES:
        raise ArgumentError(f"register: unknown operation {op!r}: {nearest(op, OPS)}")
    if not isinstance(backend, str) or not backend:
        raise ArgumentError(f"register: backend must be a name of your choice, such as 'student', not {backend!r}")
    if backend in {*FOLDERS, "numpy", "numba", "cuda", "cupy", "cudasim", "meta", "shapes"}:
        raise ArgumentError(f"register: {backend!r} is minicnn's own; give yours another name, such as 'student'")
    given = [f for f in (forward, backward) if f is not None]
    if not given or not all(callable(f) for f in given):
        raise ArgumentError(f"register: give {op} a forward function, a backward function, or both")
    _check_signature(op, forward, backward)
    reference = find(op, [REFERENCE])
    if forward is None:
        forward, backward = _around_backward(reference, given[0])
    elif backward is None:
        forward, backward = _around_forward(reference, forward)
    _registered[backend, op] = Kernel(op, backend, forward, backward)


def unregister(backend: str) -> None:
    """Forget every kernel that was registered for `backend`."""
    for key in [key for key in _registered if key[0] == backend]:
        del _registered[key]


def registered_backends() -> tuple[str, ...]:
    """Names of the backends for which something is registered."""
    return tuple(sorted({backend for backend, _ in _registered}))


def find(op: str, sources: Sequence[str]) -> Kernel:
    """The kernel of `op` in the first of `sources` (folders or registered backends) that has one.

    >>> find("conv2d", ["loops"]).forward.__module__
    'minicnn.kernels.loops.conv'
    """
    if op not in FILES:
        raise ArgumentError(f"unknown operation {op!r}: {nearest(op, OPS)}")
    for source in sources:
        kernel = _registered.get((source, op)) or (_from_folder(op, source) if source in FOLDERS else None)
        if kernel is not None:
            return kernel
    raise ArgumentError(f"no kernel for {op} in {', '.join(sources)}")


@functools.cache
def _from_folder(op: str, folder: str) -> Kernel | None:
    name = f"minicnn.kernels.{folder}.{FILES[op]}"
    if importlib.util.find_spec(name) is None:
        return None
    module = importlib.import_module(name)
    forward = getattr(module, f"{op}_forward", None)
    return Kernel(op, folder, forward, getattr(module, f"{op}_backward")) if forward else None


@functools.cache
def basics(sources: tuple[str, ...]) -> ModuleType:
    """The file `basics.py` of the first of `sources` that has one: the functions that operations without kernels of their own are made of.

    >>> basics(("cpu", "array")).__name__
    'minicnn.kernels.array.basics'
    """
    names = (f"minicnn.kernels.{source}.basics" for source in (*sources, REFERENCE) if source in FOLDERS)
    return importlib.import_module(next(name for name in names if importlib.util.find_spec(name)))


def _around_forward(reference: Kernel, forward: Callable[..., Any]) -> tuple[Any, Any]:
    """Complete a forward without a backward: the reference recomputes from the inputs what its backward needs."""

    def forward_and_inputs(*arrays: Array | None, **attributes: Any) -> tuple[Any, Saved]:
        result = forward(*arrays, **attributes)
        if not isinstance(result, tuple) or len(result) != 2:
            given = type(result).__name__
            raise ArgumentError(f"forward of {reference.op} must return (y, saved), the result and what backward needs; it returned {given}")
        return result[0], (arrays, attributes)

    def reference_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
        arrays, attributes = saved
        _, saved = reference.forward(*arrays, **attributes)
        return reference.backward(dy, saved, needs=needs)

    return forward_and_inputs, reference_backward


def _around_backward(reference: Kernel, backward: Callable[..., Any]) -> tuple[Any, Any]:
    """Complete a backward without a forward: the reference's result, and the inputs for the student to start from."""

    def reference_forward(*arrays: Array | None, **attributes: Any) -> tuple[Any, Saved]:
        y, _ = reference.forward(*arrays, **attributes)
        return y, (arrays, attributes)

    return reference_forward, backward


def _check_signature(op: str, forward: Callable[..., Any] | None, backward: Callable[..., Any] | None) -> None:
    """Refuse functions that could not be called with the arguments of the operation."""
    definition = find(op, ["loops"])
    for given, wanted in ((forward, definition.forward), (backward, definition.backward)):
        if given is None:
            continue
        parameters = inspect.signature(wanted).parameters.values()
        positional = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        keywords = {p.name: None for p in parameters if p.kind is p.KEYWORD_ONLY}
        try:
            inspect.signature(given).bind(*positional, **keywords)
        except TypeError as error:
            raise ArgumentError(f"register: the function for {op} does not fit ({error}); the pair is\n{signature(op)}") from None


def signature(op: str) -> str:
    """The signatures of an operation's pair of functions, as text to show to whoever writes one.

    >>> print(signature("relu"))
    relu_forward(x) -> (y, saved)
    relu_backward(dy, saved, *, needs) -> (dx,)
    """
    kernel = find(op, ["loops"])
    parameters = inspect.signature(kernel.forward).parameters.values()
    arrays = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    keywords = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    arguments = ", ".join(arrays + (["*", *keywords] if keywords else []))
    gradients = ", ".join("d" + name for name in arrays) + ("," if len(arrays) == 1 else "")
    return f"{op}_forward({arguments}) -> (y, saved)\n{op}_backward(dy, saved, *, needs) -> ({gradients})"
