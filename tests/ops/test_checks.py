"""What all operations refuse at the door, and that each says where it was."""

import numpy as np
import pytest

from minicnn import Tensor, ops, use_backend
from minicnn.errors import ArgumentError, DtypeError

X, W = np.ones((2, 4, 5, 5), np.float32), np.ones((4, 2, 3, 3), np.float32)


@pytest.mark.parametrize(
    ("call", "place"),
    [
        (lambda: ops.conv2d(X, W, groups=2, stride="a"), "conv2d: stride"),
        (lambda: ops.conv2d(X, W, groups=2, padding="ab"), "conv2d: padding"),
        (lambda: ops.conv2d(X, W, groups=2, dilation=0), "conv2d: dilation"),
        (lambda: ops.conv2d(X, W, groups=True), "conv2d: groups"),
        (lambda: ops.max_pool2d(X, 0), "max_pool2d: kernel_size"),
        (lambda: ops.max_pool2d(X, 2, "a"), "max_pool2d: stride"),
        (lambda: ops.max_pool2d(X, 2, padding=-1), "max_pool2d: padding"),
        (lambda: ops.max_pool2d(X, 2, dilation=None), "max_pool2d: dilation"),
        (lambda: ops.max_pool2d(X, 2, ceil_mode=1), "max_pool2d: ceil_mode"),
        (lambda: ops.avg_pool2d(X, 2, padding=1.0), "avg_pool2d: padding"),
        (lambda: ops.avg_pool2d(X, 2, ceil_mode=1), "avg_pool2d: ceil_mode"),
        (lambda: ops.avg_pool2d(X, 2, count_include_pad=1), "avg_pool2d: count_include_pad"),
        (lambda: ops.adaptive_avg_pool2d(X, 0), "adaptive_avg_pool2d: output_size"),
        (lambda: ops.adaptive_max_pool2d(X, 0), "adaptive_max_pool2d: output_size"),
        (lambda: ops.batch_norm(X, training=1), "batch_norm: training"),
        (lambda: ops.batch_norm(X, training=True, eps=0), "batch_norm: eps"),
        (lambda: ops.batch_norm(X, training=True, momentum=2), "batch_norm: momentum"),
        (lambda: ops.layer_norm(X, 5, eps=0), "layer_norm: eps"),
        (lambda: ops.layer_norm(X, ()), "layer_norm: normalized_shape"),
        (lambda: ops.layer_norm(X, (5, 0)), "layer_norm: each size in normalized_shape"),
        (lambda: ops.group_norm(X, 2.0), "group_norm: groups"),
        (lambda: ops.group_norm(X, 2, eps=0), "group_norm: eps"),
        (lambda: ops.instance_norm(X, eps=0), "instance_norm: eps"),
        (lambda: ops.local_response_norm(X, 0), "local_response_norm: size"),
        (lambda: ops.local_response_norm(X, 3, alpha=-1), "local_response_norm: alpha"),
        (lambda: ops.local_response_norm(X, 3, beta="a"), "local_response_norm: beta"),
        (lambda: ops.local_response_norm(X, 3, k=0), "local_response_norm: k"),
        (lambda: ops.local_response_norm(X, 3, convention="a"), "local_response_norm: convention"),
        (lambda: ops.leaky_relu(X, "a"), "leaky_relu: negative_slope"),
        (lambda: ops.dropout(X, 2, training=True), "dropout: p"),
        (lambda: ops.channel_shuffle(X, 0), "channel_shuffle: groups"),
        (lambda: ops.smooth_l1_loss(X, X, beta="a"), "smooth_l1_loss: beta"),
        (lambda: ops.mse_loss(X, X, reduction="a"), "mse_loss: reduction"),
    ],
)
def test_an_error_begins_with_the_operation_and_the_argument(call, place):
    with pytest.raises(ArgumentError) as caught:
        call()
    assert str(caught.value).startswith(f"{place} must ")


def test_numbers_of_numpy_are_welcome():
    y = ops.conv2d(X, W, groups=np.int64(2), stride=(np.int32(2), 1))
    assert y.shape == (2, 4, 2, 3)
    assert ops.leaky_relu(Tensor([-2.0]), np.float32(0.5)).tolist() == [-1.0]


@pytest.mark.parametrize("dtype", ["float16", "longdouble", np.dtype(np.float32).newbyteorder(), ">f8"])
def test_kernels_compute_in_native_float32_and_float64_only(dtype):
    x = np.ones((2, 3), dtype)
    with use_backend("numba"):  # on a GPU float16 is welcome
        for call in (ops.relu, lambda x: ops.linear(x, x), lambda x: ops.mse_loss(x, x), ops.softmax):
            with pytest.raises(DtypeError, match=r"must be float32 or float64.*x\.astype\('float32'\)"):
                call(Tensor(x))


def test_padding_has_three_forms():
    for value, expected in [(1, (1, 1, 1, 1)), ((1, 2), (1, 1, 2, 2)), ([0, 1, 0, 1], (0, 1, 0, 1))]:
        assert ops.checks.padding4(value, "op: padding") == expected
