"""The convolutions of kernels/cuda, at sizes of several tiles with ragged ends, in each of their ways and element types, against whole-array arithmetic."""

import ml_dtypes
import numpy as np
import pytest

from minicnn import kernels
from minicnn.kernels.cuda import conv, precision
from minicnn.kernels.cuda.conv_pass import Shape, data_passes, divisor

ARRAY, CUDA = kernels.find("conv2d", ["array"]), kernels.find("conv2d", ["cuda"])
# N, C, H, W, O, kernel_size, stride, padding, dilation, groups
SHAPES = {
    "3x3": (2, 72, 9, 11, 136, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1),
    "3x3, stride 2": (2, 64, 13, 9, 48, (3, 3), (2, 2), (1, 1, 1, 1), (1, 1), 1),
    "1x1": (3, 200, 7, 7, 72, (1, 1), (1, 1), (0, 0, 0, 0), (1, 1), 1),
    "1x1, stride 2": (2, 16, 11, 12, 24, (1, 1), (2, 2), (0, 0, 0, 0), (1, 1), 1),
    "first layer": (2, 3, 33, 31, 64, (7, 7), (2, 2), (3, 3, 3, 3), (1, 1), 1),
    "odd channels": (2, 13, 8, 9, 21, (3, 2), (1, 3), (0, 2, 1, 0), (2, 1), 1),
    "dilation and stride share a factor": (1, 8, 17, 19, 16, (3, 3), (4, 2), (2, 1, 3, 0), (2, 4), 1),
    "wide groups": (2, 64, 6, 7, 64, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 2),
    "wide groups of odd size": (1, 66, 5, 7, 70, (3, 3), (1, 2), (1, 1, 1, 1), (1, 1), 2),
    "narrow groups": (2, 24, 9, 8, 36, (3, 3), (2, 1), (1, 1, 1, 1), (1, 1), 6),
    "depthwise": (2, 40, 9, 10, 40, (5, 5), (2, 2), (2, 2, 2, 2), (1, 1), 40),
    "depthwise of odd number": (2, 5, 9, 10, 5, (3, 3), (1, 1), (1, 1, 1, 1), (1, 2), 5),
    "depthwise, twice as many": (2, 6, 9, 10, 12, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 6),
    "many pixels": (2, 8, 40, 40, 8, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1),
    "one pixel": (1, 8, 1, 1, 8, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1),
}
# Relative deviation of a whole array, in the norm: what rounding the inputs to so many bits costs (TF32 11 bits, bfloat16 8).
KINDS = {"float64": 1e-14, "float32": 1e-6, "tf32": 7e-4, "float16": 7e-4, "bfloat16": 8e-3}


def computed(kernel, arrays, dy, attributes, dtype):
    x, w, b, dy = (np.asarray(a).astype(dtype) for a in (*arrays, dy))
    y, saved = kernel.forward(x, w, b, **attributes)
    return (y, *kernel.backward(dy, saved, needs=(True, True, True)))


def drawn(shape, seed=0):
    N, C, H, W, O, kernel_size, stride, padding, dilation, groups = SHAPES[shape]
    random = np.random.default_rng(seed)
    arrays = [random.standard_normal(s) for s in ((N, C, H, W), (O, C // groups, *kernel_size), (O,))]
    attributes = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    y, _ = ARRAY.forward(*arrays, **attributes)
    return arrays, random.standard_normal(y.shape), attributes


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_all_ways_agree(shape, kind):
    arrays, dy, attributes = drawn(shape)
    dtype = np.dtype({"tf32": "float32", "bfloat16": ml_dtypes.bfloat16}.get(kind, kind))
    before = precision.set_precision("tf32" if kind == "tf32" else "fp32")
    try:
        actual = computed(CUDA, arrays, dy, attributes, dtype)
    finally:
        precision.restore_precision(before)
    for name, a, e in zip(("y", "dx", "dw", "db"), actual, computed(ARRAY, arrays, dy, attributes, "float64"), strict=True):
        assert a.dtype == dtype, name
        deviation = np.linalg.norm(a.astype("float64") - e) / np.linalg.norm(e)
        assert deviation < KINDS[kind], f"{name}: {deviation:.1e}"
