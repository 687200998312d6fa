"""The ladder of convolution: every rung equals the definition, in all orders of threads; mistakes show; a rung can be asked for by its name."""

import math
from unittest import mock

import ml_dtypes
import numpy as np
import pytest

import minicnn
from minicnn import kernels, ops
from minicnn.errors import ArgumentError, BackendError, DtypeError
from minicnn.kernels.cuda import algorithm, conv_ladder, launch
from minicnn.kernels.cuda.simulator import set_memory_check
from tests.kernels.cuda.compared import differs, planted

LOWER = conv_ladder.RUNGS
PRODUCTS = tuple(conv_ladder.PRODUCTS)
# N, C, H, W, O, kernel_size, stride, padding, dilation, groups: ends of tiles of 32 and 64 in every place; parts of a sum
SHAPES = {
    "3x3": (2, 8, 6, 7, 5, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1),
    "many filters": (1, 3, 5, 7, 70, (1, 1), (1, 1), (0, 0, 0, 0), (1, 1), 1),
    "stride": (3, 2, 9, 8, 4, (3, 3), (2, 2), (1, 1, 1, 1), (1, 1), 1),
    "uneven": (2, 3, 9, 8, 4, (3, 2), (2, 3), (0, 2, 1, 0), (2, 1), 1),
    "dilation and stride share a factor": (1, 2, 9, 11, 3, (3, 3), (4, 2), (2, 1, 3, 0), (2, 4), 1),
    "groups": (2, 6, 7, 6, 9, (3, 3), (2, 1), (1, 1, 1, 1), (1, 1), 3),
    "depthwise": (1, 5, 6, 5, 10, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 5),
    "one pixel": (1, 3, 1, 1, 2, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1),
}


@pytest.fixture(autouse=True)
def as_it_was():
    yield
    algorithm.set_conv_algorithm("auto")


def posed(name):
    """x, w, b, and attributes."""
    N, C, H, W, O, kernel_size, stride, padding, dilation, groups = SHAPES[name]
    random = np.random.default_rng(0)
    arrays = [random.standard_normal(shape) for shape in ((N, C, H, W), (O, C // groups, *kernel_size), (O,))]
    return arrays, {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}


def wrong(name, rung, dtype="float32", op="conv2d", **more):
    """'' if y, dx, dw and db of a rung are those of the definition."""
    algorithm.set_conv_algorithm(rung)
    arrays, attributes = posed(name)
    return differs(op, arrays, dtype, **attributes, **more)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("rung", [*LOWER, "implicit"])
def test_every_rung_equals_the_definition(rung, name, dtype):
    assert wrong(name, rung, dtype) == ""


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("rung", LOWER)
def test_numbers_of_16_bits(rung, dtype):
    assert wrong("groups", rung, dtype) == ""


@pytest.mark.parametrize("rung", LOWER)
def test_a_relu_behind_it(rung):
    assert wrong("stride", rung, op="conv2d_relu", ceiling=1.0) == ""
    assert wrong("stride", rung, op="conv2d_relu", ceiling=math.inf) == ""


@pytest.mark.parametrize("rung", LOWER)
def test_no_images(rung):
    algorithm.set_conv_algorithm(rung)
    kernel, (_, attributes) = kernels.find("conv2d", ["cuda"]), posed("3x3")
    y, saved = kernel.forward(np.empty((0, 8, 6, 7)), np.ones((5, 8, 3, 3)), None, **attributes)
    dx, dw, _ = kernel.backward(y, saved, needs=(True, True, False))
    assert (y.shape, dx.shape) == ((0, 5, 6, 7), (0, 8, 6, 7))
    assert (dw == 0).all()


@pytest.mark.parametrize("rung", LOWER)
@pytest.mark.parametrize("name", ["uneven", "groups"])
def test_nothing_beside_the_arrays_is_touched(name, rung):
    set_memory_check(True)
    try:
        algorithm.set_conv_algorithm(rung)
        (x, w, b), attributes = posed(name)
        kernel = kernels.find("conv2d", ["cuda"])
        y, saved = kernel.forward(x, w, b, **attributes)
        kernel.backward(y, saved, needs=(True, True, True))
    finally:
        set_memory_check(False)


def mistakes():
    """Rungs, the file, and a line with what somebody might have written instead."""
    product, here = "conv_ladder_product.cu", "conv_ladder.cu"
    return [
        ("tiled", product, "    __syncthreads();  // the tiles are complete\n", ""),
        ("tiled", product, "    __syncthreads();  // nobody reads them any more: the next ones may come\n", ""),
        ("tiled", product, "left[ty][k] * right[k][tx]", "left[tx][k] * right[k][ty]"),
        ("tiled", product, "const int row = p.a_l == 1 ? ty : tx, step = p.a_l == 1 ? tx : ty;", "const int row = tx, step = tx;"),
        ("tiled", product, "l0 < task.end; l0 += TILE", "l0 + TILE <= task.end; l0 += TILE"),
        ("registers", product, "    }\n    __syncthreads();\n#pragma unroll\n    for (int k", "    }\n#pragma unroll\n    for (int k"),
        ("registers", product, "sum[i][j] += u[i] * v[j];\n    }\n    __syncthreads();", "sum[i][j] += u[i] * v[j];\n    }"),
        ("registers", product, "v[e] = right[k][tx * EACH + e]", "v[e] = right[k][tx + e * 16]"),
        ("registers", product, "e / DEPTH : e % SIDE, step = p.a_l == 1 ? e % DEPTH : e / SIDE", "e / DEPTH : e / DEPTH, step = p.a_l == 1 ? e % DEPTH : e % DEPTH + 1"),
        ("im2col", product, "first(part * p.each)", "first(0)"),
        ("im2col", product, "sum > high ? high : sum", "sum > high ? low : sum"),
        ("im2col", here, "0 <= r && r < s.H", "0 <= r && r <= s.H"),
        ("im2col", here, "0 <= c && c < s.W", "0 < c && c < s.W"),
        ("im2col", here, "j = t / s.C % s.kw, i = t / s.C / s.kw % s.kh, group", "j = t / s.C / s.kh % s.kw, i = t / s.C % s.kh, group"),
        ("im2col", here, "      if (p * s.sh - s.top + i * s.dh != r || q * s.sw - s.left + j * s.dw != column) continue;\n      if", "      if"),
        ("naive", here, "      if (!inside(s, r, column)) continue;  // padding is zero\n", ""),
        ("naive", here, "w[((size_t)((group * s.O + o) * s.kh + i) * s.kw + j) * s.C + c]", "w[((size_t)((group * s.O + o) * s.kh + s.kh - 1 - i) * s.kw + j) * s.C + c]"),
        ("naive", here, "      if (p * s.sh - s.top + i * s.dh != r || q * s.sw - s.left + j * s.dw != column) continue;  // between two windows\n", ""),
        ("naive", here, "+ o % s.O])", "+ o])"),
    ]  # fmt: skip


@pytest.mark.parametrize(("rung", "file", "old", "new"), mistakes())
def test_a_mistake_would_be_seen(rung, file, old, new, tmp_path):
    with planted(tmp_path, file, old, new):
        names = ("3x3", "uneven", "groups", "many filters", "stride")
        assert any(wrong(name, rung) for name in names) or wrong("stride", rung, op="conv2d_relu", ceiling=1.0)


def test_the_second_barrier_shows_only_where_there_is_a_second_step(tmp_path):
    """What docs/conv_ladder.md says: a sum of at most 32 numbers hides it."""
    _, file, old, new = mistakes()[1]
    for name, hidden in (("many filters", True), ("3x3", False)):
        arrays, attributes = posed(name)
        with planted(tmp_path, file, old, new):
            algorithm.set_conv_algorithm("tiled")
            y, _ = kernels.find("conv2d", ["cuda"]).forward(*arrays, **attributes)
        expected, _ = kernels.find("conv2d", ["array"]).forward(*arrays, **attributes)
        assert np.allclose(y, expected) is hidden


COUNTED = """
static unsigned long long reads;
struct counted {
  float v;
  counted() = default;
  explicit counted(float v) : v(v) {}
  operator float() const { reads++; return v; }
};
"""


@pytest.mark.parametrize(("rung", "source"), [(r, s) for r, s in zip((*LOWER, "implicit"), ("conv_ladder", *["conv_ladder_product"] * 3, "conv_gather"), strict=True)])
def test_how_often_a_rung_goes_to_memory(rung, source, tmp_path):
    """128 windows, filters and channels: full tiles, in which `minicnn bench --ladder` and the page say how many numbers are read for each multiply-add."""
    from minicnn.bench.ladder import RUNGS

    promised = next(r.reads for r in RUNGS if r.name == rung)
    with planted(tmp_path, "numbers.cuh", "constexpr int WIDTH", COUNTED + "constexpr int WIDTH"), mock.patch.dict(launch.TYPES, float32=("counted", "float")):
        path = tmp_path / f"{source}.cu"
        path.write_text(path.read_text() + '\nextern "C" __global__ void read_so_far(unsigned long long* n) { *n = reads, reads = 0; }\n')
        algorithm.set_conv_algorithm(rung)
        x, w = np.ones((1, 128, 16, 8), np.float32), np.ones((128, 128, 1, 1), np.float32)
        kernels.find("conv2d", ["cuda"]).forward(x, w, None, stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1), groups=1)
        module = next(m for key, m in launch._modules.items() if key[1] == source)
        count = np.zeros(1, np.uint64)
        module.get_function("read_so_far")((1,), (1,), (count,))
    assert count[0] / 128**3 == promised


# What is asked for, and what is launched then.


def launched(rung, groups=1, channels=8, dtype=np.float32):
    """Kernels of a convolution, forward and backward."""
    x, w = np.ones((1, channels, 4, 4), dtype), np.ones((channels, channels // groups, 3, 3), dtype)
    names = []

    def noted(key):
        names.append(key)
        return mock.DEFAULT

    class Module:
        def __init__(self, place, source, dtype, macros, arch):
            self.source = source

        def get_function(self, name):
            return mock.Mock(side_effect=lambda *a, **k: noted(name), max_dynamic_shared_size_bytes=math.inf)

    with minicnn.use_backend("cudasim"), mock.patch.multiple(launch, _module=Module, _functions={}):
        minicnn.set_conv_algorithm(rung)
        kernel = kernels.find("conv2d", ["cuda"])
        y, saved = kernel.forward(x, w, None, stride=(1, 1), padding=(1, 1, 1, 1), dilation=(1, 1), groups=groups)
        minicnn.set_conv_algorithm("auto")  # backward keeps to the way of the forward
        kernel.backward(np.ones(y.shape, dtype), saved, needs=(True, True, False))
    return [name for name in names if name not in ("transpose", "sum_parts", "pad_channels", "cut_channels")]


@pytest.mark.parametrize(
    ("rung", "expected"),
    [
        ("naive", ["naive_forward", "naive_data", "naive_weights"]),
        ("im2col", ["im2col", "product_plain", "product_plain", "col2im", "im2col", "product_plain"]),
        ("tiled", ["im2col", "product_tiled", "product_tiled", "col2im", "im2col", "product_tiled"]),
        ("registers", ["im2col", "product_registers", "product_registers", "col2im", "im2col", "product_registers"]),
        ("implicit", ["conv_gather", "conv_gather", "conv_gather_weights"]),
        ("auto", ["conv_gather", "conv_gather", "conv_gather_weights"]),
    ],
)
def test_the_rung_that_was_asked_for_computes_forward_and_backward(rung, expected):
    assert launched(rung) == expected


def test_the_tensor_cores_that_were_asked_for_compute():
    assert launched("tensor", dtype=ml_dtypes.bfloat16) == launched("auto", dtype=ml_dtypes.bfloat16) == ["conv_tensor", "conv_tensor", "conv_tensor_weights"]
    assert launched("hopper", dtype=ml_dtypes.bfloat16)[:2] == ["conv_hopper", "conv_hopper"]
    with minicnn.use_backend("cudasim"), minicnn.autocast("tf32"):
        assert launched("tensor")[0] == "conv_tensor"


def test_groups():
    assert launched("auto", groups=8)[0] == "conv_depthwise"
    assert launched("tiled", groups=8)[:2] == ["im2col", "product_tiled"]
    assert launched("implicit", groups=8)[0] == "conv_gather"
    assert launched("tensor", groups=8, dtype=ml_dtypes.bfloat16)[0] == "conv_gather"  # 16 bytes do not divide one channel


@pytest.mark.parametrize("backend", ["numba", "numpy", "loops", "cudasim"])
def test_names_that_a_backend_lacks(backend):
    with minicnn.use_backend(backend):
        lacking = "winograd" if backend == "cudasim" else "tiled"
        with pytest.raises(ArgumentError, match=f"unknown algorithm '{lacking}' on backend '{backend}'.*auto"):
            minicnn.set_conv_algorithm(lacking)
        minicnn.set_conv_algorithm("auto")
    assert algorithm.conv_algorithm() == "auto"


def test_each_family_of_backends_has_its_own_setting():
    from minicnn.kernels.cpu import algorithm as of_cpu

    with minicnn.use_backend("cudasim"):
        minicnn.set_conv_algorithm("tiled")
    with minicnn.use_backend("numba"):
        minicnn.set_conv_algorithm("gemm")
        assert (algorithm.conv_algorithm(), of_cpu.conv_algorithm()) == ("tiled", "gemm")
        minicnn.set_conv_algorithm("auto")
    assert algorithm.conv_algorithm() == "tiled"


@pytest.mark.parametrize("rung", ["tensor", "hopper"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_element_types_that_tensor_cores_cannot_compute(rung, dtype):
    with minicnn.use_backend("cudasim"):
        minicnn.set_conv_algorithm(rung)
        x = minicnn.ones(1, 8, 4, 4, dtype=dtype)
        with pytest.raises(DtypeError, match=rf"conv2d: algorithm '{rung}' cannot compute in {dtype}.*autocast\('tf32'\).*'implicit'"):
            ops.conv2d(x, x)


class Gpu:
    """An array module whose GPU is of some compute capability."""

    def __init__(self, capability):
        self.__name__ = "cupy"
        self.cuda = mock.Mock(**{"Device.return_value.compute_capability": str(capability)})


@pytest.mark.parametrize(("capability", "lacking"), [(75, ["tensor", "hopper"]), (80, ["hopper"]), (89, ["hopper"]), (90, []), (100, ["hopper"])])
def test_rungs_that_a_gpu_lacks(capability, lacking):
    xp = Gpu(capability)
    for rung in algorithm.RUNGS:
        if rung in lacking:
            with pytest.raises(BackendError, match=f"'{rung}', rung {algorithm.RUNGS[rung]}, needs the tensor cores of a GPU of compute capability"):
                algorithm.require(rung, xp)
        else:
            algorithm.require(rung, xp)
