"""Three kernels written in Python, with numba.cuda, beside their twins in CUDA C++ (in_numba.cu): for comparison, see docs/cuda_in_numba.md.

Nothing else imports this file. Numba compiles a kernel for the GPU when it is first launched. Without a GPU, kernels run in Numba's simulator, thread by
thread, if the environment variable NUMBA_ENABLE_CUDASIM is 1 before Python starts.

Raises:
    BackendError: on import, where numba.cuda is not installed; on a call, where there is neither a GPU nor the simulator.
"""

import math
from typing import Any

from minicnn.errors import BackendError
from minicnn.kernels.array.module import array_module
from minicnn.kernels.cuda.launch import THREADS, blocks
from minicnn.kernels.geometry import output_window
from minicnn.kernels.types import Array, Padding, Window

try:
    from numba import cuda
except ImportError as error:
    raise BackendError(f"kernels in Python need numba.cuda, which cannot be imported ({error}): pip install numba-cuda") from error


@cuda.jit
def relu(x: Any, y: Any) -> None:
    """y = max(x, 0), for x (n,). Thread i has number i."""
    i = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
    if i < x.size:
        v = x[i]
        y[i] = v if v > 0 or math.isnan(v) else 0


@cuda.jit
def max_pool2d(x: Any, y: Any, kh: int, kw: int, sh: int, sw: int, top: int, left: int) -> None:
    """The largest pixel of each window, for x (N, H, W, C) and y (N, P, Q, C). A thread for every number of y."""
    t = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
    if t >= y.size:
        return
    _, H, W, C = x.shape
    _, P, Q, _ = y.shape
    c, q, p, n = t % C, t // C % Q, t // (C * Q) % P, t // (C * Q * P)
    r0, r1 = max(p * sh - top, 0), min(p * sh - top + kh, H)
    s0, s1 = max(q * sw - left, 0), min(q * sw - left + kw, W)
    best = x[n, r0, s0, c]
    for r in range(r0, r1):
        for s in range(s0, s1):
            v = x[n, r, s, c]
            if v > best or (math.isnan(v) and not math.isnan(best)):  # the first NaN is larger than everything
                best = v
    y[n, p, q, c] = best


@cuda.jit
def block_sums(x: Any, y: Any) -> None:
    """The sum of each block's numbers of x (n,): half of the threads add the other half's, then half of these, until one is left."""
    shared = cuda.shared.array(THREADS, x.dtype)
    i = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
    me = cuda.threadIdx.x
    shared[me] = x[i] if i < x.size else 0
    half = THREADS // 2
    while half > 0:
        cuda.syncthreads()
        if me < half:
            shared[me] += shared[me + half]
        half //= 2
    if me == 0:
        y[cuda.blockIdx.x] = shared[0]


def relu_forward(x: Array) -> Array:
    """y = max(x, 0), for x (n,)."""
    y = array_module(x).empty_like(x)
    _launch(relu, x.size, x, y)
    return y


def max_pool2d_forward(x: Array, *, kernel_size: Window, stride: Window, padding: Padding) -> Array:
    """The largest pixel of each window.

    Shapes:
        x (N, H, W, C); y (N, P, Q, C).
    """
    N, H, W, C = x.shape
    P, Q = output_window((H, W), kernel_size, stride, padding, (1, 1))
    y = array_module(x).empty((N, P, Q, C), x.dtype)
    _launch(max_pool2d, y.size, x, y, *kernel_size, *stride, padding[0], padding[2])
    return y


def block_sums_forward(x: Array) -> Array:
    """The sum of every THREADS numbers of x (n,): one number for each block."""
    y = array_module(x).empty(blocks(x.size), x.dtype)
    _launch(block_sums, x.size, x, y)
    return y


def _launch(kernel: Any, threads: int, *args: Any) -> None:
    if not cuda.is_available():
        raise BackendError("numba.cuda finds no GPU; to run its kernels in Numba's simulator, set NUMBA_ENABLE_CUDASIM=1 before Python starts")
    kernel[blocks(threads), THREADS](*args)
