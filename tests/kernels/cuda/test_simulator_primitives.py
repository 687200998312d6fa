"""What threads exchange and what numbers become in the simulator, against NumPy."""

from pathlib import Path

import numpy as np
import pytest

from minicnn.kernels.cuda.simulator import Module, set_thread_order

FILE = Path(__file__).parent / "files" / "primitives.cu"
FULL = 0xFFFFFFFF


@pytest.fixture(scope="module")
def module():
    return Module(FILE)


@pytest.fixture(params=["forward", "reverse", "shuffled"])
def order(request):
    set_thread_order(request.param)
    yield
    set_thread_order("forward")


@pytest.fixture(params=[(), ("-DSIMULATOR_PORTABLE",)], ids=["", "portable"])
def either(request):
    """The module as the machine likes it best, and as any machine can have it."""
    return Module(FILE, request.param)


def test_every_half(either):
    bits = np.arange(65536, dtype=np.uint16)
    numbers, back = np.zeros(65536, np.float32), np.zeros(65536, np.uint16)
    either.get_function("halves")((256,), (256,), (bits, numbers, back))
    np.testing.assert_array_equal(numbers, bits.view(np.float16).astype(np.float32))
    finite = ~np.isnan(numbers)
    np.testing.assert_array_equal(back[finite], bits[finite])
    assert np.isnan(back[~finite].view(np.float16)).all()


def test_rounding(either):
    random = np.random.default_rng(0)
    numbers = np.concatenate([random.standard_normal(60000) * 2.0 ** random.integers(-30, 18, 60000), [65519.9, 65520, -np.inf, np.nan, 0, 2**-25, 2**-24 * 1.5, 0]])
    numbers = np.resize(numbers, 65536).astype(np.float32)
    bits, tf32 = np.zeros(65536, np.uint16), np.zeros(65536, np.uint32)
    either.get_function("to_half")((256,), (256,), (numbers, bits, tf32))
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(bits.view(np.float16), numbers.astype(np.float16))
    finite = np.isfinite(numbers)
    rounded = tf32.view(np.float32)
    assert (tf32[finite] & 0x1FFF == 0).all()
    assert (np.abs(rounded[finite] - numbers[finite]) <= np.abs(numbers[finite]) * 2.0**-11).all()
    np.testing.assert_array_equal(rounded[~finite], numbers[~finite])


@pytest.mark.parametrize("by", [0, 1, 3, 5, 16, 31])
def test_shuffles(module, order, by):
    x = np.random.default_rng(by).standard_normal(64).astype(np.float32)
    y = np.zeros((4, 4, 2, 32), np.float32)  # widths, kinds, warps, lanes
    module.get_function("shuffles")((1,), (64,), (x, y, np.int32(by)))
    lane = np.arange(32)
    for row, width in enumerate([32, 16, 8, 4]):
        own = lane % width
        sources = [
            lane - own + by % width,
            np.where(own - by >= 0, lane - by, lane),
            np.where(own + by < width, lane + by, lane),
            np.where((lane ^ by) // width <= lane // width, lane ^ by, lane),
        ]
        for kind, source in enumerate(sources):
            np.testing.assert_array_equal(y[row, kind], x.reshape(2, 32)[:, source], err_msg=f"kind {kind}, width {width}")


def test_a_lane_that_is_not_there_gives_nan(module):
    x, y = np.ones(20, np.float32), np.zeros((4, 4, 2, 32), np.float32)
    module.get_function("shuffles")((1,), (20,), (x, y, np.int32(1)))
    down = y[0, 2, 0]
    assert (down[:19] == 1).all()
    assert np.isnan(down[19])


def test_shuffles_of_other_types(module, order):
    d, n, index = np.arange(32) / 3, np.arange(32) * 2**40, np.zeros(32, np.int32)
    module.get_function("shuffled_types")((1,), (32,), (d, n, index))
    np.testing.assert_array_equal(d, np.r_[1:32, 31] / 3)
    np.testing.assert_array_equal(n, (np.arange(32) ^ 3) * 2**40)
    assert (index == 95).all()


def test_votes(module, order):
    x = np.random.default_rng(3).integers(0, 9, 64).astype(np.int32)
    x[40] = 0
    y = np.zeros((64, 7), np.uint32)
    module.get_function("votes")((1,), (64,), (x, y))
    for warp in range(2):
        mine = x[32 * warp : 32 * warp + 32]
        ballot = sum(1 << lane for lane in range(32) if mine[lane])
        expected = [ballot, (mine > 8).any(), (mine < 9).all(), (x != 0).sum(), (x == 3).any(), (x < 9).all(), (x != 3).all()]
        np.testing.assert_array_equal(y[32 * warp : 32 * warp + 32], np.tile(np.array(expected, np.uint32), (32, 1)))


def test_atomics(module, order):
    x = np.random.default_rng(4).integers(-100, 100, 96).astype(np.int32)
    y, total, wrapped = np.array([0, 0, 500, -500, -1, 0, 0, 0, 0], np.int32), np.zeros(1, np.float32), np.array([0, 0], np.uint32)
    module.get_function("atomics")((1,), (96,), (x, y, total, wrapped))
    expected = [x.sum(), -x.sum(), x.min(), x.max(), np.bitwise_and.reduce(x), np.bitwise_or.reduce(x), np.bitwise_xor.reduce(x), 5]
    np.testing.assert_array_equal(y[:8], expected)
    assert y[8] in x
    assert total[0] == x.sum() / 2
    assert wrapped.tolist() == [96 % 10, 10 - 96 % 10]


def test_integers(module):
    x = np.concatenate([[0, 1, 2, FULL, 0x80000000], np.random.default_rng(5).integers(0, 2**32, 27)]).astype(np.uint32)
    y, high = np.zeros((32, 6), np.int32), np.zeros((32, 4), np.uint32)
    module.get_function("integers")((1,), (32,), (x, y, high))
    for v, found, products in zip(map(int, x), y, high, strict=True):
        lowest = (v & -v).bit_length()
        reverse = int(f"{v:032b}"[::-1], 2)
        expected = [v.bit_count(), 32 - v.bit_length(), lowest, v.bit_count(), 64 - v.bit_length(), reverse]
        assert found.astype(np.uint32).tolist() == expected
        signed = v - 2**32 if v >= 2**31 else v
        both = ((v ^ FULL) << 32) | v
        assert products.tolist() == [v * 0x9E3779B9 >> 32, (signed * -77 >> 32) & FULL, (both << 5 >> 32) & FULL, both >> 5 & FULL]


def test_functions(module):
    x = np.random.default_rng(6).standard_normal(32).astype(np.float32)
    x[[3, 9]] = np.nan
    y = np.zeros((32, 12), np.float32)
    module.get_function("functions")((1,), (32,), (x, y))
    after = np.roll(x, -1)
    np.testing.assert_array_equal(y[:, 0], np.fmin(x, after))
    np.testing.assert_array_equal(y[:, 1], np.fmax(x, after))
    np.testing.assert_array_equal(y[:, 2:4], y[:, :2])
    np.testing.assert_allclose(y[:, [4, 5, 6, 7, 9, 10, 11]], np.tile([0.5, np.exp(0.5), np.sqrt(2), 9, 10, 4, np.inf], (32, 1)), rtol=1e-6)
    np.testing.assert_array_equal(y[:, 8], np.nan_to_num(np.clip(x, 0, 1)))


def test_shared_memory_in_templates_and_kernels_from_macros(module, order):
    assert {"sum_of_floats", "sum_of_ints"} <= set(module.kernels)
    for name, dtype in (("sum_of_floats", np.float32), ("sum_of_ints", np.int32)):
        x, y = np.arange(32, dtype=dtype), np.zeros(32, dtype)
        module.get_function(name)((2,), (32,), (x, y))
        assert (y == 496).all()


@pytest.mark.parametrize(("grid", "block"), [((3, 2, 2), (4, 3, 2)), ((7,), (33,)), ((1, 1, 5), (1, 1, 64)), ((2, 3), (1024,))])
def test_every_thread_of_every_block_runs_once(module, order, grid, block):
    y = np.zeros(np.prod(grid) * np.prod(block), np.int32)
    module.get_function("grid_of_3_axes")(grid, block, (y,))
    assert (y == 1).all()
