"""`launch`: a file of one's own, wherever it is; how arguments arrive."""

import numpy as np
import pytest

from minicnn.errors import ArgumentError, SimulatorError
from minicnn.kernels.cuda.launch import blocks, launch
from tests.kernels.cuda import tools

OWN = """#include "numbers.cuh"

// y[i] = factor x[i]
extern "C" __global__ void scaled(const STORE* x, STORE* y, const STORE* z, int size, double factor, long long count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (z == nullptr && i < size && i < count) y[i] = STORE(REAL(x[i]) * REAL(factor) * EXTRA);
}
"""


@pytest.fixture
def own(tmp_path):
    (tmp_path / "own.cu").write_text(OWN)
    return str(tmp_path / "own")


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_a_file_of_ones_own(own, dtype):
    x = np.arange(300).astype(dtype)
    y = np.zeros_like(x)
    launch(own, "scaled", blocks(x.size, 128), 128, (x, y, None, x.size, 0.5, np.int64(299)), dtype=dtype, macros=("EXTRA=2",))
    np.testing.assert_array_equal(y, [*x[:299], 0])


@pytest.mark.parametrize(
    ("source", "dtype", "sentence"),
    [
        ("my_relu", "float32", r"launch: there is no file .*kernels/cuda/my_relu.cu; one of your own is given with its whole path, without .cu"),
        ("pool.cu", "float32", r"there is no file .*pool.cu.cu; "),
        ("pool", "int32", "launch: dtype is the type of the numbers, one of float32, float64, float16, bfloat16, not int32"),
    ],
)
def test_files_and_types_that_there_are_not(source, dtype, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        launch(source, "relu", 1, 32, (np.zeros(3, np.float32),), dtype=np.dtype(dtype))


def test_it_is_compiled_for_a_gpu_too(own):
    options = ["-std=c++17", f"-I{tools.FOLDER}", "-DSTORE=bf16", "-DREAL=float", "-DEXTRA=2", "-arch=sm_75"]
    code, _ = tools.compile_with_nvrtc(OWN, options)
    assert code


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({3: np.int64(300)}, "size"),  # `int` is wanted
        ({4: np.float32(0.5)}, "factor"),  # `double`
        ({5: 300}, "count"),  # Python's integers are `int`, and `long long` is wanted
        ({0: 1.0}, "x"),
    ],
)
def test_an_argument_of_another_type_is_named(own, change, part):
    x = np.zeros(300, np.float32)
    args = [x, np.zeros_like(x), None, 300, 0.5, np.int64(300)]
    for place, value in change.items():
        args[place] = value
    with pytest.raises(SimulatorError, match=rf"\b{part}\b"):
        launch(own, "scaled", 2, 256, args, dtype=x.dtype, macros=("EXTRA=2",))
