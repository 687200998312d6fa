"""The batch normalisation of kernels/cuda: sizes of every kind, large means, all element types, a residual, and mistakes that must be seen."""

import math

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, kernels, nn, ops
from minicnn.kernels.cuda import channels
from tests.kernels.cuda.compared import TYPES, channels_last, off_by_one, planted, unlike
from tests.kernels.cuda.norms import differs, images, parameters

NORM, RELU, ADD = "batch_norm", "batch_norm_relu", "batch_norm_add_relu"
BEHIND = {NORM: {}, RELU: {"ceiling": math.inf}, ADD: {"ceiling": 1.5}}  # the attributes of each operation beside those of a batch norm
SHAPES = {
    "one channel": (40, 1),
    "odd": (3, 5, 7, 9),
    "features": (300, 70),
    "sequences": (3, 6, 50),
    "several blocks of rows": (2, 64, 13, 17),
    "many blocks of rows": (2, 64, 50, 27),
    "several blocks of channels": (5, 300, 4, 5),
    "more threads than rows": (2, 260),
    "channels in eights": (2, 24, 9, 5),
}


def case(op, shape, training=True, **given):
    C = shape[1]
    running = {"running_mean": None, "running_var": None}
    if not training:
        running = {"running_mean": images(C, seed=4), "running_var": images(C, seed=5) ** 2 + 0.5}
    shortcut = {"z": images(*shape, seed=6)} if op == ADD else {}
    return {"x": images(*shape), **parameters(C), **shortcut, **running, **given}


def wrong(op, shape, dtype="float32", *, training=True, layout=lambda x: x, eps=1e-5, tolerance=None, **given):
    return differs(op, case(op, shape, training, **given), dtype, layout, tolerance=tolerance, training=training, eps=eps, **BEHIND[op])


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("op", [NORM, ADD])
def test_sizes_of_every_kind(op, shape):
    assert wrong(op, shape) == ""


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("op", BEHIND)
def test_element_types(op, dtype):
    for shape in ((2, 24, 9, 5), (3, 37, 5, 5)):
        assert wrong(op, shape, dtype, layout=channels_last) == ""
    assert wrong(op, (2, 24, 9, 5), dtype, training=False) == ""


@pytest.mark.parametrize("op", BEHIND)
def test_without_scale_or_shift(op):
    for given in ({"gamma": None}, {"beta": None}, {"gamma": None, "beta": None}):
        for training in (True, False):
            assert wrong(op, (3, 5, 7, 9), training=training, **given) == ""


def test_images_at_odd_addresses():
    def layout(x):
        return off_by_one(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)

    assert wrong(ADD, (2, 24, 9, 5), layout=layout) == ""


@pytest.mark.parametrize("op", BEHIND)
def test_parameters_with_gaps(op):
    kernel, given = kernels.find(op, ["cuda"]), case(op, (3, 5, 7, 9), training=False)
    sparse = {name: p if p.ndim > 1 else np.stack([p, -p], axis=1)[:, 0] for name, p in given.items()}
    dense, gaps = (kernel.forward(*g.values(), training=False, eps=1e-5, **BEHIND[op])[0][0] for g in (given, sparse))
    np.testing.assert_array_equal(gaps, dense)


@pytest.mark.parametrize("op", BEHIND)
def test_results_and_gradients_are_channels_last(op):
    kernel, given = kernels.find(op, ["cuda"]), case(op, (2, 6, 3, 5))
    (y, _, _), saved = kernel.forward(*given.values(), training=True, eps=1e-5, **BEHIND[op])
    gradients = kernel.backward(np.ones(y.shape), saved, needs=tuple(a is not None for a in given.values()))
    for image in (y, *(g for g in gradients if g is not None and g.ndim == 4)):
        assert image.transpose(0, 2, 3, 1).flags.c_contiguous


@pytest.mark.parametrize("op", BEHIND)
def test_of_the_images_only_the_input_is_kept(op):
    given = case(op, (2, 16, 30, 40))
    given["x"] = channels_last(given["x"])
    _, saved = kernels.find(op, ["cuda"]).forward(*given.values(), training=True, eps=1e-5, **BEHIND[op])
    kept = [a for a in saved if isinstance(a, np.ndarray)]
    assert np.shares_memory(kept[0], given["x"])
    assert sum(a.nbytes for a in kept[1:]) <= given["x"].nbytes / 16 + 6 * 16 * 8  # one byte for each 16 of the image, and six numbers a channel


# Digits


@pytest.mark.parametrize(("mean", "std"), [(1e4, 1.0), (-300.0, 1e-3), (1e-3, 1e4)])
def test_a_mean_far_from_zero_loses_no_digits(mean, std):
    given = case(NORM, (4, 20, 23, 29)) | {"x": images(4, 20, 23, 29, mean=mean, std=std)}
    assert differs(NORM, given, tolerance=1e-5, training=True, eps=1e-12) == ""


def test_an_outlier_in_the_first_row_loses_few_digits():
    """The first row is where a block measures from."""
    x = images(1, 8, 40, 50)
    x[0, :, 0, 0] = 1000
    assert wrong(NORM, x.shape, x=x, tolerance=1e-4) == ""


def test_constant_channels_have_no_variance():
    x = np.full((3, 8, 11, 13), 0.1, np.float32)
    (y, mean, var), _ = kernels.find(NORM, ["cuda"]).forward(x, None, np.full(8, 2, np.float32), None, None, training=True, eps=1e-5)
    np.testing.assert_array_equal(var, 0)
    np.testing.assert_array_equal(mean, np.float32(0.1))
    np.testing.assert_array_equal(y, 2)


def test_a_nan_stays_in_its_channel():
    x = images(3, 8, 11, 13).astype(np.float32)
    x[1, 3, 5, 7] = np.nan
    (y, mean, var), _ = kernels.find(NORM, ["cuda"]).forward(x, None, None, None, None, training=True, eps=1e-5)
    for result in (y.transpose(1, 0, 2, 3).reshape(8, -1), mean[:, None], var[:, None]):
        np.testing.assert_array_equal(np.isnan(result).all(axis=1), np.arange(8) == 3)
        assert not np.isnan(result[np.arange(8) != 3]).any()


# Joined operations


@pytest.mark.parametrize(("ceiling", "relu"), [(math.inf, ops.relu), (6.0, ops.relu6)])
def test_joined_equals_one_after_the_other(ceiling, relu):
    arrays = [images(2, 24, 9, 5, std=3), *parameters(24).values(), images(2, 24, 9, 5, seed=1, std=3)]
    with minicnn.use_backend("cudasim"):
        joint, apart = ([Tensor(a.astype(np.float32), requires_grad=True) for a in arrays] for _ in range(2))
        together = ops.batch_norm(*joint[:3], training=True, ceiling=ceiling, residual=joint[3])
        one_by_one = relu(ops.batch_norm(*apart[:3], training=True) + apart[3])
        for y in (together, one_by_one):
            y.backward(images(2, 24, 9, 5, seed=3, mean=0).astype(np.float32))
    np.testing.assert_allclose(together.numpy(), one_by_one.numpy(), rtol=1e-5, atol=1e-5)
    for a, b in zip(joint, apart, strict=True):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(("ceiling", "at"), [(math.inf, 0.0), (6.0, 0.0), (6.0, 6.0)])
def test_at_the_ends_of_relu_nothing_comes_back(ceiling, at):
    """Exactly at 0, and at the ceiling, as where a scale and a shift of 0 meet a residual of 0."""
    with minicnn.use_backend("cudasim"):
        x, residual = (Tensor(a.astype(np.float32), requires_grad=True) for a in (images(2, 8, 3, 5), np.zeros((2, 8, 3, 5))))
        gamma, beta = (Tensor(np.full(8, value, np.float32), requires_grad=True) for value in (0.0, at))
        y = ops.batch_norm(x, gamma, beta, training=True, ceiling=ceiling, residual=residual)
        y.backward(np.ones(y.shape, np.float32))
    np.testing.assert_array_equal(y.numpy(), at)
    for tensor in (residual, gamma, beta):
        np.testing.assert_array_equal(tensor.grad.numpy(), 0)


def test_an_infinite_pixel_spoils_no_other_gradient_in_evaluation():
    x = images(2, 8, 3, 5).astype(np.float32)
    x[0, 3, 1, 2] = np.inf
    zeros, ones = np.zeros(8, np.float32), np.ones(8, np.float32)
    kernel = kernels.find(NORM, ["cuda"])
    _, saved = kernel.forward(x, ones, zeros, zeros, ones, training=False, eps=1e-5)
    dx = kernel.backward(np.ones_like(x), saved, needs=(True, True, True, False, False))[0]
    np.testing.assert_allclose(dx, 1, rtol=1e-5)


def test_the_running_statistics_are_new_arrays():
    with minicnn.use_backend("cudasim"):
        layer, x = nn.BatchNorm2d(5), images(3, 5, 4, 6).astype(np.float32)
        before = layer.running_mean.data, layer.running_var.data
        layer(Tensor(x))
        np.testing.assert_array_equal(before[0], 0)
        np.testing.assert_array_equal(before[1], 1)
        np.testing.assert_allclose(layer.running_mean.numpy(), 0.1 * x.mean((0, 2, 3)), rtol=1e-5)
        np.testing.assert_allclose(layer.running_var.numpy(), 0.9 + 0.1 * x.var((0, 2, 3), ddof=1), rtol=1e-5)
        assert {layer.running_mean.dtype, layer.running_var.dtype} == {np.dtype(np.float32)}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_images_of_16_bits_with_parameters_of_32(dtype):
    with minicnn.use_backend("cudasim"):
        layer = nn.BatchNorm2d(16)
        x = Tensor(images(2, 16, 5, 6)).astype(dtype)
        y = nn.norm_relu(layer, x, residual=x)
        assert y.dtype == x.dtype
        assert layer.running_var.dtype == np.float32
        with pytest.raises(minicnn.errors.DtypeError, match=f"beside x of {dtype}, gamma must be float32"):
            ops.batch_norm(x, Tensor(np.ones(16)), training=True)


# How work is divided


def test_every_row_belongs_to_one_part():
    for S, C in ((1, 1), (1000, 64), (5000, 3), (50176, 256), (12544, 2048)):
        for rows in (channels.ROWS_OF_ONE, channels.ROWS_OF_TWO):
            p = channels.plan(1, S, C, 4, rows, 1)
            assert p.block[0] * p.block[1] <= channels.THREADS
            assert p.grid[1] * p.block[0] * channels.vector(C, 4) >= C
            assert p.parts <= -(-S // p.tile)  # none has nothing to do
            assert p.grid[0] * p.grid[1] <= channels.AT_ONCE or p.parts == 1


# Mistakes

MISTAKES = {
    "nobody waits for the sums of others": ("channels.cuh", "    __syncthreads();\n    if (threadIdx.y + half", "    if (threadIdx.y + half"),
    "half of an odd number of rows, rounded down": ("channels.cuh", "half = (rows + 1) / 2, other", "half = rows / 2, other"),
    "a part counts rows that another has": ("channels.cuh", "(part < last)", "(part <= last)"),
    "parts merged without the distance of their means": ("channels.cuh", "b.squares + delta * delta * a.count * share", "b.squares"),
    "the last rows are read but not used": ("batch_norm.cu", "m < S; m += place.step) {\n      Numbers rows", "m + 1 < S; m += place.step) {\n      Numbers rows"),
    "the tiles of another part": ("batch_norm.cu", "m >= 0; m -= place.step) {\n    Numbers rows[ROWS], others", "m >= tile; m -= place.step) {\n    Numbers rows[ROWS], others"),
    "M - 1 instead of M": ("batch_norm.cu", "scale * inverse * slope / M", "scale * inverse * slope / (M - 1)"),
    "the mean of dy is not removed": ("batch_norm.cu", "- moved - offset.v[k]", "- moved"),
    "the spread of dy is not removed": ("batch_norm.cu", "scale.v[k] * g - moved", "scale.v[k] * g"),
    "lanes beyond the first are lost": ("channels.cuh", "for (int lanes = 16; lanes > 0; lanes /= 2) v +=", "for (int lanes = 16; lanes > 1; lanes /= 2) v +="),
    "the bit of another channel": ("batch_norm.cu", "between[r] >> k & 1", "between[r] >> (k ^ 1) & 1"),
    "dz is dy": ("batch_norm.cu", "if (ADDS && !passes) above[r].v[k] = STORE(REAL(0));", ""),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_planted_mistake_is_seen(mistake, tmp_path):
    with planted(tmp_path, *mistake):
        assert wrong(ADD, (2, 20, 13, 17)) != ""


DIGITS = {
    "the variance around zero": ("batch_norm.cu", "first.v[k] = start.v[k]", "first.v[k] = 0"),
    "the rest of the mean is forgotten": ("channels.cuh", "beta - rest * scale", "beta"),
}


@pytest.mark.parametrize("mistake", DIGITS.values(), ids=DIGITS)
def test_lost_digits_are_seen(mistake, tmp_path):
    x = images(4, 20, 13, 17, mean=1e4, std=1.0)
    assert wrong(NORM, x.shape, x=x, tolerance=1e-5) == ""
    with planted(tmp_path, *mistake):
        assert wrong(NORM, x.shape, x=x, tolerance=1e-5) != ""


def test_a_number_that_is_never_written_is_seen(tmp_path):
    with planted(tmp_path, "batch_norm.cu", "        write(y, at, rows[r]);\n", "        if (m > 0) write(y, at, rows[r]);\n"):
        assert "nan" in wrong(NORM, (2, 20, 13, 17))
    assert unlike(np.array([np.nan]), np.array([1.0]), 1e-3) != ""
