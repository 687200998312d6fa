"""Convolutions and pools of images that end, or begin, where no memory may be touched: `python guarded.py float32 end`.

The fast kernels do not check their indices. A wrong one that reads a stranger's memory shows in no result; here the system stops it. The process ends
with a signal then, so that the tests run this file in one of its own.
"""

import ctypes
import mmap
import sys

import numpy as np

from minicnn.kernels.cpu import conv, pool, threads

PAGE = mmap.PAGESIZE
libc = ctypes.CDLL(None, use_errno=True)
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
kept = []


def guarded(x, at_the_end):
    """A copy of x beside a page that may not be read."""
    pages = -(-x.nbytes // PAGE) + 1
    memory = mmap.mmap(-1, pages * PAGE)
    kept.append(memory)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    closed, first = (start + (pages - 1) * PAGE, (pages - 1) * PAGE - x.nbytes) if at_the_end else (start, PAGE)
    assert libc.mprotect(closed, PAGE, 0) == 0, ctypes.get_errno()
    y = np.frombuffer(memory, x.dtype, x.size, first).reshape(x.shape)
    y[...] = x
    return y


def images(random, shape, dtype, at_the_end):
    """Images (N, C, H, W) whose channels are innermost in memory."""
    N, C, H, W = shape
    return guarded(random.standard_normal((N, H, W, C)).astype(dtype), at_the_end).transpose(0, 3, 1, 2)


def convolution(random, dtype, at_the_end):
    groups = int(random.choice([1, 1, 2, 3, 8, 16]))
    C, O = groups * int(random.integers(1, 40 if groups == 1 else 5)), groups * int(random.integers(1, 40 if groups == 1 else 4))
    kernel_size, stride, dilation = random.integers(1, random.choice([2, 6]), 2), random.integers(1, 4, 2), random.integers(1, 3, 2)
    padding = random.integers(0, random.choice([1, 4]), 4)  # images with padding are copied first
    reach = dilation * (kernel_size - 1) + 1 - padding[::2] - padding[1::2]
    H, W = np.maximum(reach, 1) + random.integers(0, random.choice([1, 20]), 2)
    attributes = {"stride": stride, "padding": padding, "dilation": dilation}
    attributes = {name: tuple(map(int, value)) for name, value in attributes.items()} | {"groups": groups}
    x = images(random, (int(random.integers(1, 3)), C, int(H), int(W)), dtype, at_the_end)
    w = guarded(random.standard_normal((O, C // groups, *kernel_size)).astype(dtype), at_the_end)
    b = guarded(random.standard_normal(O).astype(dtype), at_the_end)
    print("conv2d", x.shape, w.shape, attributes, flush=True)
    y, saved = conv.conv2d_forward(x, w, b, **attributes)
    conv.conv2d_backward(images(random, y.shape, dtype, at_the_end), saved, needs=(True, True, True))


def pooling(random, dtype, at_the_end):
    kernel_size, stride = random.integers(1, 4, 2), random.integers(1, 4, 2)
    H, W = kernel_size + random.integers(0, 9, 2)
    x = images(random, (2, int(random.integers(1, 20)), int(H), int(W)), dtype, at_the_end)
    attributes = {"kernel_size": tuple(map(int, kernel_size)), "stride": tuple(map(int, stride)), "padding": (0, 0, 0, 0), "ceil_mode": bool(random.integers(2))}
    print("pool", x.shape, attributes, flush=True)
    for forward, backward, more in (
        (pool.max_pool2d_forward, pool.max_pool2d_backward, {"dilation": (1, 1)}),
        (pool.avg_pool2d_forward, pool.avg_pool2d_backward, {"count_include_pad": False}),
    ):
        y, saved = forward(x, **attributes, **more)
        backward(images(random, y.shape, dtype, at_the_end), saved, needs=(True,))


if __name__ == "__main__":
    threads.SMALL = 1
    for case in range(150):
        threads.set_num_threads(1 + case % 3)
        for operation in (convolution, pooling):
            operation(np.random.default_rng([case, sys.argv[2] == "end"]), np.dtype(sys.argv[1]), sys.argv[2] == "end")
