"""Dropout: the generator, one mask for all backends, its statistics, the three kinds, and the messages."""

import inspect
import math

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, kernels, nn, ops
from minicnn.errors import ArgumentError, DtypeError, ShapeError
from minicnn.kernels.loops.dropout import uniform


def run(folder, x, **attributes):
    return kernels.find("dropout", [folder]).forward(x, **attributes)[0]


def test_the_generator_is_splitmix64():
    # The first outputs of the reference implementation (Vigna, splitmix64.c) for the states 0 and 1234567.
    for seed, outputs in {
        0: [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F],
        1234567: [6457827717110365317, 3203168211198807973, 9817491932198370423],
    }.items():
        assert [uniform(seed, i) for i in range(3)] == [(z >> 40) / 2**24 for z in outputs]


@pytest.mark.parametrize("seed", [0, 1, 2**62 + 12345, 2**63 - 1])
@pytest.mark.parametrize("mask_axes", [1, 2, 3])
@pytest.mark.parametrize("p", [0.1, 0.5, 2**-24, 0.9999, 1.0])
def test_all_folders_draw_the_same_mask(seed, mask_axes, p):
    x = np.ones((7, 5, 3))
    expected = run("loops", x, p=p, seed=seed, mask_axes=mask_axes)
    for folder in ("array", "cpu"):
        for dtype in (np.float32, np.float64):
            y = run(folder, x.astype(dtype), p=p, seed=seed, mask_axes=mask_axes)
            np.testing.assert_array_equal(y != 0, expected != 0)


@pytest.mark.parametrize("folder", kernels.FOLDERS)
def test_a_draw_equal_to_p_is_kept(folder):
    p = uniform(seed=3, i=2)
    kept = [run(folder, np.ones(4), p=value, seed=3, mask_axes=1)[2] != 0 for value in (p, np.nextafter(p, 1))]
    assert kept == [True, False]


def test_the_mask_does_not_depend_on_threads():
    x = np.ones(300_001)
    one = run("array", x, p=0.3, seed=5, mask_axes=1)
    np.testing.assert_array_equal(run("cpu", x, p=0.3, seed=5, mask_axes=1), one)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_statistics(backend, p):
    minicnn.manual_seed(1)
    with minicnn.use_backend(backend):
        y = ops.dropout(minicnn.ones(1000, 400), p, training=True).numpy()
    dropped = (y == 0).astype(float)
    sigma = math.sqrt(p * (1 - p) / dropped.size)
    assert abs(dropped.mean() - p) < 4 * sigma
    np.testing.assert_allclose(y[y != 0], 1 / (1 - p), rtol=1e-6)
    assert abs(dropped.mean(axis=0) - p).max() < 5 * math.sqrt(p * (1 - p) / 1000)  # no column is special
    for lag in (1, 2, 400):  # neighbours are independent
        flat = dropped.ravel() - p
        assert abs((flat[lag:] * flat[:-lag]).mean()) < 5 * p * (1 - p) / math.sqrt(flat.size)


def test_each_call_draws_anew_and_the_seed_decides():
    x = minicnn.ones(200)
    minicnn.manual_seed(7)
    first, second = (ops.dropout(x, training=True).numpy() for _ in range(2))
    assert (first != second).any()
    minicnn.manual_seed(7)
    np.testing.assert_array_equal(ops.dropout(x, training=True).numpy(), first)


def test_the_gradient_goes_where_the_value_went(backend):
    x = Tensor(np.ones((20, 3)), requires_grad=True)
    y = ops.dropout(x, 0.4, training=True)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), y.numpy())


def test_channels_and_samples_share_their_fate(backend):
    minicnn.manual_seed(2)
    x = minicnn.ones(40, 6, 3, 2)
    channels, samples = (f(x, 0.5, training=True).numpy() for f in (ops.dropout2d, ops.drop_path))
    assert (np.ptp(channels, axis=(2, 3)) == 0).all()
    assert (np.ptp(channels, axis=1) > 0).any()
    assert (np.ptp(samples, axis=(1, 2, 3)) == 0).all()
    assert set(np.unique(samples)) == {0.0, 2.0}


def test_all_is_dropped_at_p_1(backend):
    x = Tensor([np.inf, 1.0, np.nan], requires_grad=True)
    y = ops.dropout(x, 1.0, training=True)
    y.backward(np.ones(3))
    assert y.tolist() == x.grad.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("layer", [nn.Dropout, nn.Dropout2d, nn.DropPath])
def test_nothing_happens_at_p_0_or_in_evaluation(layer):
    x = minicnn.ones(2, 3, 4, 5)
    assert layer(0.0)(x) is x
    assert layer(0.5).eval()(x) is x
    assert layer(0.5)(x) is not x
    assert repr(layer(0.25)) == f"{layer.__name__}(p=0.25)"


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda x: ops.dropout(x, 1.5, training=True), ArgumentError, ["dropout: p", "from 0 to 1", "1.5"]),
        (lambda x: nn.Dropout(-0.1), ArgumentError, ["Dropout: p", "-0.1"]),
        (lambda x: nn.Dropout2d("a"), ArgumentError, ["Dropout2d: p", "'a'"]),
        (lambda x: ops.dropout(x, 0.5, training=1), ArgumentError, ["training", "True or False"]),
        (lambda x: ops.dropout(x.astype("int64"), training=True), DtypeError, ["dropout: x is int64"]),
        (lambda x: ops.dropout2d(x, training=True), ShapeError, ["dropout2d", "(N, C, H, W)", "(2, 3)"]),
        (lambda x: ops.drop_path(x.sum(), training=True), ShapeError, ["batch axis"]),
    ],
)
def test_messages(call, error, parts):
    with pytest.raises(error) as caught:
        call(minicnn.ones(2, 3))
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize("function", [ops.dropout, ops.dropout2d, ops.drop_path, ops.batch_norm])
def test_the_mode_must_be_said_by_name(function):
    training = inspect.signature(function).parameters["training"]
    assert training.kind is inspect.Parameter.KEYWORD_ONLY
    assert training.default is inspect.Parameter.empty
