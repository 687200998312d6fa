"""Group, layer and local response normalisation in kernels/cuda: sizes of every kind, all element types, large means, and mistakes that must be seen."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, kernels, ops
from minicnn.errors import DtypeError
from tests.kernels.cuda.compared import TYPES, channels_last, off_by_one, planted
from tests.kernels.cuda.norms import differs, images, parameters

LRN = {"size": 5, "alpha": 0.3, "beta": 0.75, "k": 2.0}


def group_norm(shape, groups, dtype="float32", layout=lambda x: x, tolerance=None, **given):
    given = {"x": images(*shape), **parameters(shape[1]), **given}
    return differs("group_norm", given, dtype, layout, tolerance=tolerance, groups=groups, eps=1e-5)


def layer_norm(shape, ndim, dtype="float32", layout=lambda x: x, tolerance=None, **given):
    last = parameters(shape[len(shape) - ndim :])
    return differs("layer_norm", {"x": images(*shape), **last, **given}, dtype, layout, tolerance=tolerance, ndim=ndim, eps=1e-5)


def response_norm(shape, dtype="float32", layout=lambda x: x, **attributes):
    return differs("local_response_norm", {"x": images(*shape)}, dtype, layout, **{**LRN, **attributes})


# Group norm


@pytest.mark.parametrize(("shape", "groups"), [
    ((3, 6, 7, 9), 2), ((3, 5, 4, 7), 5), ((2, 1, 9, 8), 1), ((4, 64, 13, 11), 32), ((2, 300, 3, 5), 4), ((70, 12), 3), ((2, 24, 45, 50), 1), ((40, 33, 6), 33),
])  # fmt: skip
def test_groups_of_every_kind(shape, groups):
    assert group_norm(shape, groups) == ""
    assert group_norm(shape, groups, layout=channels_last if len(shape) == 4 else off_by_one, gamma=None) == ""


@pytest.mark.parametrize("dtype", TYPES)
def test_element_types_of_group_norm(dtype):
    assert group_norm((3, 24, 9, 5), 4, dtype) == ""
    assert group_norm((3, 15, 9, 5), 3, dtype, beta=None) == ""


def test_images_far_apart_in_brightness():
    """Each is normalised by its own mean, which loses no digits."""
    x = images(3, 8, 12, 13) + np.array([1e4, 0, -100]).reshape(3, 1, 1, 1)
    assert group_norm(x.shape, 2, x=x, tolerance=1e-5) == ""


GROUP_MISTAKES = {
    "the line of another image": ("channels.cuh", "entry = image * C + channel", "entry = channel"),
    "gamma of the first group": ("group_norm.cu", "const int c = (start + i) % C", "const int c = i"),
    "gamma left out in the sums": ("group_norm.cu", "total += factor * sum", "total += sum"),
    "a group of half the numbers": ("group_norm.cu", "REAL M = REAL(S) * size", "REAL M = REAL(S) * size / 2"),
    "the first image alone": ("group_norm.cu", "n < N; n += 32", "n < 1; n += 32"),
}


@pytest.mark.parametrize("mistake", GROUP_MISTAKES.values(), ids=GROUP_MISTAKES)
def test_a_mistake_in_group_norm_is_seen(mistake, tmp_path):
    with planted(tmp_path, *mistake):
        assert group_norm((3, 8, 9, 11), 2) != ""


# Layer norm


@pytest.mark.parametrize(("shape", "ndim"), [
    ((7, 5), 1), ((19, 33), 1), ((3, 4, 96), 1), ((1, 1030), 1), ((5, 3, 8, 10), 3), ((2, 3, 37, 41), 2), ((300, 70), 1), ((3, 9000), 1), ((2, 33000), 1),
])  # fmt: skip
def test_rows_of_every_length(shape, ndim):
    assert layer_norm(shape, ndim) == ""
    assert layer_norm(shape, ndim, layout=off_by_one, gamma=None) == ""


@pytest.mark.parametrize("dtype", TYPES)
def test_element_types_of_layer_norm(dtype):
    assert layer_norm((11, 40), 1, dtype) == ""
    assert layer_norm((2, 5, 3, 1001), 1, dtype, beta=None) == ""


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_beside_16_bits_parameters_have_32(dtype):
    with minicnn.use_backend("cudasim"):
        x, p = Tensor(images(3, 8, 4, 5)).astype(dtype), Tensor(np.ones(8, np.float32))
        assert ops.group_norm(x, 2, p, p).dtype == x.dtype
        assert ops.layer_norm(x.transpose(0, 2, 3, 1), 8, p, p).dtype == x.dtype
        for call in (lambda p: ops.group_norm(x, 2, p), lambda p: ops.layer_norm(x.transpose(0, 2, 3, 1), 8, p)):
            with pytest.raises(DtypeError, match="gamma must be float32"):
                call(p.astype(dtype))


def test_rows_in_another_order_in_memory():
    def across(x):
        return np.ascontiguousarray(x.T).T

    assert layer_norm((9, 70), 1, layout=across) == ""


@pytest.mark.parametrize("length", [50, 5000])
def test_a_row_far_from_zero_loses_no_digits(length):
    assert layer_norm((6, length), 1, x=images(6, length, mean=1e4, std=1), tolerance=1e-5) == ""


LAYER_MISTAKES = {
    "nobody waits for the other warps": ("layer_norm.cu", "= b;\n  __syncthreads();", "= b;"),
    "a warp is left out": ("layer_norm.cu", "for (int warp = 0;", "for (int warp = 1;"),
    "the mean of the gradient is not removed": ("layer_norm.cu", "g - total - row", "g - row"),
    "gamma left out": ("layer_norm.cu", "const REAL g = gamma ? gamma[i + k] * REAL(above.v[k]) : REAL(above.v[k]);\n      numbers", "const REAL g = above.v[k];\n      numbers"),
    "mean of the row above": ("layer_norm.cu", "return {statistics[r],", "return {statistics[r ? r - 1 : 0],"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", LAYER_MISTAKES.values(), ids=LAYER_MISTAKES)
def test_a_mistake_in_layer_norm_is_seen(mistake, tmp_path):
    with planted(tmp_path, *mistake):
        assert layer_norm((3, 2000), 1) != ""


# Local response norm


@pytest.mark.parametrize("shape", [(2, 7, 3, 5), (3, 1), (2, 130, 3, 3), (1, 300, 2, 3), (2, 96, 5), (1000, 3)])
@pytest.mark.parametrize("size", [1, 2, 5, 9])
def test_windows_of_every_size(shape, size):
    assert response_norm(shape, size=size) == ""


@pytest.mark.parametrize("dtype", TYPES)
def test_element_types_of_response_norm(dtype):
    assert response_norm((3, 20, 5, 7), dtype, layout=channels_last) == ""
    assert response_norm((2, 6, 3, 4), dtype, size=30) == ""


RESPONSE_MISTAKES = {
    "nobody waits for the terms of others": ("local_response_norm.cu", "  __syncthreads();\n", ""),
    "the window of the forward pass": ("local_response_norm.cu", "blockIdx.y * blockDim.x - after,", "blockIdx.y * blockDim.x - before,"),
    "a window too short": ("local_response_norm.cu", "j <= before + after", "j < before + after"),
    "the factor 2 is missing": ("local_response_norm.cu", "direct - 2 * REAL(alpha)", "direct - REAL(alpha)"),
    "the first channel's neighbour to the left": ("local_response_norm.cu", "max(0, c - before)", "max(1, c - before)"),
}


@pytest.mark.parametrize("mistake", RESPONSE_MISTAKES.values(), ids=RESPONSE_MISTAKES)
def test_a_mistake_in_response_norm_is_seen(mistake, tmp_path):
    with planted(tmp_path, *mistake):
        assert response_norm((2, 140, 3, 5), size=4) != ""


@pytest.mark.parametrize(("op", "attributes"), [("group_norm", {"groups": 2, "eps": 1e-5}), ("local_response_norm", LRN)])
def test_results_and_gradients_are_channels_last(op, attributes):
    kernel, x = kernels.find(op, ["cuda"]), images(2, 6, 3, 5)
    given = (x,) if op == "local_response_norm" else (x, None, None)
    y, saved = kernel.forward(*given, **attributes)
    dx = kernel.backward(np.ones(y.shape), saved, needs=(True, False, False)[: len(given)])[0]
    for image in (y, dx):
        assert image.transpose(0, 2, 3, 1).flags.c_contiguous
