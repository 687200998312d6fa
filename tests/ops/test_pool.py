"""Max and average pooling against PyTorch, at their corners (ties, NaN, padding), their messages, and their layers."""

import contextlib
import functools
import itertools

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, kernels, nn, ops
from minicnn.errors import ArgumentError, DtypeError, ShapeError
from minicnn.kernels.geometry import output_window
from minicnn.ops import checks
from minicnn.ops.checks import WindowWarning
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw


def compare(y, expected, x, torch_x):
    """Results and gradients agree with PyTorch's."""
    np.testing.assert_allclose(y.numpy(), expected.detach().numpy(), rtol=1e-12, atol=1e-12)
    dy = np.random.default_rng([2, y.size]).standard_normal(y.shape)
    y.backward(dy)
    expected.backward(expected.new_tensor(dy))
    np.testing.assert_allclose(x.grad.numpy(), torch_x.grad.numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("op", ["max_pool2d", "avg_pool2d"])
def test_equals_pytorch_on_an_image_padded_before(op, seed, backend):
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    case = CASES[op](RandomDraw(seed))
    a = case.attributes
    x = Tensor(case.inputs["x"], requires_grad=True)
    torch_x = torch.tensor(case.inputs["x"], requires_grad=True)
    dilation = a.get("dilation", (1, 1))
    P, Q = output_window(x.shape[2:], a["kernel_size"], a["stride"], a["padding"], dilation, a["ceil_mode"])
    top, bottom, left, right = a["padding"]
    around = (left, right, top, bottom)
    if op == "max_pool2d":
        padded = F.pad(torch_x, around, value=-np.inf)
        expected = F.max_pool2d(padded, a["kernel_size"], a["stride"], 0, dilation, a["ceil_mode"])
    else:
        expected = F.avg_pool2d(F.pad(torch_x, around), a["kernel_size"], a["stride"], 0, a["ceil_mode"])
        if not a["count_include_pad"]:
            inside = F.pad(torch.ones_like(torch_x), around)
            expected = expected / F.avg_pool2d(inside, a["kernel_size"], a["stride"], 0, a["ceil_mode"])
    # PyTorch takes padding for image here, and under ceil_mode adds windows that start in it.
    y = case.function(x)
    compare(y, expected[:, :, :P, :Q], x, torch_x)


@pytest.mark.parametrize("kernel_size", [1, 2, 3, 4])
def test_equals_pytorch_in_every_combination(kernel_size):
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    paddings = range(kernel_size // 2 + 1)
    for H, stride, padding, ceil_mode in itertools.product(range(1, 8), [1, 2, 3], paddings, [False, True]):
        data = RandomDraw(H).array(1, 2, H, 6)
        settings = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "ceil_mode": ceil_mode}
        attributes = settings | {"kernel_size": (kernel_size,) * 2, "stride": (stride,) * 2, "padding": (padding,) * 4}
        calls = [(ops.pool.MaxPool2d, F.max_pool2d, {}, {"dilation": (1, 1)})]
        for include in (False, True):
            calls.append((ops.pool.AvgPool2d, F.avg_pool2d, *[{"count_include_pad": include}] * 2))
        for mine, theirs, torch_extra, extra in calls:
            torch_x, x = torch.tensor(data, requires_grad=True), Tensor(data, requires_grad=True)
            try:
                expected = theirs(torch_x, **settings, **torch_extra)
            except RuntimeError:  # no room for a window
                op = ops.max_pool2d if theirs is F.max_pool2d else ops.avg_pool2d
                with pytest.raises(ShapeError):
                    op(x, **settings)
                continue
            compare(mine.apply(x, **attributes, **extra), expected, x, torch_x)


def test_padding_of_max_is_minus_infinity_and_never_zero(backend):
    y = ops.max_pool2d(Tensor(np.full((1, 1, 3, 3), -5.0)), 3, 2, padding=1)
    np.testing.assert_array_equal(y.numpy(), np.full((1, 1, 2, 2), -5.0))


def test_of_equal_pixels_the_first_in_row_major_order_gets_the_whole_gradient(backend):
    torch = pytest.importorskip("torch")
    # Few values, many ties; -inf ties with the padding.
    data = np.random.default_rng(3).choice([-np.inf, 0.0, 1.0], (2, 2, 6, 5))
    x, torch_x = Tensor(data, requires_grad=True), torch.tensor(data, requires_grad=True)
    y = ops.max_pool2d(x, 3, 2, padding=1, ceil_mode=True)
    compare(y, torch.nn.functional.max_pool2d(torch_x, 3, 2, 1, ceil_mode=True), x, torch_x)
    flat = Tensor(np.full((1, 1, 2, 2), -np.inf), requires_grad=True)
    ops.max_pool2d(flat, 2, 1, padding=1).backward(np.ones((1, 1, 3, 3)))
    np.testing.assert_array_equal(flat.grad.numpy()[0, 0], [[4, 2], [2, 1]])


def test_nan_is_larger_than_everything(backend):
    data = np.array([1.0, np.nan, 3.0, np.nan, 0.0, 2.0]).reshape(1, 1, 1, 6)
    x = Tensor(data, requires_grad=True)
    y = ops.max_pool2d(x, (1, 3), 1)
    y.backward(np.array([[[[1.0, 2.0, 4.0, 8.0]]]]))
    np.testing.assert_array_equal(y.numpy().ravel(), [np.nan] * 4)
    np.testing.assert_array_equal(x.grad.numpy().ravel(), [0, 3, 0, 12, 0, 0])  # the first NaN of each window


@pytest.mark.parametrize("backend", ["loops", "numpy", "numba"])
@pytest.mark.parametrize("op", ["max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d"])
def test_arrays_of_any_layout(op, backend):
    case = CASES[op](RandomDraw(5))
    kernel = minicnn.get_backend(backend).kernel(op)
    x = case.inputs["x"]
    y, saved = kernel.forward(x, **case.attributes)
    (dx,) = kernel.backward(np.ones_like(y), saved, needs=(True,))
    turned = np.ascontiguousarray(x.transpose(3, 1, 0, 2)).transpose(2, 1, 3, 0)
    y_turned, saved = kernel.forward(turned, **case.attributes)
    (dx_turned,) = kernel.backward(np.broadcast_to(1.0, y.shape), saved, needs=(True,))
    np.testing.assert_array_equal(y_turned, y)
    np.testing.assert_allclose(dx_turned, dx, rtol=1e-14)
    assert kernel.backward(np.ones_like(y), saved, needs=(False,)) == (None,)


def test_threads_do_not_change_the_result():
    from minicnn.kernels.cpu import threads

    x = RandomDraw(1).array(3, 8, 100, 100).astype(np.float32)
    window = {"kernel_size": (3, 3), "stride": (2, 1), "padding": (1,) * 4, "ceil_mode": False}
    attributes_of = {
        "max_pool2d": window | {"dilation": (1, 1)},
        "avg_pool2d": window | {"count_include_pad": False},
        "adaptive_avg_pool2d": {"output_size": (7, 6)},
        "adaptive_max_pool2d": {"output_size": (7, 6)},
    }
    for op, attributes in attributes_of.items():
        kernel, results = kernels.find(op, ["cpu"]), []
        for count in (1, 3):
            threads.set_num_threads(count)
            try:
                y, saved = kernel.forward(x, **attributes)
                results.append((y, *kernel.backward(y, saved, needs=(True,))))
            finally:
                threads.set_num_threads(None)
        for one, three in zip(*results, strict=True):
            np.testing.assert_array_equal(one, three)


X = Tensor(np.ones((2, 3, 5, 7), np.float32))


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda op: op(X[0], 2), ShapeError, ["4 axes (N, C, H, W)", "x.reshape(1, 3, 5, 7)"]),
        (lambda op: op(X[:0], 2), ShapeError, ["empty", "(0, 3, 5, 7)"]),
        (lambda op: op(X.astype("int64"), 2), DtypeError, ["int64", "/ 255"]),
        (lambda op: op(X, 6), ShapeError, ["(W - F + 2P)/S + 1", "height 5 - window 6", "halved once too often"]),
        (lambda op: op(X, 0), ArgumentError, ["kernel_size", ">= 1", "0"]),
        (lambda op: op(X, (2, 2, 2)), ArgumentError, ["kernel_size", "(height, width)", "(2, 2, 2)"]),
        (lambda op: op(X, 2, 0), ArgumentError, ["stride", ">= 1"]),
        (lambda op: op(X, 2, padding=-1), ArgumentError, ["padding", ">= 0", "-1"]),
        (lambda op: op(X, 3, padding=2), ArgumentError, ["padding (2, 2)", "3 pixel(s)", "at most half", "wholly in padding"]),
        (lambda op: op(X, 3, padding=(0, 0, 0, 3)), ArgumentError, ["(0, 3) along the width", "less than 3"]),
        (lambda op: op(X, 3, padding=(2, 2, 0, 0)), ArgumentError, ["(2, 2) along the height", "at most half"]),
        (lambda op: op(X, 3, padding=(1, 2, 0, 0), ceil_mode=1), ArgumentError, ["ceil_mode", "True or False", "1"]),
        (lambda op: op(X, 1, padding=(0, 0, 0, 1)), ArgumentError, ["window of 1 pixel(s)"]),
    ],
)
@pytest.mark.parametrize("op", [ops.max_pool2d, ops.avg_pool2d])
def test_messages(op, call, error, parts):
    with pytest.raises(error) as caught:
        call(op)
    for part in [op.__name__, *parts] if "is too much" in str(caught.value) else parts:
        assert part in str(caught.value)


def test_more_messages():
    with pytest.raises(ArgumentError, match="count_include_pad must be True or False"):
        ops.avg_pool2d(X, 2, count_include_pad=2)
    with pytest.raises(ArgumentError, match="dilation must be an integer >= 1"):
        nn.MaxPool2d(2, 2, 0, True)
    with pytest.raises(ArgumentError, match="MaxPool2d: padding"):
        nn.MaxPool2d(3, padding=2)
    with pytest.raises(ArgumentError, match="AvgPool2d: padding"):
        nn.AvgPool2d(2, padding=2)


def test_no_window_lies_wholly_in_padding():
    """The rule at the door is neither too weak (a window without pixels) nor refuses what it says it allows."""
    allowed = 0
    geometries = itertools.product(range(1, 5), [1, 2, 3], [1, 2, 3], range(4), range(4), [1, 2, 3], [False, True])
    for size, kernel_size, stride, before, after, dilation, ceil_mode in geometries:
        x = Tensor(np.full((1, 1, 1, size), -1.0))
        with contextlib.suppress(ArgumentError, ShapeError, WindowWarning):
            y = ops.max_pool2d(
                x, (1, kernel_size), stride, padding=(0, 0, before, after), dilation=dilation, ceil_mode=ceil_mode
            )
            np.testing.assert_array_equal(y.numpy(), np.full(y.shape, -1.0))
            allowed += 1
    assert allowed > 500


def test_taps_that_step_over_the_image():
    with pytest.raises(ShapeError, match=r"dilation 3 steps over the whole width of 1 pixel"):
        ops.max_pool2d(minicnn.zeros(1, 1, 4, 1), (1, 2), 1, padding=(0, 0, 2, 2), dilation=(1, 3))


def test_windows_that_miss_pixels_warn(monkeypatch):
    monkeypatch.setattr(checks, "_warned", set())  # each geometry warns once
    with pytest.warns(WindowWarning, match="last 1 pixel"):
        ops.max_pool2d(minicnn.ones(1, 1, 12, 13), 3, 2)
    ops.max_pool2d(minicnn.ones(1, 1, 12, 13), 3, 2, ceil_mode=True)
    ops.max_pool2d(minicnn.ones(1, 1, 13, 13), 3, 2)


def test_layers():
    x = Tensor(RandomDraw(2).array(2, 3, 8, 9))
    settings = {"stride": (2, 1), "padding": (1, 0), "ceil_mode": True}
    layer = nn.MaxPool2d((3, 2), (2, 1), (1, 0), (1, 2), True)
    np.testing.assert_array_equal(layer(x).numpy(), ops.max_pool2d(x, (3, 2), dilation=(1, 2), **settings).numpy())
    assert repr(layer) == (
        "MaxPool2d(kernel_size=(3, 2), stride=(2, 1), padding=(1, 1, 0, 0), dilation=(1, 2), ceil_mode=True)"
    )
    layer = nn.AvgPool2d((3, 2), (2, 1), (1, 0), True, False)
    expected = ops.avg_pool2d(x, (3, 2), count_include_pad=False, **settings)
    np.testing.assert_array_equal(layer(x).numpy(), expected.numpy())
    assert repr(nn.AvgPool2d(2)) == "AvgPool2d(kernel_size=2, stride=2)"
    assert list(nn.MaxPool2d(2).parameters()) == []
    with pytest.raises(ShapeError, match=r"^MaxPool2d\(kernel_size=2, stride=2\): input must have 4 axes"):
        nn.MaxPool2d(2)(x[0])


def test_same_padding_follows_the_image():
    """TensorFlow's rule; with `count_include_pad=False` its average pooling, which leaves the padding out."""
    x = Tensor(np.random.default_rng(3).standard_normal((1, 2, 6, 7)))
    without_padding = (functools.partial(f, count_include_pad=False) for f in (ops.avg_pool2d, nn.AvgPool2d))
    for op, layer in ((ops.max_pool2d, nn.MaxPool2d), without_padding):
        expected = op(x, 3, 2, padding=(0, 1, 1, 1)).numpy()
        np.testing.assert_array_equal(op(x, 3, 2, padding="same").numpy(), expected)
        np.testing.assert_array_equal(layer(3, 2, padding="same")(x).numpy(), expected)
        assert op(x, 3, 1, padding="same").shape == x.shape
    with pytest.raises(ArgumentError, match=r"AvgPool2d: padding must be .* or 'same', not 'valid'"):
        nn.AvgPool2d(2, padding="valid")
