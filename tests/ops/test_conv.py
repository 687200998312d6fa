"""conv2d against PyTorch, its messages, and its layer."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, nn, ops
from minicnn.errors import ArgumentError, DtypeError, ShapeError
from minicnn.ops.checks import WindowWarning
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw


@pytest.mark.parametrize("seed", range(20))
def test_equals_pytorch(seed):
    torch = pytest.importorskip("torch")
    case = CASES["conv2d"](RandomDraw(seed))
    mine = {k: None if v is None else Tensor(v, requires_grad=True) for k, v in case.inputs.items()}
    theirs = {k: None if v is None else torch.tensor(v, requires_grad=True) for k, v in case.inputs.items()}
    a = case.attributes
    top, bottom, left, right = a["padding"]
    padded = torch.nn.functional.pad(theirs["x"], (left, right, top, bottom))
    expected = torch.nn.functional.conv2d(padded, theirs["w"], theirs["b"], a["stride"], 0, a["dilation"], a["groups"])
    y = case.function(*mine.values())
    np.testing.assert_allclose(y.numpy(), expected.detach().numpy(), rtol=1e-10, atol=1e-10)
    dy = np.random.default_rng([1, seed]).standard_normal(y.shape)
    y.backward(dy)
    expected.backward(torch.tensor(dy))
    for name, tensor in mine.items():
        if tensor is not None:
            np.testing.assert_allclose(tensor.grad.numpy(), theirs[name].grad.numpy(), rtol=1e-10, atol=1e-10, err_msg=name)


def test_padding_is_top_bottom_left_right():
    x = Tensor(np.ones((1, 1, 2, 3)))
    w = Tensor(np.ones((1, 1, 1, 1)))
    y = ops.conv2d(x, w, padding=(1, 0, 0, 2)).numpy()[0, 0]
    np.testing.assert_array_equal(y, [[0, 0, 0, 0, 0], [1, 1, 1, 0, 0], [1, 1, 1, 0, 0]])


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda x, w: ops.conv2d(x.reshape(2, 3, 35), w), ShapeError, ["4 axes (N, C, H, W)", "(2, 3, 35)", "batch axis"]),
        (lambda x, w: ops.conv2d(x.transpose(0, 2, 3, 1), w), ShapeError, ["5 channels", "expected 3", "(N, H, W, C)"]),
        (lambda x, w: ops.conv2d(x[:0], w), ShapeError, ["empty", "(0, 3, 5, 7)"]),
        (lambda x, w: ops.conv2d(x, w, groups=3), ArgumentError, ["groups", "4 filters"]),
        (lambda x, w: ops.conv2d(x, w, stride=0), ArgumentError, ["stride", ">= 1", "0"]),
        (lambda x, w: ops.conv2d(x, w, padding=(1, 2, 3)), ArgumentError, ["(top, bottom, left, right)"]),
        (lambda x, w: ops.conv2d(x, w, padding="valid"), ArgumentError, ["padding must be", "or 'same'", "not 'valid'"]),
        (lambda x, w: ops.conv2d(x, w, dilation=4), ShapeError, ["(W - F + 2P)/S + 1", "height 5 - window 9"]),
        (lambda x, w: ops.conv2d(x, w.astype("float64")), DtypeError, ["x is float32", "w is float64"]),
        (lambda x, w: ops.conv2d(x.astype("int64"), w), DtypeError, ["int64", "/ 255"]),
        (lambda x, w: ops.conv2d(x, w, Tensor([1.0])), ShapeError, ["bias", "(4,)"]),
    ],
)
def test_messages(call, error, parts):
    x, w = Tensor(np.ones((2, 3, 5, 7), np.float32)), Tensor(np.ones((4, 3, 3, 3), np.float32))
    with pytest.raises(error) as caught:
        call(x, w)
    for part in parts:
        assert part in str(caught.value)


def test_a_message_names_the_layer():
    model = nn.Sequential(nn.Sequential(nn.ReLU(), nn.Conv2d(16, 32, kernel_size=5)))
    with pytest.raises(ShapeError) as caught:
        model(minicnn.zeros(8, 3, 32, 32))
    assert str(caught.value) == "0.1 Conv2d(16, 32, kernel_size=5): input has 3 channels, expected 16; x is (8, 3, 32, 32)"


def test_windows_that_miss_pixels_warn_once_per_geometry():
    w = minicnn.ones(1, 3, 11, 11)
    with pytest.warns(WindowWarning, match="last 1 pixel"):
        ops.conv2d(minicnn.ones(1, 3, 224, 224), w, stride=4)
    ops.conv2d(minicnn.ones(1, 3, 224, 224), w, stride=4)  # warnings are errors in this suite
    ops.conv2d(minicnn.ones(1, 3, 227, 227), w, stride=4)


def test_a_pointwise_convolution_is_a_linear_layer_on_every_pixel():
    x, w, b = (RandomDraw(1).array(*shape) for shape in [(2, 5, 3, 4), (6, 5, 1, 1), (6,)])
    conv = ops.conv2d(Tensor(x), Tensor(w), Tensor(b)).numpy()
    linear = ops.linear(Tensor(x).transpose(0, 2, 3, 1), Tensor(w[:, :, 0, 0]), Tensor(b)).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(conv, linear.numpy(), rtol=1e-12)


def test_same_padding_puts_the_odd_pixel_at_the_end():
    """TensorFlow's rule: at stride 2 on an even size, nothing before and one pixel after; and the layer follows the image's size."""
    x = np.random.default_rng(5).standard_normal((1, 2, 6, 7))
    w = np.random.default_rng(6).standard_normal((3, 2, 3, 3))
    expected = ops.conv2d(Tensor(x), Tensor(w), stride=2, padding=(0, 1, 1, 1)).numpy()
    np.testing.assert_array_equal(ops.conv2d(Tensor(x), Tensor(w), stride=2, padding="same").numpy(), expected)
    layer = nn.Conv2d(2, 3, 3, stride=2, padding="same").astype("float64")
    layer.load_state_dict({"weight": w, "bias": np.zeros(3)})
    np.testing.assert_array_equal(layer(Tensor(x)).numpy(), expected)
    assert repr(layer) == "Conv2d(2, 3, kernel_size=3, stride=2, padding='same')"
    assert [layer(Tensor(np.zeros((1, 2, H, H)))).shape[2] for H in (4, 5, 6, 7)] == [2, 3, 3, 4]
