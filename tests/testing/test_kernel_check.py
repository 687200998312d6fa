"""The check of a kernel: what it catches beyond gradients, and how it reports."""

import numpy as np
import pytest

from minicnn import kernels
from minicnn.errors import ArgumentError, BackendError
from minicnn.kernels.array import activation, conv, dropout, loss
from minicnn.testing import GradcheckError, check_kernel


@pytest.fixture
def register():
    def enter(op, **functions):
        kernels.register(op, backend="student", **functions)

    yield enter
    kernels.unregister("student")


def report(op, **options):
    with pytest.raises(GradcheckError) as caught:
        check_kernel(op, backend="student", **options)
    return str(caught.value)


@pytest.mark.parametrize("backend", ["loops", "numpy", "numba"])
@pytest.mark.parametrize("op", ["conv2d", "max_pool2d", "cross_entropy", "batch_norm"])
def test_our_own_kernels_pass(op, backend):
    outcomes = check_kernel(op, backend=backend, examples=4)
    assert len(outcomes) == 4
    assert {(o.name, o.backend, o.failure) for o in outcomes} == {(op, backend, None)}


def test_a_right_kernel_of_a_student_passes(register):
    register("relu", forward=activation.relu_forward, backward=activation.relu_backward)
    assert len(check_kernel("relu", backend="student")) == 20


def test_a_forward_alone_and_a_backward_alone_are_checked(register):
    register("relu", forward=lambda x: (np.where(x > 0, x, 0).astype(x.dtype), None))
    check_kernel("relu", backend="student")
    register("relu", backward=lambda dy, saved, *, needs: (dy * (saved[0][0] > 0),))
    check_kernel("relu", backend="student")


def test_the_simplest_failing_case_is_reported_with_shapes_and_attributes(register):
    def backward(dy, saved, *, needs):
        dx, dw, db = conv.conv2d_backward(dy, saved, needs=needs)
        return dx, None if dw is None else dw / 2, db

    register("conv2d", forward=conv.conv2d_forward, backward=backward)
    text = report("conv2d", examples=30)
    assert text.startswith("conv2d: dw[")
    assert "(ratio 0.50 over all elements: a missing factor 2?)" in text.split("\n")[0]
    assert "\n  right: dx" in text
    assert "simplest of 30 cases that fails on backend 'student': x (1, " in text
    assert "with stride=(" in text
    assert "groups=1" in text


def test_a_mistake_that_forward_and_backward_share_is_caught(register):
    def forward(x, *, p, **attributes):
        y, saved = dropout.dropout_forward(x, p=p, **attributes)
        return y * x.dtype.type(1 - p), (saved, p)

    def backward(dy, saved, *, needs):
        return (dropout.dropout_backward(dy, saved[0], needs=needs)[0] * dy.dtype.type(1 - saved[1]),)

    register("dropout", forward=forward, backward=backward)
    text = report("dropout")
    assert "dropout: y[" in text
    assert ": given " in text
    assert ", expected " in text
    assert "the forward pass differs from the definition in loops" in text


def test_ties_are_part_of_the_cases(register):
    """All equal maxima get the whole gradient: right everywhere else, so that only a tie can tell."""

    def forward(x, *, output_size):
        y, _ = kernels.find("adaptive_max_pool2d", ["array"]).forward(x, output_size=output_size)
        return y, (x, y)

    def backward(dy, saved, *, needs):
        x, y = saved
        dx = np.zeros_like(x)
        (H, W), (P, Q) = x.shape[2:], y.shape[2:]
        for p, q in np.ndindex(P, Q):
            rows, columns = slice(p * H // P, -(-(p + 1) * H // P)), slice(q * W // Q, -(-(q + 1) * W // Q))
            window = x[:, :, rows, columns]
            dx[:, :, rows, columns] += (window == y[:, :, p : p + 1, q : q + 1]) * dy[:, :, p : p + 1, q : q + 1]
        return (dx,)

    register("adaptive_max_pool2d", forward=forward, backward=backward)
    assert "of several that tie, each gets the whole gradient" in report("adaptive_max_pool2d", examples=30)


def relu(**changes):
    """A right ReLU with one of its functions replaced."""
    return {"forward": activation.relu_forward, "backward": activation.relu_backward, **changes}


def overwrite(x):
    x[x < 0] = 0
    return x, x


def count_up(x, calls=[]):  # noqa: B006 - a kernel with a memory is the point
    calls.append(1)
    return np.maximum(x, 0) + x.dtype.type(1e-12 * len(calls)), x


def double(dy, y, *, needs):
    dy *= y > 0
    return (dy,)


@pytest.mark.parametrize(
    ("functions", "message"),
    [
        (relu(forward=lambda x: np.maximum(x, 0)), r"forward must return \(y, saved\): .* it returned a ndarray"),
        (relu(forward=lambda x: (np.maximum(x, 0)[None], x)), r"y has shape \(1, .*should have"),
        (relu(forward=lambda x: (np.maximum(x, 0).astype("float64"), x)), "y is float64 although the inputs are float32"),
        (relu(forward=lambda x: ([1.0], x)), "y must be an array, not a list"),
        (relu(forward=lambda x: ((x, x), x)), r"forward must return 1 result\(s\) before `saved`, not 2"),
        (relu(forward=overwrite), "forward changes x in place"),
        (relu(forward=count_up), "two calls of forward with the same inputs differ"),
        (relu(forward=lambda x: (np.maximum(x, 0), x.nothing)), "forward raises AttributeError: .*nothing"),
        (relu(backward=lambda dy, y, *, needs: dy * (y > 0)), r"backward must return a tuple of 1 gradients \(dx\), not a ndarray"),
        (relu(backward=lambda dy, y, *, needs: (dy, dy)), "not a tuple of 2"),
        (relu(backward=lambda dy, y, *, needs: (None,)), "backward returns None for dx, which is needed"),
        (relu(backward=lambda dy, y, *, needs: (dy[None] * (y > 0),)), r"dx has shape \(1, .* but x has"),
        (relu(backward=lambda dy, y, *, needs: ((dy * (y > 0)).astype("float64"),)), "dx is float64, but x is float32"),
        (relu(backward=lambda dy, y, *, needs: ([1.0],)), "dx must be an array, not a list"),
        (relu(backward=lambda dy, y, *, needs: 1 / 0), "backward raises ZeroDivisionError"),
        (relu(backward=double), "backward changes dy in place"),
    ],
)
def test_breaches_of_the_contract(register, functions, message):
    register("relu", **functions)
    with pytest.raises(GradcheckError, match=message):
        check_kernel("relu", backend="student")


def test_gradients_must_not_depend_on_what_else_is_needed(register):
    def backward(dy, saved, *, needs):
        dx, dw, db = conv.conv2d_backward(dy, saved, needs=(True, True, True))
        return dx, dw, (db if needs[0] else db * 2)

    register("conv2d", forward=conv.conv2d_forward, backward=backward)
    assert "backward gives another db when only that is needed" in report("conv2d")


def test_what_is_kept_outside_of_saved_is_noticed(register):
    memory = {}

    def forward(x):
        memory["mask"] = x > 0
        return np.maximum(x, 0), None

    register("relu", forward=forward, backward=lambda dy, saved, *, needs: (dy * memory["mask"],))
    assert report("relu").startswith("relu: the gradient dx changes when the function is called once more before backward")


def test_a_kernel_that_clips_is_noticed(register):
    register("relu", **relu(backward=lambda dy, y, *, needs: (np.clip(dy, -2, 2) * (y > 0),), forward=lambda x: (np.maximum(x, 0), x)))
    assert report("relu").startswith("relu: backward is not linear in dy: dx[")


def in_float32_only(change):
    """A ReLU whose gradient is right in float64."""

    def backward(dy, x, *, needs):
        dx = dy * (x > 0)
        return (change(dx, x, dy).astype(dx.dtype) if dx.dtype == np.float32 else dx,)

    return {"forward": lambda x: (np.maximum(x, 0), x), "backward": backward}


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda dx, x, dy: 3 * dx, r"dx\[.*: in float32 .*, in float64 .* \(ratio 3.00 over all elements: an extra factor 3\?\)"),
        (lambda dx, x, dy: 1.01 * dx, "dx.* in float64"),
        (lambda dx, x, dy: dx.astype(np.float16), "dx.* in float64"),
        (lambda dx, x, dy: dx * np.nan, "NaN or Inf"),
        (lambda dx, x, dy: np.where(x < 0, dy, dx), "dx.* in float64"),
    ],
    ids=["three times", "one percent", "half precision", "nan", "negative"],
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_a_gradient_that_is_wrong_in_float32_only(register, change, part):
    register("relu", **in_float32_only(change))
    with pytest.raises(GradcheckError, match=part):
        check_kernel("relu", backend="student")


def test_any_subgradient_is_right_in_float32_too(register):
    register("relu", **relu(backward=lambda dy, x, *, needs: (dy * ((x > 0) + dy.dtype.type(0.3) * (x == 0)),), forward=lambda x: (np.maximum(x, 0), x)))
    check_kernel("relu", backend="student")


def test_labels_are_left_alone(register):
    register("cross_entropy", forward=loss.cross_entropy_forward, backward=loss.cross_entropy_backward)
    check_kernel("cross_entropy", backend="student", examples=5)


def test_same_seed_same_report(register):
    register("relu", **relu(backward=lambda dy, y, *, needs: (dy,)))
    assert report("relu", seed=3) == report("relu", seed=3) != report("relu", seed=4)


def test_wrong_arguments(register):
    with pytest.raises(ArgumentError, match=r"unknown operation 'conv2': did you mean conv2d\?"):
        check_kernel("conv2", backend="numpy")
    with pytest.raises(BackendError, match="unknown backend 'numpi'"):
        check_kernel("relu", backend="numpi")
    with pytest.raises(ArgumentError, match="examples must be at least 1, not 0"):
        check_kernel("relu", backend="numpy", examples=0)
    register("relu", **relu())
    with pytest.raises(ArgumentError, match=r"nothing is registered for conv2d on backend 'student', which falls back to array"):
        check_kernel("conv2d", backend="student")
