"""Which kernels run: the active backend, its array module, and the random generator.

A backend is a name and a list of places to look for kernels. The first place that has the operation wins:

    numba   cpu, then array     the default on a CPU
    numpy   array               if Numba cannot be imported
    loops   loops, then array   the definitions: slow, for reading and checking
    cupy    cuda, then array    on an NVIDIA GPU, with CuPy's arrays
    cudasim cuda, then array    the same CUDA kernels on any computer, thread by thread, with NumPy's arrays
    meta    shapes              no values, only shapes: what a summary of a network needs
    NAME    NAME, then array    whatever was registered with `minicnn.kernels.register(..., backend=NAME)`
"""

import functools
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from minicnn import cuda, kernels
from minicnn.capture import next_place
from minicnn.checks import is_integer
from minicnn.errors import ArgumentError, BackendError, nearest
from minicnn.kernels import shapes
from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array, Kernel


@dataclass(frozen=True, slots=True)
class Backend:
    """A named list of kernel sources, and the module whose arrays they work on.

    Example:
        >>> get_backend("loops").kernel("conv2d").source
        'loops'
        >>> get_backend("numba").sources
        ('cpu', 'array')
    """

    name: str
    sources: tuple[str, ...]

    def kernel(self, op: str) -> Kernel:
        """The forward and backward of `op`: the first that one of `sources` has."""
        return kernels.find(op, self.sources) if self.has_values else shapes.kernel(op)

    @property
    def basics(self) -> ModuleType:
        """Sums and products of arrays, sums over axes, joins: what operations without kernels of their own are made of (`kernels/array/basics.py`)."""
        return kernels.basics(self.sources)

    @property
    def xp(self) -> ModuleType:
        """The array module: every array of this backend is one of its arrays."""
        return cuda.cupy() if self.name == CUPY else np

    @property
    def has_values(self) -> bool:
        """Arrays have values; on the backend `meta` they have none."""
        return self.name != META

    @property
    def has_16_bit(self) -> bool:
        """Its kernels compute with float16 and bfloat16, too; on `meta`, where nothing is computed, any type will do."""
        return "cuda" in self.sources or not self.has_values

    def copy(self, data: Any) -> Array:
        """A copy of `data` as an array of this backend. A single number keeps its value on `meta`, too: it costs nothing."""
        if self.name == CUPY and isinstance(data, np.ndarray) and data.size == 1:
            return self.xp.full(data.shape, data.item(), data.dtype)  # a number is passed to a kernel: nothing is copied from here, so a graph can hold it
        if self.has_values or data.size == 1:
            return self.xp.array(data, copy=True)
        return shapes.without_values(data.shape, data.dtype)

    def asarray(self, data: Any, dtype: Any = None) -> Array:
        """`data` as an array of this backend, without a copy where it is one already."""
        return self.xp.asarray(data, dtype)


CUPY, CUDASIM = "cupy", "cudasim"
META = "meta"  # like a backend, but without values: not for training, and so in no list
_BUILT_IN = {
    "numba": ("cpu", "array"),
    "numpy": ("array",),
    "loops": ("loops", "array"),
    CUPY: ("cuda", "array"),
    CUDASIM: ("cuda", "array"),
}
_default: Backend | None = None
_override: ContextVar[Backend | None] = ContextVar("minicnn_backend", default=None)


def list_backends() -> tuple[str, ...]:
    """Names that `set_backend` accepts: those that ship with minicnn, then the registered ones."""
    return (*_BUILT_IN, *kernels.registered_backends())


def get_backend(name: str | None = None) -> Backend:
    """The backend called `name`; without a name, the active one.

    Raises:
        BackendError: no such backend, or it cannot run here; says what to do.
    """
    if name is None:
        return _override.get() or _default_backend()
    if not isinstance(name, str):
        raise BackendError(f"the name of a backend must be text, not {name!r}; known: {', '.join(list_backends())}")
    if name == META:
        return Backend(name, (shapes.SOURCE,))
    if name in _BUILT_IN:
        if name == "numba":
            _require_numba()
        if name == CUPY:
            cuda.require_gpu()
        if name == CUDASIM:
            cuda.require_compiler()
            importlib.import_module("minicnn.kernels.cuda.simulator").get_thread_order()  # a wrong environment variable is said now
        return Backend(name, _BUILT_IN[name])
    if name in kernels.registered_backends():
        return Backend(name, (name, kernels.registry.REFERENCE))
    raise BackendError(
        f"unknown backend {name!r}: {nearest(name, list_backends())}. "
        "Your own become known with minicnn.kernels.register(..., backend=NAME)"
    )


def set_backend(name: str) -> None:
    """Make a backend the active one, from now on and in every thread.

    Raises:
        BackendError: no such backend, or it cannot run here.

    Example:
        >>> set_backend("numpy")
        >>> get_backend().name
        'numpy'
        >>> set_backend("numba")
    """
    global _default  # noqa: PLW0603 - a setting of the process
    _default = get_backend(name)


@contextmanager
def use_backend(name: str) -> Iterator[Backend]:
    """Make a backend the active one inside a `with` block, in this thread only.

    Example:
        >>> with use_backend("loops") as backend:
        ...     get_backend() == backend
        True
    """
    token = _override.set(get_backend(name))
    try:
        yield get_backend()
    finally:
        _override.reset(token)


def set_num_threads(threads: int | None) -> None:
    """Threads of the backend numba, from now on; None: OMP_NUM_THREADS, or else all processors.

    Raises:
        ArgumentError: `threads` is no integer from 1 to 1024.

    Example:
        >>> set_num_threads(1)
        >>> get_num_threads()
        1
        >>> set_num_threads(None)
    """
    from minicnn.kernels.cpu import threads as cpu_threads

    if threads is not None and (not is_integer(threads) or not 1 <= threads <= cpu_threads.MOST):
        raise ArgumentError(f"set_num_threads: give an integer from 1 to {cpu_threads.MOST}, or None for all processors, not {threads!r}")
    cpu_threads.set_num_threads(None if threads is None else int(threads))


def get_num_threads() -> int:
    """Threads that the backend numba uses now: what `set_num_threads` said, else OMP_NUM_THREADS, else all processors."""
    from minicnn.kernels.cpu import threads as cpu_threads

    return cpu_threads.num_threads()


def set_conv_algorithm(name: str) -> None:
    """How the active backend computes convolutions, from now on. The backend numba has a setting of its own; cupy and cudasim share one.

    Args:
        name: "auto", the fastest. Besides, for the backend numba: "gemm", always as a product of matrices, to the last digit; "winograd", Winograd's algorithm
            wherever it can be used: windows of 3x3 with stride 1 in float32, both numbers of channels multiples of 8. Its results are off by up to 5e-5
            of the largest one (measured: 2e-5 with 512 channels), where a product of matrices is off by 1e-6; an infinity or a NaN
            spoils its whole tile of 4x4 results. float64 is never computed that way.

            For cupy and cudasim a rung of the ladder, from the naive port to the fastest (docs/conv_ladder.md): "naive", "im2col", "tiled", "registers",
            "implicit", "tensor", "hopper". The last two are tensor cores: they compute in float16 and bfloat16, and in float32 inside
            `autocast("tf32")`; if 16 bytes do not divide the channels of a group, "implicit" does it.

    Raises:
        ArgumentError: the active backend has no such algorithm.
        BackendError: it has, but this GPU has no such units. (That a rung cannot compute some element type, a convolution says when it meets one: `DtypeError`.)

    Example:
        >>> set_conv_algorithm("gemm")
        >>> set_conv_algorithm("auto")
    """
    backend = get_backend()
    folder = next((f"minicnn.kernels.{source}.algorithm" for source in backend.sources if source in ("cpu", "cuda")), None)
    algorithm = importlib.import_module(folder) if folder else None
    known = algorithm.ALGORITHMS if algorithm else ("auto",)
    if name not in known:
        raise ArgumentError(f"set_conv_algorithm: unknown algorithm {name!r} on backend {backend.name!r}: {nearest(str(name), known)}")
    if algorithm and "cuda" in backend.sources:
        algorithm.require(name, backend.xp)
    if algorithm:
        algorithm.set_conv_algorithm(name)


def _default_backend() -> Backend:
    """What `set_backend` chose; at first MINICNN_BACKEND, else numba, else numpy with one line that says so."""
    global _default  # noqa: PLW0603 - a setting of the process
    if _default is None:
        wanted = os.environ.get("MINICNN_BACKEND")
        if wanted:
            try:
                _default = get_backend(wanted)
            except BackendError as error:
                raise BackendError(f"MINICNN_BACKEND: {error}") from None
        elif _numba_problem() is None:
            _default = get_backend("numba")
        else:
            print(f"minicnn: Numba cannot be imported ({_numba_problem()}); using the slower backend numpy", file=sys.stderr)  # noqa: T201
            _default = get_backend("numpy")
    return _default


def _require_numba() -> None:
    problem = _numba_problem()
    if problem is not None:
        raise BackendError(f"backend 'numba' needs Numba, which cannot be imported ({problem}): pip install numba, or use backend 'numpy'")


@functools.cache
def _numba_problem() -> str | None:
    """Why Numba cannot be used, or None. Looks before it imports: the import costs half a second."""
    if importlib.util.find_spec("numba") is None:
        return "it is not installed"
    try:
        importlib.import_module("numba")
    except Exception as error:  # noqa: BLE001 - Numba raises ImportError, SystemError or its own for a NumPy too new
        return f"{type(error).__name__}: {error}"
    return None


def to_numpy(array: Array) -> Array:
    """The array's values in the computer's main memory, as a NumPy array; no copy if it is one already."""
    xp: Any = array_module(array)
    if xp is np:
        return array
    try:
        return xp.asnumpy(array)
    except Exception as error:  # what went wrong on a GPU is often told only here, where Python waits for it
        if (said := cuda.explained(error)) is None:
            raise
        raise said from error


# Random numbers: one generator a process, drawn on the CPU so that every backend starts from the same weights.

_generator = np.random.default_rng()


def manual_seed(seed: int) -> None:
    """Start the generator of initial weights, dropout masks and shuffles anew: same seed, same numbers.

    Raises:
        ArgumentError: `seed` is negative or no integer.
    """
    global _generator  # noqa: PLW0603 - the generator of the process
    if not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ArgumentError(f"manual_seed: the seed must be an integer >= 0, not {seed!r}")
    _generator = np.random.default_rng(int(seed))


def generator() -> np.random.Generator:
    """The process's random generator."""
    return _generator


def draw_seed() -> Any:
    """A fresh 63-bit seed from the process's generator: the key of one dropout mask. While a graph is captured, an array in which each launch will find one."""
    place = next_place()
    return int(_generator.integers(2**63)) if place is None else place
