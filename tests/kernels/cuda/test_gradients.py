"""Clipping and unscaling in kernels/cuda: the gradients of many parameters in one launch."""

import math

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, optim
from minicnn.errors import NonFiniteError
from minicnn.kernels.cuda import gradients as kernels
from minicnn.kernels.cuda.tensors import CHUNK
from tests.kernels.cuda.compared import TYPES, dtype_of, in_every_order, off_by_one, planted
from tests.kernels.cuda.many import SHAPES, equal, launches, parameters


@pytest.fixture
def launched():
    with launches() as names:
        yield names


@pytest.mark.parametrize("max_norm", [0.5, 1e6, math.inf])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_clipping_equals_numpy_s(dtype, max_norm, launched):
    def clipped(backend):
        with minicnn.use_backend(backend):
            tensors = parameters(SHAPES, dtype)
            for tensor in tensors:
                tensor.grad = Tensor.wrap(tensor.data.copy())
            return optim.clip_grad_norm(tensors, max_norm), [tensor.grad.data for tensor in tensors]

    norm, values = clipped("cudasim")
    assert launched == ["sum_of_squares"] * 2 + ["clip"] * 2
    expected_norm, expected = clipped("numpy")
    assert norm == pytest.approx(expected_norm, rel=1e-12)
    equal(values, expected, 1e-13 if dtype == "float64" else 1e-6)


def test_clipping_gradients_of_several_types_and_with_gaps():
    def clipped(backend):
        with minicnn.use_backend(backend):
            arrays = np.arange(1.0, 4.0), np.arange(5, dtype=np.float32), np.ones((4, 6))[:, ::2]
            tensors = [Tensor(array, requires_grad=True) for array in arrays]
            for tensor, array in zip(tensors, arrays, strict=True):
                tensor.grad = Tensor.wrap(array.copy() if backend == "numpy" else array)
            return optim.clip_grad_norm(tensors[:2], 1.0), optim.clip_grad_norm(tensors, 0.5), [tensor.grad.data for tensor in tensors]

    mine, theirs = clipped("cudasim"), clipped("numpy")
    assert mine[:2] == pytest.approx(theirs[:2], rel=1e-6)
    equal(mine[2], theirs[2], 1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_is_named_and_nothing_is_scaled(bad):
    with minicnn.use_backend("cudasim"):
        good, wrong = parameters([(3,), (2, 2)], "float32")
        good.grad, wrong.grad = Tensor([3.0, 4.0, 0.0]), Tensor([[1.0, bad], [0.0, 0.0]])
        with pytest.raises(NonFiniteError, match=r"parameter 1, of shape \(2, 2\), is (NaN|Inf)"):
            optim.clip_grad_norm([good, wrong], 1.0)
    assert good.grad.tolist() == [3.0, 4.0, 0.0]
    assert wrong.grad.tolist()[1] == [0.0, 0.0]


def test_any_order_of_threads_gives_the_same_norm():
    gradient = np.random.default_rng(0).standard_normal(3 * CHUNK + 7)
    assert len({float(kernels.clip([gradient.copy()], math.inf)[0]) for _ in in_every_order()}) == 1


@pytest.mark.parametrize("dtype", TYPES)
def test_unscaling(dtype):
    rng = np.random.default_rng(0)
    arrays = [np.asarray(rng.standard_normal(shape), dtype_of(dtype)) for shape in SHAPES]
    arrays += [off_by_one(arrays[1]), np.ones((4, 6), dtype_of(dtype))[:, ::2], rng.standard_normal(5)]
    gradients = [array.copy(order="K") if i != len(arrays) - 2 else np.ones((4, 6), array.dtype)[:, ::2] for i, array in enumerate(arrays)]
    found = kernels.unscale(gradients, np.full(1, 1024, np.float32))
    assert (found.dtype, found.tolist()) == (np.dtype(np.int32), [0])
    for gradient, array in zip(gradients, arrays, strict=True):
        wanted = (array.astype(np.float64) / 1024).astype(array.dtype)
        np.testing.assert_array_equal(gradient.astype(np.float64), wanted.astype(np.float64))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_unscaling_tells_what_is_not_finite(bad, dtype):
    for tensor, place in ((0, 0), (1, CHUNK + 2), (2, 3)):
        gradients = [np.ones(size, dtype_of(dtype)) for size in (1, CHUNK + 3, 7)]
        gradients[tensor][place] = bad
        assert kernels.unscale(gradients, np.ones(1, np.float32)).tolist() == [1]
    assert kernels.unscale([np.full(5, 65504, dtype_of(dtype))], np.ones(1, np.float32)).tolist() == [0]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("for (int warp = 1; warp < 8; warp++)", "for (int warp = 1; warp < 7; warp++)"),
        ("finite = finite && x[0] - x[0] == 0;", "finite = x[0] - x[0] == 0;"),
        ("if (!(factor < 1) || norm == INFINITY) return;", "if (norm == INFINITY) return;"),
    ],
)
def test_a_mistake_would_be_seen(old, new, tmp_path):
    gradient = np.random.default_rng(0).standard_normal(CHUNK)
    clipped, bad = gradient.copy(), np.ones(CHUNK, np.float32)
    bad[0] = np.inf
    with planted(tmp_path, "gradients.cu", old, new):
        squares = float(kernels.clip([clipped], 1e6)[0])
        found = kernels.unscale([bad], np.ones(1, np.float32))[0]
    assert not (math.isclose(squares, (gradient**2).sum(), rel_tol=1e-12) and (clipped == gradient).all() and found == 1)
