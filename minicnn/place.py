"""Where arrays are, in the computer's main memory or in that of the GPU; from one to the other, and how much of the GPU's is taken.

Every backend but `cupy` computes in main memory. An operation is given arrays of one place, that of the active backend; nothing is moved behind one's back,
since a copy between the two takes longer than most operations.
"""

from collections.abc import Sequence
from types import ModuleType, NoneType
from typing import Any

import numpy as np

from minicnn import cuda
from minicnn.backend import CUPY, Backend, get_backend, to_numpy
from minicnn.errors import ArgumentError, BackendError
from minicnn.kernels.array.module import array_module
from minicnn.kernels.shapes import without_values
from minicnn.kernels.types import Array

DEVICES = {"cuda": "cupy", "gpu": "cupy", "cpu": "numba"}  # PyTorch's words


def destination(backend: Any, what: str) -> Backend:
    """The backend to which `what` is to be moved.

    Raises:
        ArgumentError: it is no backend's name but an element type.
        BackendError: no such backend, it cannot run here, or its arrays have no values.
    """
    if not isinstance(backend, str) or backend in np.sctypeDict or backend == "bfloat16":
        raise ArgumentError(f"{what}.to(...) moves it to a backend, such as 'cupy' or 'numba'; for another element type use {what}.astype({backend!r})")
    if backend in DEVICES:
        raise BackendError(f"{what}.to({backend!r}): places bear the names of the backends that compute there: {what}.to({DEVICES[backend]!r})")
    found = get_backend(backend)
    if not found.has_values:
        raise BackendError(f"{what}.to({backend!r}): the backend {backend!r} knows shapes only, the values would be lost")
    return found


def move(array: Array, xp: ModuleType) -> Array:
    """The array where the arrays of a module (NumPy, CuPy) are; itself if it is there already.

    >>> x = np.ones(3)
    >>> move(x, np) is x
    True
    """
    if isinstance(array, xp.ndarray):
        return array
    return to_numpy(array) if xp is np else xp.asarray(array)


def follow(array: Array, others: dict[str, Any]) -> None:
    """Move those of the other arrays that are elsewhere to where an array is now: what an optimiser keeps goes with its parameter."""
    for name, other in others.items():
        if hasattr(other, "dtype") and type(other) is not type(array):
            others[name] = move(other, array_module(array))


def place_of(array: Array) -> str:
    """In words.

    >>> place_of(np.ones(3))
    'in main memory'
    """
    return "in main memory" if array_module(array) is np else "on the GPU"


def in_one_place(operation: str, arrays: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
    """The arrays, which must all be in main memory, or all on the GPU. Where only shapes are looked at, those on the GPU become shapes, too.

    Raises:
        BackendError: some are here, others there.
    """
    kinds = set(map(type, arrays))
    if len(kinds) - (NoneType in kinds) < 2:
        return arrays
    if not get_backend().has_values:
        return tuple(a if a is None or isinstance(a, np.ndarray) else without_values(a.shape, a.dtype) for a in arrays)
    places = [None if a is None else place_of(a) for a in arrays]
    if len(found := dict.fromkeys(place for place in places if place)) > 1:
        first, other = (f"its input {places.index(place)} is {place}" for place in found)
        raise BackendError(
            f"{operation}: {first}, and {other}, but all must be in one place: move tensors with x.to('cupy') or x.to('numba'), and networks "
            "with model.to(...)"
        )
    return arrays


def require_place(operation: str, arrays: Sequence[Array | None], backend: Backend) -> None:
    """Raise a BackendError if the arrays, which are all in one place, are not where the backend computes."""
    first = next(a for a in arrays if a is not None)
    if isinstance(first, np.ndarray) == (backend.name != CUPY):
        return
    if not isinstance(first, backend.xp.ndarray):
        other = "numba" if backend.name == CUPY else "cupy"
        raise BackendError(
            f"{operation}: its input is {place_of(first)}, but the active backend {backend.name!r} does not compute there: move tensors with "
            f"x.to({backend.name!r}) and networks with model.to({backend.name!r}), or choose another backend, minicnn.set_backend({other!r})"
        )


def require_there(operation: str, gradient: Array, data: Array) -> None:
    """Raise a BackendError if a gradient is in another place than its tensor."""
    if type(gradient) is not type(data) and place_of(gradient) != place_of(data):
        raise BackendError(
            f"{operation}: a gradient is {place_of(gradient)}, but its tensor of shape {data.shape} is {place_of(data)}: was it moved with to(...) "
            "between forward and backward?"
        )


# The GPU's memory


def memory_stats() -> dict[str, int]:
    """How many bytes of the GPU's memory are taken.

    CuPy takes memory from the GPU in blocks, and keeps those that become free for the next array of that size. A recorded step (`compile_step`)
    works in memory of its own, which is not among these: `step.memory`.

    Returns:
        "used": in arrays; "total": in all blocks, used and free. No block is given back before `empty_cache`, so that from there on "total" is also
        the most that was needed at one time.

    Raises:
        BackendError: there is no GPU.
    """
    cuda.require_gpu()
    pool = cuda.cupy().get_default_memory_pool()
    return {"used": pool.used_bytes(), "total": pool.total_bytes()}


def empty_cache() -> None:
    """Give all blocks of the GPU's memory back that no array uses: to other programs, or to begin to measure (`memory_stats`).

    Raises:
        BackendError: there is no GPU.
    """
    cuda.require_gpu()
    cuda.cupy().get_default_memory_pool().free_all_blocks()
