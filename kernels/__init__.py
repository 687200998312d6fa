"""Kernels: the arithmetic of every layer, as pure functions on arrays. Nothing here knows tensors or autograd.

The same functions, with the same signatures, in several folders:

    loops/   the definition: plain nested loops, as in the textbook. Slow and obvious.
    array/   vectorised, on any array module (NumPy, CuPy).
    cpu/     fast on a CPU: Numba for what surrounds the matrix products, NumPy's BLAS for the products.
    cuda/    fast on an NVIDIA GPU: CUDA C++, which a simulator can also run on a CPU.

The contract. For each operation there is a pair

    op_forward(*arrays, **attributes)   -> (y, saved)
    op_backward(dy, saved, *, needs)    -> one gradient per array argument

`saved` belongs to the folder that made it. `needs` says which gradients are wanted; the others come back as None.
float32 in, float32 out, and likewise for float64. No global state, and no argument is changed in place.
Shapes and attributes are checked and normalised by the callers in `minicnn.ops`: a window is a pair (height, width),
a padding is (top, bottom, left, right).
"""

if __name__ != "minicnn.kernels":
    raise ImportError(f"import minicnn.kernels: as {__name__!r}, this folder would be a second copy of every kernel")

from minicnn.kernels.registry import (
    FOLDERS,
    OPS,
    basics,
    find,
    register,
    registered_backends,
    signature,
    unregister,
)

__all__ = ["FOLDERS", "OPS", "basics", "find", "register", "registered_backends", "signature", "unregister"]
