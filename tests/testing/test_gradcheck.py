"""The gradient check: what it lets pass, what it does not, and what it says then."""

import numpy as np
import pytest

from minicnn import Tensor, get_backend, nn, ops
from minicnn.autograd import Function
from minicnn.errors import ArgumentError, MinicnnError
from minicnn.testing import GradcheckError, gradcheck, gradcheck_module
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw
from minicnn.testing.gradcheck import listeners


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


class Product(Function):
    """y = x Wᵀ, with gradients that subclasses get wrong."""

    def forward(self, x, w):
        self.save(x, w)
        return x @ w.T

    def backward(self, dy):
        x, w = self.saved
        return self.change(dy @ w, dy.T @ x)

    def change(self, dx, dw):
        return dx, dw


def product_with(change):
    return type("Product", (Product,), {"change": lambda self, dx, dw: change(dx, dw)}).apply


class Relu(Function):
    at_zero = 0.0

    def forward(self, x):
        self.save(x)
        return np.maximum(x, 0)

    def backward(self, dy):
        (x,) = self.saved
        return (dy * np.where(x == 0, self.at_zero, x > 0),)


def report(function, inputs, **options):
    with pytest.raises(GradcheckError) as caught:
        gradcheck(function, inputs, **options)
    return str(caught.value)


INPUTS = {"x": normal(3, 4), "w": normal(2, 4, seed=1)}


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
    assert set(map(str, seen)) == {"(dtype('int64'), [0, 3, 1], None, True)"}


def test_only_a_sample_of_a_large_input_is_compared_but_all_of_it_counts():
    x = normal(40, 50)
    assert gradcheck(lambda x: x * x, [x]).slopes < 100

    class OneWrong(Relu):
        def backward(self, dy):
            dx = super().backward(dy)[0].copy()
            dx[17, 23] += 0.01
            return (dx,)

    assert "dx[17, 23]: analytic" in report(OneWrong.apply, [x])


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


@pytest.mark.parametrize("error", [1e-2, 1e-5])
@pytest.mark.parametrize("op", ["conv2d", "batch_norm", "layer_norm", "max_pool2d", "matmul", "sigmoid", "logsumexp", "divide"])
def test_one_element_off_by_little_is_enough(op, error):
    class Nudge(Function):
        def forward(self, x):
            return x * 1.0

        def backward(self, dy):
            dx = dy.copy()
            dx.flat[np.argmax(np.abs(dx))] *= 1 + error
            return (dx,)

    case = CASES[op](RandomDraw(5))
    gradcheck(case.function, case.inputs)
    report(lambda first, *others: case.function(Nudge.apply(first), *others), case.inputs)


# What the report says


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (lambda dx, dw: (dx, dw / 2), ["dw[1, 2]: analytic", "(ratio 0.50 over all elements: a missing factor 2?)", "right: dx"]),
        (lambda dx, dw: (dx * 3, dw), ["ratio 3.00 over all elements: a missing 1/3, the size of axis 0 of the input?"]),
        (lambda dx, dw: (dx, dw * 0.8), ["ratio 0.80", "a missing 1/(1-p) with p = 0.2?"]),
        (lambda dx, dw: (-dx, dw), ["the sign is flipped everywhere"]),
        (lambda dx, dw: (dx, dw * 0), ["all zeros"]),
        (lambda dx, dw: (dx, dw.T.reshape(dw.shape)), ["transposed: axes 0 and 1 are swapped"]),
        (lambda dx, dw: (dx[::-1], dw), ["dy is flipped along axis 0"]),
        (lambda dx, dw: (dx[:, ::-1], dw), ["flipped: it is right when read backwards along axis 1"]),
        (lambda dx, dw: (dx + (np.arange(4) == 2), dw), ["dx (3, 4) is wrong in 3 of 12", "wrong only at 2 of axis 1"]),
        (lambda dx, dw: (dx / 0, dw), ["12 of 12 elements are NaN or Inf"]),
        (lambda dx, dw: (dx[:2], dw), ["backward fails", "(2, 4)", "(3, 4)"]),
        (lambda dx, dw: (dx.astype("float32"), dw), ["backward fails", "float32"]),
        (lambda dx, dw: (dx,), ["backward fails", "2 gradients"]),
        (lambda dx, dw: (dx, None), ["backward fails", "None for input 1"]),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_reports(change, parts):
    text = report(product_with(change), INPUTS)
    for part in parts:
        assert part in text, text
    assert text.startswith("Product: ")


def test_a_report_in_full():
    text = report(product_with(lambda dx, dw: (dx, dw / 2)), INPUTS)
    first, *others = text.split("\n")
    assert first == "Product: dw[1, 2]: analytic -1.05489, numeric -2.10979 (ratio 0.50 over all elements: a missing factor 2?)"
    assert len(others) == 4 + 3
    assert others[0].startswith("  dw[")
    assert others[-3:] == [
        "  dw (2, 4) is wrong in 8 of 8 elements compared",
        "  right: dx",
        f"  x (3, 4), w (2, 4); backend {get_backend().name}; rtol=1e-06, atol=1e-06, in float64",
    ]


def test_swapped_gradients_are_recognised():
    class Swapped(Function):
        def forward(self, a, b):
            self.save(a, b)
            return a * a * b

        def backward(self, dy):
            a, b = self.saved
            return dy * a * a, dy * 2 * a * b

    assert "this is what db holds: are the two swapped?" in report(Swapped.apply, [normal(3), normal(3, seed=1)], names=["a", "b"])


def test_a_gradient_that_ignores_dy_is_recognised():
    class Ones(Relu):
        def backward(self, dy):
            return super().backward(np.ones_like(dy))

    assert "does not depend on dy" in report(Ones.apply, [normal(3, 4)])


def test_an_error_at_the_border_is_recognised():
    class Border(Relu):
        def backward(self, dy):
            dx = super().backward(dy)[0] + 1
            dx[:, :, 1:-1, 1:-1] -= 1
            return (dx,)

    assert "wrong only at the border: is the padding right?" in report(Border.apply, [normal(2, 3, 4, 5)])


def test_a_gradient_that_never_arrives_is_compared_with_zero():
    gradcheck(lambda x, y: x * 2 + y.detach() * 0, [normal(3), normal(3)])
    assert "no gradient arrived at y" in report(lambda x, y: x * y.detach(), [normal(3), normal(3)])


def test_the_cotangent_is_not_the_input():
    """With x drawn as the cotangent is, x dyᵀ would be symmetric, and a transposed gradient would pass."""
    for seed in range(5):
        report(
            product_with(lambda dx, dw: (dx, dw.T)),
            {"x": np.random.default_rng(seed).standard_normal((3, 3)), "w": np.random.default_rng(seed).standard_normal((3, 3))},
            seed=seed,
        )


# What can be seen without slopes


def test_the_result_must_be_a_tensor_of_finite_float64():
    assert "must return one tensor, not ndarray" in report(lambda x: x.numpy(), [normal(3)])
    assert "the result is float32" in report(lambda x: x.astype("float32"), [normal(3)])
    with np.errstate(invalid="ignore"):
        assert "NaN or Inf in 1 of 2" in report(ops.log, [[1.0, -1.0]])


def test_a_function_must_be_deterministic():
    assert "dropout" in report(lambda x: ops.dropout(x, 0.5), [normal(20)])
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


# Kinks


@pytest.mark.parametrize("at_zero", [0.0, 0.3, 1.0])
def test_any_subgradient_is_right_at_a_kink(at_zero):
    x = np.array([[0.0, 0.0, 1.0, -1.0], [1e-7, -1e-8, 0.0, 3e-6]])
    gradcheck(type("R", (Relu,), {"at_zero": at_zero}).apply, [x])
    gradcheck(type("R", (Relu,), {"at_zero": at_zero}).apply, [np.zeros((2, 3))])


@pytest.mark.parametrize("at_zero", [-0.1, 1.1, 2.0])
def test_anything_else_is_wrong_at_a_kink(at_zero):
    text = report(type("R", (Relu,), {"at_zero": at_zero}).apply, [np.array([[0.0, 0.5, 1.0, -1.0]])])
    assert "dx[0, 0]" in text
    assert "is wrong in 1 of 4" in text
    assert "only where the input is zero or ties" in text


@pytest.mark.parametrize("distance", [1e-5, 3e-6, 1e-6, 2e-7, 1e-8])
def test_a_kink_nearby_is_no_mistake(distance):
    gradcheck(lambda x: ops.relu(x - 1.0), [1 + distance * np.array([-1.0, 1.0])])
    wrong = type("R", (Relu,), {"backward": lambda self, dy: (dy * 0.5,)})
    report(lambda x: wrong.apply(x - 1.0), [1 + distance * np.array([-1.0, 1.0])])


def test_ties_must_share_one_gradient():
    class Largest(Function):
        share = 1.0

        def forward(self, x):
            self.save(x)
            return x.max(axis=1)

        def backward(self, dy):
            (x,) = self.saved
            return (dy[:, None] * (x == x.max(axis=1, keepdims=True)) * self.share,)

    x = np.array([[2.0, 2.0, 1.0], [3.0, 0.0, 3.0]])
    gradcheck(type("L", (Largest,), {"share": 0.5}).apply, [x])
    gradcheck(ops.max_pool2d, [np.ones((1, 1, 4, 6)), 2])
    assert "of several that tie, each gets the whole gradient" in report(Largest.apply, [x])


@pytest.mark.parametrize("width", [1.0, 1e-2, 1e-4, 1e-6])
def test_a_smooth_function_is_never_excused_as_a_kink(width):
    class RoundedAbs(Function):
        """sqrt(x² + w²): its slope goes from -1 to 1 within about w."""

        factor = 1.0

        def forward(self, x):
            self.save(x)
            return np.sqrt(x * x + width**2)

        def backward(self, dy):
            (x,) = self.saved
            return (dy * x / np.sqrt(x * x + width**2) + self.factor,)

    x = np.array([0.0, 0.7, -1.3])
    gradcheck(type("R", (RoundedAbs,), {"factor": 0.0}).apply, [x])
    for offset in (0.5, -0.5, 0.01):
        assert "dx[0]" in report(type("R", (RoundedAbs,), {"factor": offset}).apply, [x])


def test_a_jump_is_not_excused():
    class Step(Function):
        def forward(self, x):
            return np.where(x >= 0, 1.0, 0.0)

        def backward(self, dy):
            return (dy * 3.0,)

    assert "dx[0]: analytic" in report(Step.apply, [np.array([0.0])])


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


def test_errors_of_the_function_itself_are_not_hidden():
    with pytest.raises(ZeroDivisionError):
        gradcheck(lambda x: 1 / 0, [1.0])


def test_the_error_is_an_assertion_and_one_of_ours():
    assert issubclass(GradcheckError, AssertionError)
    assert issubclass(GradcheckError, MinicnnError)
