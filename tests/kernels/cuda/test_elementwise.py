"""Elementwise functions of kernels/cuda: broadcasting, all element types, every order in memory, which is kept; conversions to the last bit."""

import itertools

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, ops
from minicnn.kernels.cuda import basics, elementwise, launch, walk
from minicnn.testing import gradcheck
from tests import stand_in_cupy
from tests.kernels.cuda.compared import (
    TOLERANCES,
    TYPES,
    backwards,
    channels_last,
    dtype_of,
    in_every_order,
    nothing_there,
    off_by_one,
    planted,
    unlike,
)

BINARY = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "maximum": np.maximum,
    "minimum": np.minimum,
}
UNARY = {"negative": np.negative, "absolute": np.abs, "exp": np.exp, "log": lambda x: np.log(np.abs(x)), "sqrt": lambda x: np.sqrt(np.abs(x))}
LAYOUTS = {"usual": lambda x: x, "channels last": channels_last, "off by one": off_by_one, "Fortran": np.asfortranarray, "backwards": backwards}


def numbers(*shape, dtype="float32", seed=0):
    return np.asarray(np.random.default_rng([seed, *shape]).standard_normal(shape), dtype_of(dtype))


def exact(x):
    return x.astype(np.float64)


def differs(function, *arrays, formula=None):
    """'' if basics.`function` gives the same in every order of threads, and what the formula gives in float64; else what is wrong."""
    formula = formula or {**BINARY, **UNARY}[function]
    with nothing_there():
        found = [getattr(basics, function)(*arrays) for _ in in_every_order()]
    if len({y.tobytes() for y in found}) > 1:
        return "another order of threads gives something else"
    if found[0].dtype != arrays[0].dtype:
        return f"of type {found[0].dtype}"
    with np.errstate(all="ignore"):
        wanted = np.asarray(formula(*(exact(x) for x in arrays)))
    return f"of shape {found[0].shape}" if found[0].shape != wanted.shape else unlike(found[0], wanted, TOLERANCES[arrays[0].dtype.name])


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("function", BINARY)
def test_two_arrays_of_several_blocks(function, dtype):
    assert differs(function, numbers(3, 5, 37, 41, dtype=dtype), numbers(3, 5, 37, 41, dtype=dtype, seed=1)) == ""


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("function", UNARY)
def test_one_array_of_several_blocks(function, dtype):
    x = numbers(3, 5, 37, 41, dtype=dtype)
    assert differs(function, x if function in ("negative", "absolute", "exp") else np.abs(x)) == ""


SHAPES = [
    ((2, 8, 5, 6), (2, 8, 1, 1)),  # a factor for each channel of each image
    ((2, 8, 1, 1), (2, 8, 5, 6)),
    ((2, 8, 5, 6), (1, 8, 1, 1)),
    ((2, 7, 5, 6), (7, 1, 1)),
    ((2, 8, 5, 6), (2, 1, 5, 6)),
    ((2, 8, 5, 6), (6,)),
    ((2, 8, 5, 6), ()),
    ((), (2, 8, 5, 6)),
    ((7, 1), (1, 9)),
    ((40, 1, 8), (1, 30, 8)),
    ((2, 1, 3, 1, 5), (4, 1, 2, 1)),
    ((1, 1, 1, 1), (1,)),
    ((), ()),
    ((3,), (1,)),
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("a", "b"), SHAPES)
def test_broadcasting(a, b, layout):
    a, b = numbers(*a), numbers(*b, seed=1)
    laid = [LAYOUTS[layout](x) if x.ndim == 4 else x for x in (a, b)]
    assert differs("subtract", *laid) == ""


@pytest.mark.parametrize(("one", "other"), [*itertools.product(LAYOUTS, LAYOUTS)])
def test_two_orders_in_memory(one, other):
    a, b = numbers(4, 6, 5, 3), numbers(4, 6, 5, 3, seed=1)
    assert differs("subtract", LAYOUTS[one](a), LAYOUTS[other](b)) == ""


def test_parts_of_arrays():
    a, b = numbers(5, 6, 9, 8), numbers(5, 6, 9, 8, seed=1)
    for index in ((slice(1, None),), (slice(None), slice(2, 5)), (..., slice(None, None, 3)), (slice(None), slice(None, None, -1)), (0,), (..., 3)):
        for x, y in ((a, b), (channels_last(a), channels_last(b)), (a, channels_last(b))):
            assert differs("subtract", x[index], y[index]) == "", index


def test_the_order_in_memory_is_kept():
    usual, images = numbers(2, 8, 5, 7), channels_last(numbers(2, 8, 5, 7, seed=1))
    factors = numbers(2, 8, 1, 1)
    for y in (basics.add(images, images), basics.multiply(images, factors), basics.multiply(factors, images), basics.exp(images), basics.copy(images)):
        assert y.strides == images.strides
    assert basics.add(images, usual).strides == basics.add(usual, images).strides == images.strides  # the next convolution likes it so
    assert basics.add(usual, usual).strides == usual.strides
    assert basics.copy(images[:, 2:5]).strides == channels_last(images[:, 2:5]).strides
    assert elementwise.cast(images, np.float64).strides == tuple(2 * s for s in images.strides)


def test_what_is_empty_or_no_floating_point_number():
    assert basics.add(numbers(0, 3), numbers(1, 3)).shape == (0, 3)
    assert basics.exp(numbers(2, 0)).shape == (2, 0)
    integers = np.arange(6).reshape(2, 3)
    np.testing.assert_array_equal(basics.add(integers, integers), 2 * integers)
    np.testing.assert_array_equal(basics.negative(integers), -integers)
    assert basics.multiply(numbers(2, 3), integers > 1).dtype == np.float32
    assert basics.cast(integers, np.float32).dtype == np.float32
    assert basics.multiply(np.float32(2), np.asarray(3, np.float32)) == 6  # NumPy's scalars are no arrays
    assert basics.exp(np.float32(0)) == 1


@pytest.mark.parametrize("dtype", TYPES)
def test_infinities_and_nan(dtype):
    values = np.array([-np.inf, -1.0, -0.0, 0.0, 2.0, np.inf, np.nan], dtype_of(dtype))
    a, b = (x.ravel() for x in np.meshgrid(values, values))
    for function, formula in BINARY.items():
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(exact(getattr(basics, function)(a, b)), formula(exact(a), exact(b)), err_msg=function)
    np.testing.assert_array_equal(np.signbit(exact(basics.absolute(values))), False)


@pytest.mark.parametrize(("dtype", "to"), [*itertools.permutations(TYPES, 2)])
def test_conversion_to_the_last_bit(dtype, to):
    """Also where the new type has no such large or small number, and between two of its numbers."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal(3001) * np.exp2(rng.integers(-30, 30, 3001))
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 65504.0, 65519.0, 65520.0, 1e-8, 6e-8, 1 + 2.0**-9, 1 + 3 * 2.0**-9, 1 + 2.0**-12, 1 + 3 * 2.0**-12]
    with np.errstate(all="ignore"):
        x = np.concatenate([values, special]).astype(np.float32 if dtype == "float64" else dtype_of(dtype)).astype(dtype_of(dtype))
        wanted = x.astype(dtype_of(to))
    found = [elementwise.cast(x, dtype_of(to)) for _ in in_every_order()]
    for y in found:
        assert y.dtype == dtype_of(to)
        np.testing.assert_array_equal(exact(y), exact(wanted))
        np.testing.assert_array_equal(np.signbit(exact(y[:-15])), np.signbit(exact(wanted[:-15])))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_conversion_in_any_order(layout):
    x = LAYOUTS[layout](numbers(3, 7, 6, 5))
    for part in (x, x[:, 1:4], x[:, :, ::2]):
        np.testing.assert_array_equal(exact(elementwise.cast(part, dtype_of("bfloat16"))), exact(part.astype(dtype_of("bfloat16"))))
        np.testing.assert_array_equal(elementwise.cast(part, np.float64), part)
    assert elementwise.cast(x, np.float32) is x


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_overwriting_a_part(layout, dtype):
    x = numbers(3, 6, 4, 5, dtype=dtype, seed=1)
    for index, source in (((slice(None), slice(2, 5)), x[:, :3]), ((0,), x[1]), ((..., slice(None, None, 2)), x[..., :3]), ((), x), ((), x[:1, :, :1, :1])):
        y = LAYOUTS[layout](numbers(3, 6, 4, 5, dtype=dtype))
        wanted = y.copy()
        wanted[index] = source
        basics.assign(y[index], channels_last(source) if source.ndim == 4 else source)
        np.testing.assert_array_equal(exact(y), exact(wanted))


@pytest.mark.parametrize("axis", range(4))
@pytest.mark.parametrize("channels", [(8, 16, 4), (3, 1, 6)])
def test_concatenation(channels, axis):
    shapes = [tuple(c if i == axis else n for i, n in enumerate((2, 8, 5, 4))) for c in channels]
    for layout in LAYOUTS.values():
        parts = [layout(numbers(*shape, seed=i)) for i, shape in enumerate(shapes)]
        with nothing_there():
            found = [basics.concatenate(parts, axis) for _ in in_every_order()]
        for y in found:
            np.testing.assert_array_equal(y, np.concatenate(parts, axis))
    assert basics.concatenate([channels_last(part) for part in parts], axis).transpose(0, 2, 3, 1).flags.c_contiguous


@pytest.mark.parametrize("axes", [8, 9, 12])
def test_more_axes_than_a_kernel_walks_along(axes):
    x = numbers(*[2] * axes).transpose(*range(0, axes, 2), *range(1, axes, 2))[:, ::-1]
    y = np.ascontiguousarray(x)
    basics.assign(y, -x)
    np.testing.assert_array_equal(y, -x)
    np.testing.assert_array_equal(basics.add(x, y), x + y)
    np.testing.assert_array_equal(basics.negative(x), -x)
    np.testing.assert_array_equal(basics.copy(x), x)
    np.testing.assert_array_equal(elementwise.cast(x, np.float64), x)
    np.testing.assert_allclose(basics.sum_over(x, (1, axes - 1)), x.sum((1, axes - 1), keepdims=True), rtol=1e-6)


def test_what_follows_in_memory_is_one_axis():
    x = channels_last(numbers(2, 8, 5, 6))
    _, way = walk.to_new((x.shape, (2, 8, 1, 1)), (x.strides, (32, 4, 4, 4)), 4, 4)
    assert (way.axes["count"], way.axes["group"], way.axes["size"][:3].tolist()) == (3, 4, [2, 30, 2])
    _, way = walk.to_new((x.shape, x.shape), (x.strides, x.strides), 4, 4)
    assert way.axes is None


def test_a_single_number_on_a_gpu_is_not_taken_for_one_in_main_memory(monkeypatch):
    cupy = stand_in_cupy.install(monkeypatch)
    assert launch._place((None, 3, np.zeros((), walk.AXES), cupy.asarray(0.5))) is cupy
    assert launch._place((None, 3, np.zeros((), walk.AXES), np.asarray(0.5))) is np


# Operations on tensors


def images(*shape):
    """A tensor in channels-last memory that wants a gradient."""
    return Tensor.wrap(channels_last(numbers(*shape))).requires_grad_()


def is_channels_last(x):
    return x.data.transpose(0, 2, 3, 1).flags.c_contiguous


OPERATIONS = {
    "sum of two": lambda x: x + x * x,
    "factors of channels": lambda x: x * x.mean(axis=(2, 3), keepdims=True),
    "offset": lambda x: x - Tensor(numbers(8, 1, 1), requires_grad=True),
    "quotient": lambda x: x / Tensor(2 + np.abs(numbers(1, 8, 1, 1))),
    "join": lambda x: ops.concatenate([x, x, x], axis=1),
    "padding": lambda x: ops.pad(x, 1),
    "channels": lambda x: x[:, 2:6] * 1.0,
    "shuffle": lambda x: ops.channel_shuffle(x, 4),
    "variance": lambda x: x - x.var(axis=(0, 2, 3), keepdims=True),
    "functions": lambda x: -ops.sqrt(ops.exp(x)),
    "extremes": lambda x: ops.maximum(x, 0.1),
    "bfloat16": lambda x: x.astype("bfloat16"),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_keep_images_in_order(name):
    with minicnn.use_backend("cudasim"):
        x = images(2, 8, 5, 6)
        y = OPERATIONS[name](x)
        assert is_channels_last(y)
        y.backward(Tensor.wrap(channels_last(np.ones(y.shape)).astype(y.dtype)))
        if name != "extremes":  # its masks are made by the array module
            assert is_channels_last(x.grad)
    with minicnn.use_backend("numpy"):
        other = images(2, 8, 5, 6)
        z = OPERATIONS[name](other)
        z.backward(np.ones(z.shape, z.dtype))
    np.testing.assert_allclose(exact(y.data), exact(z.data), rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(x.grad.numpy(), other.grad.numpy(), rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name != "bfloat16"])
def test_gradients(name):
    with minicnn.use_backend("cudasim"):
        x = Tensor.wrap(channels_last(np.random.default_rng(2).standard_normal((2, 8, 2, 3)))).requires_grad_()
        gradcheck(OPERATIONS[name] if name != "offset" else lambda x: x - 1.5, (x,))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("i < n; i += threads) y[i] = TO(function::BINARY", "i + 1 < n; i += threads) y[i] = TO(function::BINARY"),
        ("q = ((const Several<STORE>*)b)[i];", "q = ((const Several<STORE>*)b)[thread % 32];"),
        ("REAL subtract(REAL a, REAL b) { return a - b; }", "REAL subtract(REAL a, REAL b) { return b - a; }"),
        ("read(b + place.before[1], axes.inside[1], axes.group, q);", "read(b + place.before[1], axes.inside[0], axes.group, q);"),
        ("read(a + place.before[0], axes.inside[0], axes.group, p);", "read(a + place.before[2], axes.inside[0], axes.group, p);"),
        ("before[j] += k * axes.step[j][axis];", "before[j] += k * axes.step[0][axis];"),
        ("if (j < group) v[j] = REAL(p[j * inside]);", "if (j < group) v[j] = REAL(p[j]);"),
        ("if (group == MANY && inside == 1 && aligned(p)) {", "if (group == MANY && aligned(p)) {"),
        ("const unsigned k = i - rest * axes.size[axis];", "const unsigned k = i % 2;"),
    ],
)
def test_a_mistake_would_be_seen(old, new, tmp_path):
    a, b = numbers(3, 5, 7, 9), numbers(3, 5, 7, 9, seed=1)
    pairs = [(a, b), (channels_last(a), b), (a, channels_last(b)), (channels_last(numbers(2, 8, 3, 3)), numbers(2, 8, 1, 1))]
    pairs += [(numbers(4, 2, 3, 8), numbers(4, 2, 1, 1)), (numbers(4, 2, 3, 8), off_by_one(numbers(4, 2, 1, 1)))]
    target = numbers(3, 8, 4)

    def overwritten():
        y = target.copy()
        basics.assign(y[:, ::2], target[:, :4])
        return y[:, ::2].tolist() == target[:, :4].tolist() and y[:, 1::2].tolist() == target[:, 1::2].tolist()

    with planted(tmp_path, "elementwise.cu", old, new):
        assert any(differs("subtract", *pair) for pair in pairs) or not overwritten()
