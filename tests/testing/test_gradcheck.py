"""The gradient check: what it lets pass, what it refuses, and that it leaves everything as it was."""

import numpy as np
import pytest

from minicnn import Tensor, nn, ops
from minicnn.autograd import Function
from minicnn.errors import ArgumentError
from minicnn.kernels.array.module import array_module
from minicnn.testing import GradcheckError, gradcheck, gradcheck_module
from minicnn.testing.gradcheck import listeners
from tests.testing.wrong_functions import INPUTS, Product, normal, product_with, report

# What passes


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize(
    "function",
    [
        lambda x: ops.exp(x / x.sum()),
        lambda x: ops.layer_norm(x + 5, 4),
        lambda x: (x * x * x).mean(),
        lambda x: x.sigmoid() * 1e-4,
        lambda x: ops.log(ops.abs(x)) / (x * x),
        lambda x: ops.softmax(x, axis=1).sum(),  # a constant: the gradient is zero but for rounding
        lambda x: ops.batch_norm(x + 3, training=True).sum(axis=0),
    ],
    ids=["exp", "layer_norm", "cubes", "sigmoid", "log", "softmax", "batch_norm"],
)
def test_right_gradients_of_any_scale_pass(function, scale):
    outcome = gradcheck(function, [scale * normal(3, 4)])
    assert outcome.slopes == 12 + 3


def test_a_few_elements_and_then_directions():
    few, all_of_them = (gradcheck(ops.exp, [normal(6, 6)], elements=n) for n in (5, 40))
    assert (few.slopes, all_of_them.slopes) == (5 + 1 + 8, 36 + 1 + 2)
    one_wrong = product_with(lambda dx, dw: (dx * array_module(dx).asarray(np.where(np.arange(dx.size).reshape(dx.shape) == 3, 1.01, 1.0)), dw))
    for seed in range(6):  # whichever elements are chosen, every direction has the wrong one
        assert "analytic" in report(one_wrong, INPUTS, elements=1, seed=seed)
    with pytest.raises(ArgumentError, match="gradcheck: elements must be an integer >= 1, not 0"):
        gradcheck(Product.apply, INPUTS, elements=0)


def test_inputs_far_from_zero_pass():
    gradcheck(lambda x: ops.layer_norm(x, 4), [1000 + normal(3, 4)])
    gradcheck(lambda x: ops.exp((x - 1e4) * 20), [1e4 + 0.01 * normal(3, 4)])


def test_forms_of_the_input():
    scalar = gradcheck(lambda a, b: a * b, [2.0, np.float32(3)])
    assert scalar.slopes == 2 + 2 + 2
    gradcheck(Product.apply, [Tensor(INPUTS["x"]), INPUTS["w"].astype("float32")])
    gradcheck(Product.apply, {name: value.tolist() for name, value in INPUTS.items()})


def test_integers_none_and_booleans_are_passed_on():
    seen = []

    def function(logits, labels, nothing, mean):
        seen.append((labels.dtype, labels.tolist(), nothing, mean))
        loss = ops.cross_entropy(logits, labels)
        return loss if mean else loss.sum()

    outcome = gradcheck(function, [normal(3, 4), np.array([0, 3, 1]), None, True])
    assert outcome.slopes == 12 + 3
    reversed_in_between = "(dtype('int64'), [1, 3, 0], None, True)"
    assert set(map(str, seen)) == {"(dtype('int64'), [0, 3, 1], None, True)", reversed_in_between}


def test_the_outcome_goes_to_listeners():
    heard = []
    listeners.append(heard.append)
    try:
        outcome = gradcheck(Product.apply, INPUTS)
        report(product_with(lambda dx, dw: (dx, -dw)), INPUTS, name="mine")
    finally:
        listeners.remove(heard.append)
    assert heard[0] == outcome
    assert (outcome.name, outcome.slopes, outcome.failure) == ("Product", 20 + 2 + 2, None)
    assert 0 < outcome.error < 1e-8
    assert heard[1].name == "mine"
    assert heard[1].error == pytest.approx(2)
    assert heard[1].failure.startswith("mine: dw[")


# What can be seen without slopes


def test_the_result_must_be_a_tensor_of_finite_float64():
    assert "must return one tensor, not ndarray" in report(lambda x: x.numpy(), [normal(3)])
    assert "the result is float32" in report(lambda x: x.astype("float32"), [normal(3)])
    with np.errstate(invalid="ignore"):
        assert "NaN or Inf in 1 of 2" in report(ops.log, [[1.0, -1.0]])


def test_a_function_must_be_deterministic():
    assert "dropout" in report(lambda x: ops.dropout(x, 0.5, training=True), [normal(20)])
    gradcheck(nn.Dropout(0.5).eval(), [normal(20)])


@pytest.mark.parametrize("edit", ["forward", "backward", "upstream"])
def test_edits_in_place_are_noticed(edit):
    class Edits(Function):
        def forward(self, x):
            self.save(x)
            if edit == "forward":
                x += 1
            return x * 2.0

        def backward(self, dy):
            (x,) = self.saved
            if edit == "backward":
                x *= 2
            if edit == "upstream":
                dy *= 2
                return (dy,)
            return (dy * 2,)

    expected = {"forward": "the forward pass changes x", "backward": "the backward pass changes x", "upstream": "changes dy"}
    assert expected[edit] in report(Edits.apply, {"x": normal(3)})


# Parameters and modules


def test_parameters_are_checked_and_put_back():
    w = Tensor(INPUTS["w"].astype("float32"), requires_grad=True)
    w.grad = Tensor(np.ones((2, 4), np.float32))
    before = w.data
    outcome = gradcheck(lambda x: Product.apply(x, w), [INPUTS["x"]], parameters={"w": w})
    assert outcome.slopes == 20 + 2 + 2
    assert w.data is before
    assert w.grad.tolist() == np.ones((2, 4)).tolist()
    bad = product_with(lambda dx, dw: (dx, -dw))
    assert "dw[" in report(lambda x: bad(x, w), [INPUTS["x"]], parameters={"w": w})
    assert w.data is before


def test_a_module_is_checked_and_put_back():
    model = nn.Sequential(nn.Conv2d(2, 3, kernel_size=2), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(36, 2))
    before = {name: (value, value.dtype) for name, value in model.state_dict().items()}
    outcome = gradcheck_module(model, [normal(4, 2, 4, 5)])
    assert outcome.name == "Sequential"
    assert outcome.slopes > 100
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name][0])
        assert value.dtype == before[name][1]


def test_a_wrong_module_is_reported_by_parameter():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(INPUTS["w"])

        def forward(self, x):
            return product_with(lambda dx, dw: (dx, 2 * dw))(x, self.weight)

    with pytest.raises(GradcheckError, match=r"Twice: dweight\[1, 2\].*an extra factor 2"):
        gradcheck_module(Twice(), [INPUTS["x"]])


# Arguments


def test_wrong_arguments():
    with pytest.raises(ArgumentError, match="nothing to differentiate"):
        gradcheck(lambda x: x, [np.arange(3)])
    with pytest.raises(ArgumentError, match="2 inputs need as many different names, not x, x"):
        gradcheck(lambda a, b: a, [1.0, 2.0], names=["x", "x"])
    with pytest.raises(ArgumentError, match="leave `names` out"):
        gradcheck(lambda a: a, {"a": 1.0}, names=["a"])
    with pytest.raises(ArgumentError, match="'a' is the name of an input and of a parameter"):
        gradcheck(lambda a: a, {"a": 1.0}, parameters={"a": Tensor([1.0])})


@pytest.mark.parametrize("inputs", [normal(3), 2.0, None, Tensor([1.0]), "x"])
@pytest.mark.parametrize("check", [lambda x: gradcheck(ops.exp, x), lambda x: gradcheck_module(nn.ReLU(), x)], ids=["function", "module"])
def test_one_input_is_not_a_list(inputs, check):
    with pytest.raises(ArgumentError, match=rf"inputs must be a list or a dict: \[x\], not one {type(inputs).__name__}"):
        check(inputs)


def test_a_module_is_checked_with_its_parameters():
    layer, x = nn.Linear(4, 2), normal(3, 4)
    outcome = gradcheck(layer, [x], atol=1e-5)
    assert (outcome.name, outcome.slopes) == ("Linear", gradcheck_module(layer, {"x": x}).slopes)
    assert outcome.slopes > 12 + 8 + 2
    assert layer.weight.dtype == np.float32
    assert gradcheck(layer, [x], name="mine", names=["image"]).name == "mine"


def test_errors_of_the_function_itself_are_not_hidden():
    with pytest.raises(ZeroDivisionError):
        gradcheck(lambda x: 1 / 0, [1.0])
