"""Element types: weak scalars, promotion, and gradients in each input's own type."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, ops
from minicnn.errors import DtypeError, NonFiniteError

SCALARS = [2, 2.5, True, np.float64(2.5), np.float32(2.5), np.int64(2), np.bool_(True)]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("scalar", SCALARS, ids=repr)
def test_scalars_are_weak(dtype, scalar):
    x = minicnn.ones(3, dtype=dtype)
    for y in (x + scalar, scalar * x, x / scalar, scalar - x, x**scalar):
        assert y.dtype == dtype
    assert ops.maximum(x, scalar).dtype == ops.where(x > 0, x, scalar).dtype == dtype


def test_integers_stay_integers_until_a_float_comes():
    x = minicnn.arange(3)
    assert (x + 1).dtype == (2 * x).dtype == (x - x).dtype == np.int64
    for y in (x * 0.5, x / 2, x / x, x.mean(), ops.exp(x), x.var()):
        assert y.dtype == np.float32
    assert (x * minicnn.ones(3)).dtype == np.float32
    assert (x * minicnn.ones(3, dtype="float64")).dtype == np.float64
    assert (minicnn.zeros(3, dtype="uint8") + 1).dtype == np.uint8


def test_float32_meets_float64_and_both_get_their_own_gradients():
    a = Tensor(np.ones((2, 3), np.float32), requires_grad=True)
    b = Tensor(np.full(3, 2.0), requires_grad=True)
    for y in (a * b, ops.concatenate([a, b.reshape(1, 3)]), a @ b, ops.where(a > 0, a, b), ops.stack([a[0], b])):
        assert y.dtype == np.float64
        a.zero_grad()
        b.zero_grad()
        y.sum().backward()
        assert a.grad.dtype == np.float32
        assert b.grad.dtype == np.float64


def test_zero_axes_are_no_scalars():
    assert (Tensor(np.float64(2.0)) * minicnn.ones(3)).dtype == np.float64
    assert (np.array(2.0) * minicnn.ones(3)).dtype == np.float64


def test_astype_is_differentiable_among_floats():
    x = Tensor([1.25, -2.5], requires_grad=True)
    x.astype("float64").sum().backward()
    assert x.grad.dtype == np.float32
    assert x.grad.tolist() == [1.0, 1.0]
    assert x.astype("float32") is x


def test_astype_to_integers_leaves_the_graph():
    y = Tensor([1.75, -1.75], requires_grad=True).astype("int64")
    assert y.tolist() == [1, -1]
    assert not y.requires_grad


@pytest.mark.parametrize(
    ("dtype", "part"),
    [("float31", "unknown element type 'float31'"), ("complex64", "real numbers"), ("U3", "real numbers")],
)
def test_unknown_types(dtype, part):
    with pytest.raises(DtypeError, match=part):
        minicnn.ones(2).astype(dtype)
    with pytest.raises(DtypeError, match=part):
        minicnn.zeros(2, dtype=dtype)


def test_bfloat16_is_a_type_like_others():
    x = Tensor([1.0, 0.1], requires_grad=True)
    y = x.astype("bfloat16")
    assert y.dtype == "bfloat16"
    assert repr(y.detach()) == "Tensor([1.        , 0.10009766], dtype=bfloat16)"
    assert (y.tolist(), y[1].item()) == ([1.0, 0.10009765625], 0.10009765625)
    assert y.numpy().dtype == "bfloat16"
    (y * 2).astype("float32").sum().backward()
    assert (x.grad.dtype, x.grad.tolist()) == (np.float32, [2.0, 2.0])
    leaf = minicnn.ones(3, dtype="bfloat16", requires_grad=True)
    (leaf + leaf)[0].backward()
    assert (leaf.grad.dtype, leaf.grad.tolist()) == ("bfloat16", [2.0, 0.0, 0.0])
    with minicnn.no_grad():
        leaf[1] = 0.1
    assert leaf.tolist() == [1.0, 0.10009765625, 1.0]
    assert minicnn.tensor([1, 2], dtype="bfloat16").dtype == minicnn.full((2,), 3, dtype="bfloat16").dtype == "bfloat16"
    assert minicnn.arange(3, dtype="bfloat16").tolist() == [0.0, 1.0, 2.0]


def test_types_of_16_bits_meet_in_the_wider_one_and_with_each_other_in_float32():
    few, half, many = (minicnn.ones(2, dtype=dtype) for dtype in ("bfloat16", "float16", "float32"))
    assert (few + many).dtype == (many * half).dtype == (few - half).dtype == ops.concatenate([half, few, many]).dtype == "float32"
    assert (few + minicnn.arange(2)).dtype == (2.5 * few).dtype == (few + np.float64(2)).dtype == "bfloat16"
    assert (few + minicnn.ones(2, dtype="float64")).dtype == "float64"


def test_a_loss_in_bfloat16_that_is_not_finite_is_refused_and_an_anomaly_is_found():
    x = Tensor([np.inf], requires_grad=True).astype("bfloat16")
    with pytest.raises(NonFiniteError, match="the loss is inf"):
        (x * 1).sum().backward()
    with minicnn.detect_anomaly(), pytest.raises(NonFiniteError, match=r"its result is Inf.*input 0 was finite, from 1 to 1"):
        minicnn.ones(1, dtype="bfloat16") * np.inf


CALLS = {
    "clip": lambda x: ops.clip(x, 0, 1), "var": lambda x: x.var(), "std": lambda x: x.std(axis=0), "mean": lambda x: x.mean(),
    "max": lambda x: x.max(), "abs": abs, "power": lambda x: x**2, "maximum": lambda x: ops.maximum(x, 0.5),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", CALLS)
def test_results_and_gradients_of_16_bits_stay_so(name, dtype):
    x = Tensor([0.5, -1.0, 2.0]).astype(dtype).detach().requires_grad_()
    y = CALLS[name](x)
    y.backward(np.ones(y.shape, np.float32))
    assert (y.dtype, x.grad.dtype) == (dtype, dtype)
