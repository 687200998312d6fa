"""The tensor cores of the simulator against NumPy's products. The registers are filled here, by the tables of the PTX manual: an index i of a fragment
of a lane, and the row and column that it stands for ("Matrix Fragments for mma.m16n8k16 with floating point type", and ".m16n8k8" for TF32)."""

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from minicnn.kernels.cuda.simulator import Module, set_thread_order

KINDS = ["bf16", "f16", "tf32"]
LANES = np.arange(32)
GROUP, IN_GROUP = LANES // 4, LANES % 4


@pytest.fixture(scope="module")
def module():
    return Module(Path(__file__).parent / "files" / "fragments.cu")


@pytest.fixture(params=["forward", "reverse", "shuffled"], autouse=True)
def order(request):
    set_thread_order(request.param)
    yield
    set_thread_order("forward")


def places(matrix, kind):
    """Rows and columns (32, numbers of a lane) of the fragments of A, B and of the results."""
    two = kind != "tf32"
    if matrix == "A":
        i = np.arange(8 if two else 4)
        row = np.where((i < 2) | ((i >= 4) & (i < 6)), 0, 8) if two else np.where(i % 2 == 0, 0, 8)
        column = (IN_GROUP * 2)[:, None] + (i & 1) + np.where(i < 4, 0, 8) if two else IN_GROUP[:, None] + np.where(i < 2, 0, 4)
        return GROUP[:, None] + row, column
    if matrix == "B":
        i = np.arange(4 if two else 2)
        row = (IN_GROUP * 2)[:, None] + (i & 1) + np.where(i < 2, 0, 8) if two else IN_GROUP[:, None] + np.where(i < 1, 0, 4)
        return row, np.broadcast_to(GROUP[:, None], row.shape)
    i = np.arange(4)
    return GROUP[:, None] + np.where(i < 2, 0, 8), (IN_GROUP * 2)[:, None] + (i & 1)


def product(module, A, B, C, kind):
    registers = {name: np.ascontiguousarray(x[places(name, kind)]).view(np.uint32) for name, x in (("A", A), ("B", B))}
    c = np.ascontiguousarray(C[places("D", kind)])
    d = np.full((32, 4), np.nan, np.float32)
    module.get_function("products")((1,), (32,), (registers["A"], registers["B"], c, d, np.int32(KINDS.index(kind))))
    D = np.full((16, 8), np.nan, np.float32)
    D[places("D", kind)] = d
    return D


def drawn(kind):
    random = np.random.default_rng(0)
    dtype = {"bf16": ml_dtypes.bfloat16, "f16": np.float16, "tf32": np.float32}[kind]
    K = 8 if kind == "tf32" else 16
    A, B = random.standard_normal((16, K)).astype(dtype), random.standard_normal((K, 8)).astype(dtype)
    return A, B, random.standard_normal((16, 8)).astype(np.float32)


def cut(x):
    """A float32 without its last 13 bits."""
    return (x.view(np.uint32) & 0xFFFFE000).view(np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_product(module, kind):
    A, B, C = drawn(kind)
    if kind == "tf32":
        A, B = cut(A), cut(B)
    np.testing.assert_allclose(product(module, A, B, C, kind), A.astype(np.float64) @ B.astype(np.float64) + C, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("swapped", [(0, 2), (1, 2), (4, 6)])
def test_a_fragment_in_the_wrong_order_would_be_seen(module, kind, swapped):
    A, B, C = drawn(kind)
    columns = list(range(A.shape[1]))
    columns[swapped[0]], columns[swapped[1]] = columns[swapped[1]], columns[swapped[0]]
    right, wrong = product(module, A, B, C, kind), product(module, np.ascontiguousarray(A[:, columns]), B, C, kind)
    assert np.abs(right - wrong).max() > 0.1


def test_tf32_cuts_and_does_not_round(module):
    A, B, C = drawn("tf32")
    A, B = np.abs(A) + 1, np.abs(B) + 1
    found = product(module, A, B, 0 * C, "tf32").astype(np.float64)
    np.testing.assert_allclose(found, cut(A).astype(np.float64) @ cut(B), rtol=1e-6)
    assert (found < A.astype(np.float64) @ B).all()


def test_ldmatrix(module):
    x = np.random.default_rng(1).integers(0, 65536, (4, 8, 8)).astype(np.uint16)
    y, transposed = np.zeros((32, 4), np.uint32), np.zeros((32, 4), np.uint32)
    module.get_function("loads")((1,), (32,), (x, y, transposed))
    pairs = [(2 * IN_GROUP + e) for e in (0, 1)]
    for matrix in range(4):
        low, high = (x[matrix, GROUP, column].astype(np.uint32) for column in pairs)
        np.testing.assert_array_equal(y[:, matrix], low | high << 16)
        low, high = (x[matrix, row, GROUP].astype(np.uint32) for row in pairs)
        np.testing.assert_array_equal(transposed[:, matrix], low | high << 16)


@pytest.mark.parametrize("valid", [0, 4, 8, 12, 16])
def test_copies_arrive_as_late_as_they_may(module, valid):
    x = np.random.default_rng(2).standard_normal((2, 32, 4)).astype(np.float32)
    y = np.zeros((3, 32, 2, 4), np.float32)
    module.get_function("copies")((1,), (32,), (x, y, np.int32(valid)))
    x = x.transpose(1, 0, 2).copy()
    x[..., valid // 4 :] = 0  # what is not read is zero
    assert np.isnan(y[0]).all()
    np.testing.assert_array_equal(y[1, :, 0], x[:, 0])
    assert np.isnan(y[1, :, 1]).all()
    np.testing.assert_array_equal(y[2], x)


def test_a_warpgroup_multiplies_what_is_there_when_it_is_waited_for(module):
    random = np.random.default_rng(3)
    a, b = (random.standard_normal((64, 16)).astype(ml_dtypes.bfloat16) for _ in range(2))
    d = np.full((64, 64), np.nan, np.float32)
    module.get_function("of_a_warpgroup")((1,), (128,), (a, b, d, np.int32(0)))
    np.testing.assert_allclose(d, a.astype(np.float64) @ b.astype(np.float64).T, rtol=1e-5, atol=1e-5)
    module.get_function("of_a_warpgroup")((1,), (128,), (a, b, d, np.int32(1)))
    assert np.abs(d - a.astype(np.float64) @ b.astype(np.float64).T).max() > 0.1
