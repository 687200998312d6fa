"""Run with NUMBA_ENABLE_CUDASIM=1: the kernels in Python against the definitions, and against their twins in CUDA C++."""

import numpy as np

from minicnn.kernels.cuda import in_numba
from minicnn.kernels.cuda.launch import THREADS, blocks, launch
from minicnn.kernels.loops.activation import relu_forward
from minicnn.kernels.loops.pool import max_pool2d_forward

random = np.random.default_rng(0)

for dtype in (np.float32, np.float64):
    x = random.standard_normal(300).astype(dtype)
    x[7], x[8] = np.nan, -0.0
    y, twin = in_numba.relu_forward(x), np.empty_like(x)
    launch("in_numba", "relu", blocks(x.size), THREADS, (x, twin, x.size), dtype=dtype)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, relu_forward(x)[0])
    np.testing.assert_array_equal(y, twin)

    x = random.standard_normal((2, 5, 7, 3)).astype(dtype)
    x[0, 2, 3, 1] = x[0, 2, 4, 1] = np.nan
    kernel_size, stride, padding = (3, 2), (2, 1), (1, 0, 1, 1)
    y = in_numba.max_pool2d_forward(x, kernel_size=kernel_size, stride=stride, padding=padding)
    how = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "dilation": (1, 1), "ceil_mode": False}
    np.testing.assert_array_equal(y, max_pool2d_forward(x.transpose(0, 3, 1, 2), **how)[0].transpose(0, 2, 3, 1))
    twin, (N, H, W, C), (_, P, Q, _) = np.empty_like(y), x.shape, y.shape
    sizes = N, H, W, C, P, Q, *kernel_size, *stride, padding[0], padding[2]
    launch("in_numba", "max_pool2d", blocks(y.size), THREADS, (x, twin, *sizes), dtype=dtype)
    np.testing.assert_array_equal(y, twin)

    x = random.standard_normal(2 * THREADS + 5).astype(dtype)
    y, twin = in_numba.block_sums_forward(x), np.empty(3, dtype)
    launch("in_numba", "block_sums", 3, THREADS, (x, twin, x.size), dtype=dtype)
    np.testing.assert_allclose(y, [x[:THREADS].sum(), x[THREADS : 2 * THREADS].sum(), x[2 * THREADS :].sum()], rtol=1e-5)
    np.testing.assert_array_equal(y, twin)

print("relu, max_pool2d and block_sums: what Numba computes is right, and what the C++ computes, number by number")
