"""Many tensors, for kernels that treat them in one launch; and which kernels were launched."""

import contextlib
from unittest import mock

import numpy as np

from minicnn import Tensor
from minicnn.kernels.cuda import gradients, launch, optimizer
from minicnn.kernels.cuda.tensors import CHUNK, MOST_TENSORS
from tests.kernels.cuda.compared import dtype_of

# Ends in the middle of 16 bytes, of a block's part, and beyond it; more of them than one launch takes.
SHAPES = [(3,), (4, 3, 3, 3), (CHUNK + 5,), (2, CHUNK), (1,), (0, 3), *[(n,) for n in range(1, MOST_TENSORS)]]


@contextlib.contextmanager
def launches():
    """A list of the kernels of optimizer.cu and gradients.cu that are launched meanwhile."""
    names = []

    def noted(source, kernel, *args, **kwargs):
        if source in ("optimizer", "gradients"):
            names.append(kernel)
        launch.launch(source, kernel, *args, **kwargs)

    with mock.patch.object(optimizer, "launch", noted), mock.patch.object(gradients, "launch", noted):
        yield names


def parameters(shapes, dtype, seed=0):
    rng = np.random.default_rng(seed)
    return [Tensor(np.asarray(rng.standard_normal(shape), dtype_of(dtype)), requires_grad=True) for shape in shapes]


def equal(one, other, tolerance):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a.astype(np.float64), b.astype(np.float64), rtol=tolerance, atol=tolerance)
