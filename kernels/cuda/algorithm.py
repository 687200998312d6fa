"""Which way a convolution is computed: the fastest, or a rung of the ladder that somebody asked for (conv_ladder.cu lists them)."""

from typing import Any

from minicnn.errors import BackendError, DtypeError
from minicnn.kernels.array.module import array_module
from minicnn.kernels.cuda.precision import precision
from minicnn.kernels.types import Array

RUNGS = {"naive": 1, "im2col": 2, "tiled": 3, "registers": 4, "implicit": 5, "tensor": 6, "hopper": 7}
ALGORITHMS = ("auto", *RUNGS)
UNITS = {"implicit": "gather"}  # what conv_product.py calls them, where the name is another
LEVELS = ("gather", "tensor", "hopper")  # whoever has one of these has those before it, too
NEEDS = {"tensor": "8.0", "hopper": "9.0"}  # compute capability
_algorithm = "auto"


def conv_algorithm() -> str:
    """What `set_conv_algorithm` said last."""
    return _algorithm


def set_conv_algorithm(name: str) -> None:
    """One of ALGORITHMS."""
    global _algorithm  # noqa: PLW0603 - a setting of the process
    _algorithm = name


def units(x: Array, there: str) -> str:
    """What computes convolutions of such images: "gather", "tensor", "hopper" of conv_product.py, or a rung of conv_ladder.py.

    Args:
        there: the fastest units of this machine, as `tensor_cores` says.

    Raises:
        BackendError: the algorithm that was asked for needs another GPU.
        DtypeError: or another element type.

    >>> import numpy as np
    >>> units(np.ones(3, np.float32), "tensor"), units(np.ones(3, np.float16), "tensor")
    ('gather', 'tensor')
    """
    dtype = x.dtype
    exact = dtype.itemsize == 8 or (dtype.itemsize == 4 and precision() != "tf32")
    if _algorithm == "auto":
        return "gather" if exact else there
    require(_algorithm, array_module(x))
    if exact and _algorithm in NEEDS:
        raise DtypeError(_too_exact(dtype.name))
    return UNITS.get(_algorithm, _algorithm)


def require(name: str, xp: Any) -> None:
    """Refuse an algorithm whose units are not there. The simulator has all of them.

    Raises:
        BackendError: says which they are.
    """
    if name in NEEDS and xp.__name__ != "numpy" and LEVELS.index(name) > LEVELS.index(tensor_cores(xp)):
        raise BackendError(f"set_conv_algorithm: {name!r}, rung {RUNGS[name]}, needs the tensor cores of a GPU of compute capability {NEEDS[name]}, which this one lacks")


def tensor_cores(xp: Any) -> str:
    """The fastest units of the current device. Tensor cores for TF32 and bfloat16 came with compute capability 8.0; in the simulator, Hopper's are slower than those."""
    if xp.__name__ == "numpy":
        return "tensor"
    capability = int(xp.cuda.Device().compute_capability)
    return "hopper" if capability == 90 else "tensor" if capability >= 80 else "gather"


def _too_exact(dtype: str) -> str:
    start = f"conv2d: algorithm {_algorithm!r} cannot compute in {dtype}, but in float16, bfloat16, "
    how = "and in float32 where its products may be TF32, with 11 bits: with minicnn.autocast('tf32')"
    return f"{start}{how}; in {dtype} the highest rung is 'implicit'"
