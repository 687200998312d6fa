"""The way to a GPU, walked without one: every operation on the backend cupy, whose arrays and kernels the stand-in provides by CuPy's rules."""

import re

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, nn, ops, optim
from minicnn.kernels.cuda.simulator import SimulatorError
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw
from tests import stand_in_cupy

CODE = """
extern "C" __global__ void add(const float* x, float* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] += x[i];
}
extern "C" __global__ void fill(float* y, float value) {
  extern __shared__ float sums[];
  sums[threadIdx.x] = value;
  y[threadIdx.x] = sums[threadIdx.x];
}
"""


@pytest.fixture
def cupy(monkeypatch):
    return stand_in_cupy.install_gpu(monkeypatch)


def run(case, convert, back, backend):
    with minicnn.use_backend(backend):
        for name, constant in getattr(case, "constants", {}).items():
            case.constants[name] = convert(constant) if isinstance(constant, np.ndarray) else constant
        inputs = [x if x is None else Tensor.wrap(convert(x)).requires_grad_(x.dtype.kind == "f") for x in case.inputs.values()]
        y = case.function(*inputs)
        y.backward(convert(np.random.default_rng(1).standard_normal(y.shape)))
        return [back(y.data), *(back(x.grad.data) for x in inputs if x is not None and x.requires_grad)]


@pytest.mark.parametrize("op", CASES)
def test_every_operation_on_the_backend_cupy(op, cupy):
    expected = run(CASES[op](RandomDraw(0)), np.asarray, np.asarray, "numpy")
    actual = run(CASES[op](RandomDraw(0)), cupy.asarray, cupy.asnumpy, "cupy")
    for one, two in zip(expected, actual, strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-10, atol=1e-10)


def test_a_network_learns_on_the_backend_cupy(cupy):
    losses = {}
    for backend in ("numpy", "cupy"):
        minicnn.manual_seed(0)
        with minicnn.use_backend(backend):
            net = nn.Sequential(nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3))
            assert all(isinstance(p.data, cupy.ndarray) == (backend == "cupy") for p in net.parameters())
            x, labels = minicnn.randn(6, 1, 8, 8), Tensor(minicnn.get_backend().asarray(np.array([0, 1, 2, 0, 1, 2])))
            steps, losses[backend] = optim.SGD(net.parameters(), lr=0.1, momentum=0.9), []
            for _ in range(5):
                loss = ops.cross_entropy(net(x), labels)
                steps.zero_grad()
                loss.backward()
                steps.step()
                losses[backend].append(loss.item())
    assert losses["cupy"][-1] < losses["cupy"][0] / 2
    np.testing.assert_allclose(losses["cupy"], losses["numpy"], rtol=1e-3)


def add(cupy):
    return cupy.RawModule(code=CODE).get_function("add")


def test_arrays_become_pointers_whatever_their_strides(cupy):
    x, y = cupy.asarray(np.arange(8, dtype=np.float32)), cupy.zeros(4, np.float32)
    add(cupy)((1,), (32,), (x[::2], y, np.int32(4)))
    assert y.get().tolist() == [0, 1, 2, 3]  # not 0, 2, 4, 6: as on a GPU


def test_numpy_arrays_are_refused_in_cupys_words(cupy):
    y = cupy.zeros(4, np.float32)
    with pytest.raises(TypeError, match=r"^You are trying to pass a numpy.ndarray of shape \(4,\) as a kernel parameter\. Only numpy\.ndarrays of size one"):
        add(cupy)((1,), (32,), (np.zeros(4, np.float32), y, np.int32(4)))
    with pytest.raises(TypeError, match="passed by its value, and the kernel takes it for an address"):
        add(cupy)((1,), (32,), (np.zeros(1, np.float32), y, np.int32(4)))
    with pytest.raises(TypeError, match=r"^Unsupported type <class 'list'>"):
        add(cupy)((1,), (32,), ([1.0], y, np.int32(4)))


def test_a_python_int_is_an_int64(cupy):
    x = cupy.zeros(4, np.float32)
    with pytest.raises(SimulatorError, match=r"argument 3 is a Python int \(4\), but the kernel declares `int n` .* give np.int32\(4\)"):
        add(cupy)((1,), (32,), (x, x, 4))
    add(cupy)((1,), (32,), (x, x, np.array(4, np.int32)))


def test_much_shared_memory_has_to_be_asked_for(cupy):
    fill = cupy.RawKernel(CODE, "fill")
    y = cupy.empty(32, np.float32)
    with pytest.raises(SimulatorError, match="max_dynamic_shared_size_bytes = 60000 first"):
        fill((1,), (32,), (y, np.float32(2)), shared_mem=60000)
    fill.max_dynamic_shared_size_bytes = 60000
    fill((1,), (32,), (y, np.float32(2)), shared_mem=60000)
    assert y.get().tolist() == [2] * 32


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda cupy: cupy.RawModule(code=CODE, options=["-DN=1"]), "Argument 'options' has incorrect type (expected tuple, got list)"),
        (lambda cupy: cupy.RawModule(), "Exactly one of `code` and `path` keyword arguments must be given."),
        (lambda cupy: add(cupy)(1, (32,), ()), "Argument 'grid' has incorrect type (expected tuple, got int)"),
    ],
)
def test_other_refusals_are_cupys(cupy, call, message):
    with pytest.raises(TypeError, match=re.escape(message)):
        call(cupy)


def test_new_memory_has_no_values(cupy):
    assert np.isnan(cupy.empty((2, 3), np.float32).get()).all()
    assert cupy.zeros(3).get().tolist() == [0, 0, 0]


def test_streams_and_events(cupy):
    outside = cupy.cuda.get_current_stream()
    with cupy.cuda.Stream(non_blocking=True) as stream:
        assert cupy.cuda.get_current_stream() is stream
        start, end = stream.record(), stream.record()
        assert cupy.cuda.get_elapsed_time(start, end) >= 0
        stream.synchronize()
    assert cupy.cuda.get_current_stream() is outside
    assert cupy.cuda.is_available()
    assert cupy.get_default_memory_pool().used_bytes() == 0
