"""The matrix product in compiled Python: every remainder of rows and columns, and nothing written beside the result."""

import numpy as np
import pytest

from minicnn.kernels.cpu.product import (
    LINE,
    ROWS,
    add_product_of_columns,
    product,
    row_length,
    tile_columns,
    whole_tiles,
)

NOTHING = 777.0  # what stands where nothing may be written


def panels(B):
    K, N = B.shape
    tile = tile_columns(B.dtype)
    padded = np.zeros((K, whole_tiles(N, B.dtype)), B.dtype)
    padded[:, :N] = B
    return np.ascontiguousarray(padded.reshape(K, -1, tile).swapaxes(0, 1)).reshape(-1)


def whole(rows):
    return -(-rows // ROWS) * ROWS


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bounds", [(), (0.0, 0.5)], ids=["", "clipped"])
@pytest.mark.parametrize("N", [1, 3, 4, 7, 8, 9, 15, 16, 17, 24, 40])
@pytest.mark.parametrize("M", [1, 5, 6, 7, 13, 20])
@pytest.mark.parametrize("gap", [0, 5])
def test_product(gap, M, N, bounds, dtype):
    random = np.random.default_rng([M, N])
    K = 11
    A, B = random.standard_normal((whole(M), K)).astype(dtype), random.standard_normal((K, N)).astype(dtype)
    bias = np.zeros(whole_tiles(N, dtype), dtype)
    bias[:N] = random.standard_normal(N)
    C = np.full((whole(M) + 1, N + gap), NOTHING, dtype)
    edge = np.empty(ROWS * tile_columns(dtype), dtype)
    product(A.reshape(-1), 0, K * np.arange(whole(M)), M, np.arange(K), panels(B), 0, bias, np.array(bounds, dtype), C.reshape(-1), 0, N + gap, N, edge)
    expected = A[:M] @ B + bias[:N]
    np.testing.assert_allclose(C[:M, :N], expected.clip(*bounds) if bounds else expected, rtol=1e-4, atol=1e-5)
    assert (C[M:] == NOTHING).all()
    assert (C[:, N:] == NOTHING).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 1, 1), (6, 16, 3), (13, 24, 40), (25, 6, 97)], ids=str)
def test_add_product_of_columns(shape, dtype):
    M, N, K = shape
    random = np.random.default_rng(shape)
    A, B = np.zeros((K + 1, row_length(M, dtype().itemsize)), dtype), np.zeros((K, row_length(N, dtype().itemsize)), dtype)
    A[:K, :M], B[:, :N] = random.standard_normal((K, M)), random.standard_normal((K, N))
    C = np.ones((whole(M), whole_tiles(N, dtype)), dtype)
    add_product_of_columns(A.reshape(-1), 0, A.shape[1] * np.arange(K), K, np.arange(whole(M)), B.reshape(-1), 0, B.shape[1], C.reshape(-1), 0, C.shape[1], C.shape[1])
    np.testing.assert_allclose(C[:M, :N], 1 + A[:K, :M].T @ B[:, :N], rtol=1e-4, atol=1e-4)


def test_a_nan_stays_one_when_clipped():
    A, B = np.full((ROWS, 1), np.nan, np.float32), np.ones((1, 16), np.float32)
    C, bias = np.zeros((ROWS, 16), np.float32), np.zeros(16, np.float32)
    product(A.reshape(-1), 0, np.arange(ROWS), ROWS, np.arange(1), panels(B), 0, bias, np.array([0, 6], np.float32), C.reshape(-1), 0, 16, 16, np.empty(96, np.float32))
    assert np.isnan(C).all()


def test_rows_of_a_workspace_are_an_odd_number_of_cache_lines_apart():
    for itemsize in (4, 8):
        for columns in range(1, 600):
            length = row_length(columns, itemsize)
            assert length >= columns
            assert length * itemsize % LINE == 0
            assert length * itemsize // LINE % 2 == 1
