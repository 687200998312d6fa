"""Edits in place: allowed where they are harmless, refused or detected where backward would be wrong."""

from contextlib import suppress

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, ops
from minicnn.errors import AutogradError, DtypeError, IndexingError, ShapeError
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw

EDITS = {
    "x[...] =": lambda x: x.__setitem__(..., 7.0),
    "x[0] =": lambda x: x.__setitem__(0, 7.0),
    "+=": lambda x: x.__iadd__(7.0),
    "-=": lambda x: x.__isub__(7.0),
    "*=": lambda x: x.__imul__(7.0),
    "/=": lambda x: x.__itruediv__(7.0),
    "copy_": lambda x: x.copy_([7.0, 8.0]),
    "fill_": lambda x: x.fill_(7.0),
    "through a view": lambda x: x[:1].fill_(7.0),
    "through a view of a view": lambda x: x.reshape(1, 2).T[0].fill_(7.0),
    "through detach": lambda x: x.detach().fill_(7.0),
    "through detach of a view": lambda x: x[1:].detach().fill_(7.0),
}
every_edit = pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)


@every_edit
def test_an_edit_of_what_backward_needs_is_detected(edit):
    w, x = Tensor([1.0, 2.0], requires_grad=True), Tensor([3.0, 4.0])
    loss = (w * x).sum()
    edit(x)
    message = r"backward of Multiply needs its input 1 of shape \(2,\).*edited in place 1 time"
    with pytest.raises(AutogradError, match=message):
        loss.backward()


@every_edit
def test_an_edit_of_a_leaf_without_recording_is_detected(edit):
    w = Tensor([1.0, 2.0], requires_grad=True)
    loss = (w * w).sum()
    with minicnn.no_grad():
        edit(w)
    with pytest.raises(AutogradError, match="Multiply needs its input 0"):
        loss.backward()


@every_edit
def test_an_edit_of_a_result_that_backward_needs_is_detected(edit):
    w = Tensor([1.0, 2.0], requires_grad=True)
    y = ops.exp(w)
    with minicnn.no_grad():
        edit(y)
    with pytest.raises(AutogradError, match="Exp needs its result"):
        y.sum().backward()


NOTICE = {"conv2d", "linear", "multiply", "divide", "exp", "batch_norm", "softmax", "log_softmax", "sigmoid", "tanh", "matmul"}


@pytest.mark.parametrize("op", CASES)
def test_after_an_edit_every_operation_refuses_or_is_still_right(op, backend):
    """Whatever a backend keeps for its backward: an input, the result, a view of it, or none of them."""
    edits = still_right = 0
    for seed in range(4):
        case = CASES[op](RandomDraw(seed))
        expected = gradients_after(case, lambda inputs, y: None)
        for place in [*case.inputs, "result"]:
            if place != "result" and (case.inputs[place] is None or case.inputs[place].dtype.kind != "f"):
                continue
            with suppress(AutogradError):
                given = gradients_after(case, lambda inputs, y, place=place: ({**inputs, "result": y})[place].fill_(0.37))
                still_right += 1
                for name, gradient in expected.items():
                    np.testing.assert_array_equal(given[name], gradient, err_msg=f"d{name} after an edit of {place}")
            edits += 1
    assert still_right < edits or op not in NOTICE


def gradients_after(case, edit):
    inputs = {name: x if x is None else Tensor(x, requires_grad=x.dtype.kind == "f") for name, x in case.inputs.items()}
    y = case.function(*inputs.values())
    dy = np.random.default_rng([5, y.size]).standard_normal(y.shape)
    with minicnn.no_grad():
        edit(inputs, y)
    y.backward(dy)
    return {name: x.grad.numpy() for name, x in inputs.items() if x is not None and x.grad is not None}


def test_a_kernel_that_hides_what_it_keeps_guards_everything():
    class Box:
        def __init__(self, x):
            self.x = x

    minicnn.kernels.register("relu", forward=lambda x: (x * (x > 0), Box(x)), backward=lambda dy, box, *, needs: (dy * (box.x > 0),), backend="boxed")
    try:
        with minicnn.use_backend("boxed"):
            x = Tensor([1.0, -1.0], requires_grad=True)
            y = ops.relu(x)
        with minicnn.no_grad():
            x.fill_(2.0)
        with pytest.raises(AutogradError, match="ReLU needs its input 0"):
            y.backward([1.0, 1.0])
    finally:
        minicnn.kernels.unregister("boxed")


@pytest.mark.parametrize("edit", [lambda a, b: a.copy_(b), lambda a, b: a.fill_(b[0]), lambda a, b: a.__setitem__(0, b[0])], ids=["copy_", "fill_", "x[0] ="])
def test_new_values_that_require_a_gradient_are_refused(edit):
    w = Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(AutogradError, match="would lose the gradient of the new values"):
        edit(minicnn.zeros(2), 2 * w)


def test_an_edit_of_the_base_is_seen_by_its_views():
    w, x = Tensor([1.0], requires_grad=True), Tensor([3.0, 4.0])
    loss = (w * x[:1]).sum()
    x.fill_(0.0)
    with pytest.raises(AutogradError, match="edited in place"):
        loss.backward()


def test_an_edit_of_a_kernels_input_is_detected():
    w, x = minicnn.ones(3, 8, requires_grad=True), minicnn.ones(4, 8)
    loss = ops.linear(x, w).sum()
    x.fill_(0.0)
    with pytest.raises(AutogradError, match="Linear needs its input 0"):
        loss.backward()


@every_edit
def test_harmless_edits_are_allowed(edit):
    w, x = Tensor([1.0, 2.0], requires_grad=True), Tensor([3.0, 4.0])
    edit(x)  # before it is used
    before = x.tolist()
    product = w * x
    total = (w + x).sum()  # a sum needs none of its terms
    product.sum().backward()
    edit(x)  # after backward
    total.backward()
    np.testing.assert_allclose(w.grad.numpy(), np.array(before) + 1)


@pytest.mark.parametrize("name", ["x[...] =", "x[0] =", "+=", "copy_", "fill_"])
def test_a_leaf_that_requires_a_gradient_is_not_edited_while_recording(name):
    w = Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(AutogradError, match=r"a leaf that requires a gradient of shape \(2,\).*no_grad"):
        EDITS[name](w)
    assert w.tolist() == [1.0, 2.0]
    with minicnn.no_grad():
        EDITS[name](w)
    assert w.is_leaf
    assert w.requires_grad
    assert w.tolist() != [1.0, 2.0]


@pytest.mark.parametrize("name", ["x[...] =", "copy_", "fill_"])
def test_a_recorded_result_is_not_edited_while_recording(name):
    y = 2 * Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(AutogradError, match="a recorded result"):
        EDITS[name](y)


def test_plus_equals_makes_a_new_tensor_where_something_is_recorded():
    w, total = Tensor([1.0, 2.0], requires_grad=True), Tensor([0.0, 0.0])
    before = total
    for _ in range(3):
        total += w * w
    assert before.tolist() == [0.0, 0.0]
    total.sum().backward()
    assert w.grad.tolist() == [6.0, 12.0]


def test_plus_equals_edits_where_nothing_is_recorded():
    x = Tensor([1.0, 2.0])
    alias = x
    x += 1
    x *= [2.0, 3.0]
    assert alias is x
    assert x.tolist() == [4.0, 9.0]
    w = Tensor([1.0, 2.0], requires_grad=True)
    with minicnn.no_grad():
        w -= 0.5 * w
    assert w.tolist() == [0.5, 1.0]
    assert w.dtype == np.float32


def test_the_element_type_stays():
    x = minicnn.ones(2)
    x += np.ones(2)
    assert x.dtype == np.float32
    x.copy_(np.full(2, 0.1))
    assert x.dtype == np.float32
    precise = minicnn.ones(2, dtype="float64")
    precise.fill_(0.1)
    assert precise.tolist() == [0.1, 0.1]


def test_a_value_with_a_gradient_is_not_assigned():
    w, x = Tensor([1.0], requires_grad=True), minicnn.zeros(2)
    with pytest.raises(AutogradError, match=r"lose the gradient.*where, stack or concatenate"):
        x[0] = w[0]
    with minicnn.no_grad():
        x[0] = w[0]
    assert x.tolist() == [1.0, 0.0]


def test_assignment_to_picked_elements():
    x = minicnn.zeros(2, 3)
    x[x == 0] = 1.0
    x[Tensor([0, 1]), Tensor([2, 0])] = Tensor([5.0, 6.0])
    x[1, 1:] = [7, 8]
    assert x.tolist() == [[1.0, 1.0, 5.0], [6.0, 7.0, 8.0]]


@pytest.mark.parametrize(
    ("edit", "error", "parts"),
    [
        (lambda x: x.fill_(0.5), DtypeError, ["fill_", "int64", "fractions"]),
        (lambda x: x.__iadd__(0.5), DtypeError, ["+=", "int64"]),
        (lambda x: x.__setitem__(0, 0.5), DtypeError, ["int64"]),
        (lambda x: x.fill_("one"), DtypeError, ["real numbers"]),
        (lambda x: x.copy_([1, 2]), ShapeError, ["copy_", "(2,)", "(3,)"]),
        (lambda x: x.__iadd__(minicnn.arange(6).reshape(2, 3)), ShapeError, ["+=", "(2, 3)", "(3,)"]),
        (lambda x: x.__setitem__(slice(0, 2), [1, 2, 3]), ShapeError, ["(3,)"]),
        (lambda x: x.__setitem__(3, 1), IndexingError, ["out of bounds", "(3,)"]),
    ],
)
def test_messages(edit, error, parts):
    x = minicnn.arange(3)
    with pytest.raises(error) as caught:
        edit(x)
    for part in parts:
        assert part in str(caught.value)
    assert x.tolist() == [0, 1, 2]
