"""Registering a student's kernels: whole pairs, halves, and mistakes."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, kernels, ops
from minicnn.errors import ArgumentError, AutogradError, DtypeError, ShapeError

pytestmark = pytest.mark.usefixtures("on_the_cpu")


@pytest.fixture
def student():
    yield "student"
    kernels.unregister("student")


def correct(op):
    return kernels.find(op, ["array"])


def gradient_of_relu(x):
    x = Tensor(x, requires_grad=True)
    with minicnn.use_backend("student"):
        y = ops.relu(x)
    (y * y).sum().backward()
    return y.numpy(), x.grad.numpy()


X = np.array([-1.0, 2.0, 3.0])


def test_a_whole_pair_is_called(student):
    calls = []

    def forward(x):
        calls.append("forward")
        return x * (x > 0), x > 0

    def backward(dy, mask, *, needs):
        calls.append("backward")
        return (dy * mask,)

    kernels.register("relu", forward=forward, backward=backward, backend=student)
    y, dx = gradient_of_relu(X)
    assert calls == ["forward", "backward"]
    np.testing.assert_array_equal(y, [0, 2, 3])
    np.testing.assert_array_equal(dx, [0, 4, 6])


def test_a_forward_alone_gets_the_reference_gradient(student):
    kernels.register("relu", forward=lambda x: (np.maximum(x, 0), "unused"), backend=student)
    np.testing.assert_array_equal(gradient_of_relu(X)[1], [0, 4, 6])


def test_a_backward_alone_is_given_the_inputs_and_attributes(student):
    seen = []

    def backward(dy, saved, *, needs):
        (x, w, b), attributes = saved
        seen.append((x.shape, w.shape, b, sorted(attributes), needs))
        return np.zeros_like(x), np.zeros_like(w), None

    kernels.register("conv2d", backward=backward, backend=student)
    x, w = Tensor(np.ones((1, 1, 4, 4)), requires_grad=True), Tensor(np.ones((2, 1, 3, 3)), requires_grad=True)
    with minicnn.use_backend("student"):
        y = ops.conv2d(x, w)
    assert y.numpy().ravel()[0] == 9
    y.sum().backward()
    assert seen == [((1, 1, 4, 4), (2, 1, 3, 3), None, ["dilation", "groups", "padding", "stride"], (True, True, False))]


@pytest.mark.parametrize(
    ("returned", "error", "part"),
    [
        (lambda dy: dy, AutogradError, "must return a tuple of 1 gradients, one per input; it returned ndarray"),
        (lambda dy: (dy, dy), AutogradError, "it returned 2"),
        (lambda dy: (None,), AutogradError, "returned None for input 0"),
        (lambda dy: (5,), AutogradError, "must be an array, not int"),
        (lambda dy: (dy[:1],), ShapeError, "shape (1,), but the input has (3,)"),
        (lambda dy: (dy.astype(np.float32),), DtypeError, "float32, but the input is float64"),
    ],
)
def test_what_a_backward_returns_is_checked(student, returned, error, part):
    kernels.register("relu", forward=lambda x: (x, None), backward=lambda dy, saved, *, needs: returned(dy), backend=student)
    with pytest.raises(error) as caught:
        gradient_of_relu(X)
    assert part in str(caught.value)
    assert "Relu" in str(caught.value) or "ReLU" in str(caught.value)


@pytest.mark.parametrize(
    ("call", "part"),
    [
        (lambda: kernels.register("conv", forward=print, backend="student"), "did you mean conv2d?"),
        (lambda: kernels.register("relu", backend="student"), "give relu a forward function"),
        (lambda: kernels.register("relu", forward=3, backend="student"), "a backward function, or both"),
        (lambda: kernels.register("conv2d", forward=lambda x, w: 0, backend="student"), "forward(x, w, b, *, stride, padding, dilation, groups)"),
        (lambda: kernels.register("relu", backward=lambda dy, saved: 0, backend="student"), "backward(dy, saved, *, needs) -> (dx,)"),
        (lambda: kernels.register("relu", forward=print, backend="numpy"), "minicnn's own"),
        (lambda: kernels.register("relu", forward=print, backend=5), "a name of your choice, such as 'student', not 5"),
        (lambda: kernels.find("convolution", ["array"]), "unknown operation 'convolution'"),
    ],
)
def test_messages(call, part):
    with pytest.raises(ArgumentError) as caught:
        call()
    assert part in str(caught.value)


def test_a_forward_that_forgets_saved_is_explained(student):
    kernels.register("relu", forward=lambda x: np.maximum(x, 0), backward=lambda dy, s, *, needs: (dy,), backend=student)
    with pytest.raises(AutogradError, match=r"forward of relu \(backend student\) must return \(y, saved\)"):
        gradient_of_relu(X)


@pytest.mark.parametrize(
    ("result", "part"),
    [
        (lambda x: (list(x), None), "an array of float64, as its input is; it returned list"),
        (lambda x: (x.astype(np.float32), None), "an array of float64, as its input is; it returned an array of float32"),
        (lambda x: [x, None], r"must return (y, saved), the result and what backward needs; it returned list"),
    ],
)
def test_what_a_forward_returns_is_checked(student, result, part):
    kernels.register("relu", forward=result, backward=lambda dy, saved, *, needs: (dy,), backend=student)
    with pytest.raises(AutogradError) as caught:
        gradient_of_relu(X)
    assert part in str(caught.value)


def test_a_batch_norm_that_returns_y_alone_is_told_what_is_missing(student):
    def forward(x, gamma, beta, running_mean, running_var, *, training, eps):
        return x, None

    kernels.register("batch_norm", forward=forward, backward=lambda dy, saved, *, needs: (dy,) * 5, backend=student)
    with minicnn.use_backend("student"), pytest.raises(AutogradError, match=r"must return \(\(y, and 2 more\), saved\)"):
        minicnn.nn.BatchNorm2d(3)(minicnn.ones(2, 3, 4, 4))


def test_a_forward_alone_that_forgets_saved_is_told_too(student):
    kernels.register("relu", forward=lambda x: np.maximum(x, 0), backend=student)
    with pytest.raises(ArgumentError, match=r"forward of relu must return \(y, saved\)"):
        gradient_of_relu(X)
