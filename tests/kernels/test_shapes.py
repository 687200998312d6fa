"""The backend `meta` knows the shape of every result, and takes no memory for it."""

import zlib

import numpy as np
import pytest

import minicnn
from minicnn import kernels, models, nn, use_backend
from minicnn.errors import ArgumentError, BackendError
from minicnn.kernels import shapes
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("op", kernels.OPS)
def test_the_shape_is_that_of_the_reference(op, seed):
    case = CASES[op](RandomDraw(1000 * seed + zlib.crc32(op.encode()) % 1000))
    inputs = [x if x is None or x.dtype.kind != "f" else x.astype(np.float32) for x in {**case.inputs, **case.constants}.values()]
    expected, _ = kernels.find(op, ["array"]).forward(*inputs, **case.attributes)
    y, _ = shapes.kernel(op).forward(*inputs, **case.attributes)
    for mine, theirs in zip(*(z if isinstance(z, tuple) else (z,) for z in (y, expected)), strict=True):
        assert (mine.shape, mine.dtype) == (theirs.shape, theirs.dtype)
        assert mine.strides == (0,) * mine.ndim


def test_layers_and_images_without_memory():
    with use_backend("meta"):
        layer = nn.Linear(25088, 4096)
        y = nn.Sequential(nn.Conv2d(3, 512, 3), nn.BatchNorm2d(512), nn.ReLU())(minicnn.zeros(1, 3, 9, 9))
    assert layer.weight.shape == (4096, 25088)
    assert layer.weight.data.strides == (0, 0)
    assert y.shape == (1, 512, 7, 7)


def test_a_gradient_is_refused():
    with use_backend("meta"):
        loss = minicnn.ops.cross_entropy(models.LeNet5()(minicnn.zeros(2, 1, 32, 32)), minicnn.tensor([1, 2]))
        with pytest.raises(BackendError, match="knows shapes only, no values"):
            loss.backward()


def test_meta_is_no_name_for_a_students_backend_and_in_no_list():
    with pytest.raises(ArgumentError, match="minicnn's own"):
        kernels.register("relu", forward=lambda x: (x, None), backend="meta")
    assert "meta" not in minicnn.list_backends()
