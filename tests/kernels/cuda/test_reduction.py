"""Sums of kernels/cuda over any axes of arrays in any order: one launch, several slices, several stretches of axes; also of products that are never stored."""

import itertools

import numpy as np
import pytest

import minicnn
from minicnn import Tensor
from minicnn.kernels.cuda import basics, reduction
from minicnn.kernels.cuda.simulator import set_memory_check
from minicnn.testing import gradcheck
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
)

LAYOUTS = {"usual": lambda x: x, "channels last": channels_last, "off by one": off_by_one, "Fortran": np.asfortranarray, "backwards": backwards}
SUBSETS = [axes for count in range(5) for axes in itertools.combinations(range(4), count)]


def numbers(*shape, dtype="float32", seed=0):
    """About 1, so that no sum is small by chance."""
    return np.asarray(1 + np.random.default_rng([seed, *shape]).standard_normal(shape) / 4, dtype_of(dtype))


def differs(function, *arrays, axes, formula):
    """'' if basics.`function` gives the same in every order of threads, and what the formula gives in float64; else what is wrong."""
    with nothing_there():
        found = [getattr(basics, function)(*arrays, axes) for _ in in_every_order()]
    if len({y.tobytes() for y in found}) > 1:
        return "another order of threads gives something else"
    wanted = formula(*(x.astype(np.float64) for x in arrays))
    if (found[0].shape, found[0].dtype) != (wanted.shape, arrays[0].dtype):
        return f"{found[0].dtype} of shape {found[0].shape}, not of {wanted.shape}"
    error = np.abs(found[0].astype(np.float64) - wanted) / np.abs(wanted)
    return "" if error.max(initial=0) <= TOLERANCES[arrays[0].dtype.name] else f"off by {error.max():.1e}"


def sums(x, axes):
    return differs("sum_over", x, axes=axes, formula=lambda x: x.sum(axis=axes, keepdims=True))


@pytest.mark.parametrize("axes", SUBSETS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_axes_in_any_order(layout, axes):
    for shape in ((3, 8, 5, 7), (2, 3, 1, 4), (1, 6, 1, 1)):
        x = LAYOUTS[layout](numbers(*shape))
        assert sums(x, axes) == ""
        assert sums(x[:, 1:], axes) == "", "with gaps"


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((70001,), (0,)),
        ((3, 4096), (1,)),
        ((3, 4099), (1,)),
        ((2000, 3), (0,)),
        ((2000, 64), (0,)),
        ((300, 130), (0,)),
        ((300, 2, 40), (0, 2)),
        ((2, 3, 2, 5, 2), (1, 3)),
        ((1000, 2, 8), (0,)),
        ((), ()),
        ((1,), (0,)),
    ],
)
def test_all_element_types_in_one_launch_and_in_several(shape, axes, dtype):
    x = numbers(*shape, dtype=dtype)
    if dtype == "float16":
        x = (x.astype(np.float32) / max(1, x.size / 1000)).astype(np.float16)  # a sum above 65504 would be infinite
    assert sums(x, axes) == ""
    product = differs("sum_product", x, x[::-1] if shape else x, axes=axes, formula=lambda a, b: (a * b).sum(axis=axes, keepdims=True))
    assert product == ""


def test_sizes_are_such_that_several_launches_are_tested():
    def launches(*shape, axes):
        steps, _ = reduction._plan(shape, np.empty(shape, np.float32).strides, axes, 4)
        return [step.kernel for step in steps]

    assert launches(70001, axes=(0,)) == ["sum_rows"] * 2
    assert launches(2000, 64, axes=(0,)) == ["sum_columns"] * 2
    assert launches(300, 2, 40, axes=(0, 2)) == ["sum_rows", "sum_columns", "sum_columns"]
    assert launches(3, 100, axes=(1,)) == ["sum_rows"]
    assert launches(3, 8, 2, axes=(1,)) == ["sum_columns"]


@pytest.mark.parametrize("axes", SUBSETS)
@pytest.mark.parametrize(("one", "other"), [*itertools.product(["usual", "channels last", "off by one"], repeat=2)])
def test_sum_of_a_product(one, other, axes):
    a, b = LAYOUTS[one](numbers(3, 8, 5, 7)), LAYOUTS[other](numbers(3, 8, 5, 7, seed=1))
    formula = lambda a, b: (a * b).sum(axis=axes, keepdims=True)
    assert differs("sum_product", a, b, axes=axes, formula=formula) == ""
    assert differs("sum_product", a, b[:, :, :1, :1], axes=axes, formula=formula) == "", "repeated"


@pytest.mark.parametrize("axes", [(0,), (1,)])
def test_numbers_at_odd_addresses_are_read_as_they_lie(axes):
    """16 bytes at once can be read only from where 16 divides the address. The memory check looks; a CPU would not mind."""
    a, b = numbers(40, 64), off_by_one(numbers(40, 64, seed=1))
    set_memory_check(True)
    try:
        np.testing.assert_allclose(reduction.sum_over(b, axes), b.sum(axes, keepdims=True), rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(reduction.sum_product(a, b, axes), (a * b).sum(axes, keepdims=True), rtol=1e-5, atol=1e-5)
    finally:
        set_memory_check(False)


@pytest.mark.parametrize("dtype", TYPES)
def test_mean(dtype):
    for x in (numbers(3, 8, 5, 7, dtype=dtype), channels_last(numbers(3, 8, 5, 7, dtype=dtype))):
        for axes in SUBSETS:
            assert differs("mean_over", x, axes=axes, formula=lambda x: x.mean(axis=axes, keepdims=True)) == ""  # noqa: B023


def test_few_bits_are_rounded_once_at_the_end():
    """4096 times 1 in float16 or bfloat16 would stop at 2048 or 256, if sums were kept in that type."""
    for dtype in ("float16", "bfloat16"):
        ones = np.ones((4096, 2), dtype_of(dtype))
        assert basics.sum_over(ones, (0,)).astype(np.float32).tolist() == [[4096.0, 4096.0]]
        assert float(basics.sum_over(ones, (0, 1)).astype(np.float32)[0, 0]) == 8192.0
        big = np.full((3, 500), 200, dtype_of(dtype))
        assert basics.mean_over(big, (1,)).astype(np.float32).tolist() == [[200.0]] * 3  # the sum is more than float16 holds


def test_infinities_and_nan_come_through():
    x = numbers(3, 40)
    x[0, 7], x[1, 39] = np.inf, np.nan
    assert np.isinf(basics.sum_over(x, (1,))[0, 0])
    assert np.isnan(basics.sum_over(x, (1,))[1, 0])
    assert np.isfinite(basics.sum_over(x, (1,))[2, 0])


def test_images_summed_over_the_batch_stay_in_order():
    x = channels_last(numbers(4, 8, 5, 6))
    assert basics.sum_over(x, (0,)).transpose(0, 2, 3, 1).flags.c_contiguous


def test_what_is_empty_or_no_floating_point_number():
    assert basics.sum_over(numbers(0, 3), (0,)).tolist() == [[0.0] * 3]
    assert basics.sum_product(numbers(2, 0), numbers(2, 0), (1,)).tolist() == [[0.0], [0.0]]
    assert basics.sum_over(np.array([[True, True, False]]), (1,)).tolist() == [[2]]
    assert basics.mean_over(np.arange(4), (0,)).tolist() == [1.5]


def test_operations_and_their_gradients():
    """Squeeze and excitation's factor for each channel, a bias, sums and variances: in channels-last memory."""
    rng = np.random.default_rng(0)

    def tensors(*shapes):
        return [Tensor.wrap(channels_last(rng.standard_normal(s)) if len(s) == 4 else rng.standard_normal(s)).requires_grad_() for s in shapes]

    with minicnn.use_backend("cudasim"):
        gradcheck(lambda x, s: x * s, tensors((2, 4, 3, 5), (2, 4, 1, 1)))
        gradcheck(lambda x, b: x + b, tensors((2, 3, 3, 5), (3, 1, 1)))
        gradcheck(lambda x: x.sum(axis=(2, 3)), tensors((2, 4, 3, 5)))
        gradcheck(lambda x: x.mean(), tensors((2, 4, 3, 5)))
        gradcheck(lambda x: x.mean(axis=1, keepdims=True), tensors((2, 4, 3, 5)))
        gradcheck(lambda x: x.var(axis=(0, 2, 3), correction=1), tensors((2, 4, 3, 5)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("k < n; k += 32) sum += REAL(p[k]) *", "k + 1 < n; k += 32) sum += REAL(p[k]) *"),
        ("n = first + length < R ? length : R - first;", "n = length < R ? length : R;"),
        ("first = i % slices * length, start", "first = i % slices * (length - 1), start"),
        ("for (int distance = 16; distance > 0; distance /= 2)", "for (int distance = 8; distance > 0; distance /= 2)"),
        ("if (threadIdx.x == 0) y[i] = TO(REAL(factor) * sum);", "if (threadIdx.x == 0) y[i] = TO(sum);"),
        ("end = first + length < R ? first + length : R;", "end = first + length < R ? first + length - 1 : R;"),
        ("for (int half = blockDim.y / 2; half > 0; half /= 2) {\n    __syncthreads();", "for (int half = blockDim.y / 2; half > 0; half /= 2) {"),
        ("for (int half = blockDim.y / 2; half > 0; half /= 2) {", "for (int half = blockDim.y / 4; half > 0; half /= 2) {"),
        ("y[block * B + b + j] = TO(REAL(factor) * partial[j][thread]);", "y[block * B + b + j] = TO(REAL(factor) * partial[0][thread]);"),
        ("if (j < group) sum[j] += REAL(x[at + j]) * (z ? REAL(z[at + j]) : REAL(1));", "if (j < group) sum[j] += REAL(x[at + j]);"),
    ],
)
def test_a_mistake_would_be_seen(old, new, tmp_path):
    square = lambda a, b: (a * b).sum(axis=0, keepdims=True)
    with planted(tmp_path, "reduction.cu", old, new):
        assert (
            any(sums(numbers(*shape), axes) for shape, axes in (((70001,), (0,)), ((3, 4099), (1,)), ((2000, 64), (0,)), ((300, 3), (0,))))
            or differs("mean_over", numbers(4, 50), axes=(1,), formula=lambda x: x.mean(axis=1, keepdims=True))
            or differs("sum_product", numbers(50, 3), numbers(50, 3, seed=1), axes=(0,), formula=square)
        )
