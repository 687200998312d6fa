"""The arguments of a kernel: what arrives, and what is refused with the number, the declaration and the rule."""

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from minicnn.kernels.cuda.simulator import Module, SimulatorError

SIZES = np.dtype([("rows", np.int32), ("columns", np.int32), ("scale", np.float64)])
GOOD = (np.int32(-1), np.uint32(2**32 - 1), 2**40, np.uint8(200), True, np.float32(0.5), 0.1, np.array((3, 4, 1.5), SIZES))


@pytest.fixture(scope="module")
def module():
    return Module(Path(__file__).parent / "files" / "parameters.cu")


def arrays(**changed):
    given = {
        "x": np.ones(8, np.float32), "y": np.zeros(8), "i": np.zeros(8, np.int32), "bits": np.zeros(8, np.uint16),
        "bytes": np.zeros(8, np.uint8), "packs": np.zeros(8, np.float32), "any": None,
    }  # fmt: skip
    return tuple({**given, **changed}.values())


def test_numbers_arrive(module):
    y = np.zeros(10)
    for sizes in (GOOD[-1], GOOD[-1][()]):
        module.get_function("numbers")((1,), (1,), (y, *GOOD[:-1], sizes))
        np.testing.assert_array_equal(y, [-1, 2**32 - 1, 2**40, 200, 1, 0.5, 0.1, 3, 4, 1.5])


def test_one_element_of_an_array_is_a_number(module):
    y = np.zeros(10)
    module.get_function("numbers")((1,), (1,), (y, np.array([7], np.int32), *GOOD[1:]))
    assert y[0] == 7


def test_4_kb_of_parameters_arrive(module):
    block = np.zeros((), np.dtype([("numbers", np.float64, 255)]))
    block["numbers"][254] = 3
    y = np.zeros(1)
    module.get_function("large")((1,), (1,), (block, block, y))
    assert y[0] == 6
    module.get_function("nothing")((1,), (1,), ())


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"bits": np.zeros(8, np.float16)},
        {"bits": np.zeros(8, ml_dtypes.bfloat16)},
        {"bytes": np.zeros(8, np.float64)},
        {"i": np.zeros(8, np.uint32)},
        {"any": np.zeros(8, np.complex64)},
        {"packs": np.zeros(8, np.float64)},
        {"packs": np.zeros(2, [("x", np.float32, 4)])},
        {"x": np.zeros(0, np.float32)},
    ],
)
def test_arrays_that_fit(module, changed):
    if "any" not in changed:
        module.get_function("arrays")((1,), (2,), arrays(**changed))
    else:
        module.get_function("arrays")((1,), (1,), arrays(**changed))


@pytest.mark.parametrize(
    ("position", "given", "message"),
    [
        (0, 3, "argument 2 is a Python int (3), but the kernel declares `int i` and would read it as another type; CuPy hands a Python int over as int64: give np.int32(3)"),
        (0, np.int64(3), "argument 2 is an int64, but the kernel declares `int i` and would read it as another type: give np.int32(3)"),
        (0, 2.5, "argument 2 is a Python float (2.5), but the kernel declares `int i` and would read it as another type; CuPy hands a Python float over as float64"),
        (1, 3, "argument 3 is a Python int (3), but the kernel declares `unsigned u` and would read it as another type; CuPy hands a Python int over as int64: give np.uint32(3)"),
        (2, np.int32(3), "argument 4 is an int32, but the kernel declares `long long l`"),
        (5, 0.5, "argument 7 is a Python float (0.5), but the kernel declares `float f` and would read it as another type; CuPy hands a Python float over as float64: give np.float32(0.5)"),
        (6, 1, "argument 8 is a Python int (1), but the kernel declares `double d` and would read it as another type; CuPy hands a Python int over as int64: give float(1)"),
        (6, np.float32(1), "argument 8 is a float32, but the kernel declares `double d`"),
        (3, np.uint32(1), "argument 5 is a uint32, but the kernel declares `unsigned char c`"),
        (7, 3, "argument 9 is a Python int (3), but the kernel declares `const Sizes sizes`"),
        (7, np.zeros(2, SIZES), "argument 9 is an array of [('rows'"),
        (0, np.zeros(3, np.int32), "argument 2 is an array of int32 (3,), but the kernel declares `int i` and needs one number"),
        (0, None, "argument 2 is None, but the kernel declares `int i` and needs a number"),
        (0, "3", "argument 2 is of type str, but the kernel declares `int i` and needs a number"),
    ],
)  # fmt: skip
def test_numbers_of_another_type_are_refused(module, position, given, message):
    args = [np.zeros(10), *GOOD]
    args[1 + position] = given
    with pytest.raises(SimulatorError) as error:
        module.get_function("numbers")((1,), (1,), args)
    assert str(error.value).startswith(f"numbers: {message}")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"x": np.zeros(8)}, "argument 1 is an array of float64 (8,), but the kernel declares `const float* x` and would read its memory as another type"),
        ({"x": np.zeros(8, np.int32)}, "argument 1 is an array of int32 (8,), but"),
        ({"x": np.zeros(8, ml_dtypes.bfloat16)}, "argument 1 is an array of bfloat16 (8,), but"),
        ({"y": np.zeros(8, np.float32)}, "argument 2 is an array of float32 (8,), but the kernel declares `double* y`"),
        ({"i": np.zeros(8, np.int64)}, "argument 3 is an array of int64 (8,), but the kernel declares `const int* i`"),
        ({"bits": np.zeros(8, np.float32)}, "argument 4 is an array of float32 (8,), but"),
        ({"x": [1.0, 2.0]}, "argument 1 is of type list, but the kernel declares `const float* x` and needs an array or None"),
        ({"x": 5}, "argument 1 is a Python int (5), but the kernel declares `const float* x` and needs an array or None"),
    ],
)
def test_arrays_of_another_type_are_refused(module, changed, message):
    with pytest.raises(SimulatorError) as error:
        module.get_function("arrays")((1,), (1,), arrays(**changed))
    assert str(error.value).startswith(f"arrays: {message}")


def test_a_wrong_number_of_arguments(module):
    with pytest.raises(SimulatorError, match=r"^large takes 3 arguments \(const Block a, const Block b, double\* y\), and 1 was given$"):
        module.get_function("large")((1,), (1,), (np.zeros(1),))
    with pytest.raises(SimulatorError, match=r"^nothing takes 0 arguments \(\), and 2 were given$"):
        module.get_function("nothing")((1,), (1,), (1, 2))


@pytest.mark.parametrize(
    ("grid", "block", "message"),
    [
        ((1,), (0,), "a block of (0,) has 0 threads; it can have 1 to 1024"),
        ((1,), (1025,), "a block of (1025,) has 1025 threads"),
        ((1,), (32, 33), "a block of (32, 33) has 1056 threads"),
        ((1,), (-1, -1), "a block of (-1, -1) has 1 threads"),
        ((1,), (1, 1, 65), "at most 64 along its third axis"),
        ((1, 65536), (1,), "a grid of (1, 65536) blocks is too large"),
        ((2**31,), (1,), "blocks is too large"),
        ((-1,), (1,), "a grid of (-1,) blocks is negative"),
        ((300 / 256,), (1,), "a grid is a tuple of one to three integers, such as (2,), not (1.171875,); `//` divides integers"),
        (2, (1,), "a grid is a tuple of one to three integers, such as (2,), not 2"),
        ((1,), [32], "a block is a tuple of one to three integers"),
        ((1,), (1, 1, 1, 1), "a block is a tuple of one to three integers"),
        ((), (1,), "a grid is a tuple of one to three integers"),
    ],
)
def test_sizes_that_no_gpu_has(module, grid, block, message):
    with pytest.raises(SimulatorError) as error:
        module.get_function("nothing")(grid, block, ())
    assert str(error.value).startswith("nothing: ")
    assert message in str(error.value)


def test_a_grid_of_0_is_one_of_1_as_in_cupy(module):
    y = np.zeros(8)
    module.get_function("arrays")((0,), (1,), arrays(y=y))
    assert y[0] == 1


def test_too_much_shared_memory(module):
    kernel = module.get_function("nothing")
    with pytest.raises(SimulatorError, match=r"49153 bytes of shared memory are more than the 48 KB .*max_dynamic_shared_size_bytes = 49153 first"):
        kernel((1,), (1,), (), shared_mem=49153)
    kernel.max_dynamic_shared_size_bytes = 227 * 1024
    kernel((1,), (1,), (), shared_mem=227 * 1024)
    kernel.max_dynamic_shared_size_bytes = 300 * 1024
    with pytest.raises(SimulatorError, match="300000 bytes of shared memory are more than the 232448 that a block can have"):
        kernel((1,), (1,), (), shared_mem=300000)
    mistakes = Module(Path(__file__).parent / "files" / "mistakes.cu").get_function("dynamic_and_declared")
    with pytest.raises(SimulatorError, match="with s, the block uses 50176 bytes of shared memory, 4096 declared and 46080 dynamic: it may use 49152"):
        mistakes((1,), (32,), (np.zeros(32, np.float32),), shared_mem=45 * 1024)
    mistakes((1,), (32,), (np.zeros(32, np.float32),), shared_mem=44 * 1024)


def test_kernels_are_found_by_name(module):
    with pytest.raises(SimulatorError, match=r"^parameters.cu has no kernel 'number': did you mean numbers\? Known: arrays, large, nothing, numbers$"):
        module.get_function("number")
    mistakes = Module(Path(__file__).parent / "files" / "mistakes.cu")
    with pytest.raises(SimulatorError, match=r'^mistakes.cu: write extern "C" before the kernel without_extern; without it CuPy does not find the name$'):
        mistakes.get_function("without_extern")
