"""Errors of CuPy, told in one sentence that says what to do: by `launch`, where results are fetched, and on the command line."""

import sys
import types

import numpy as np
import pytest

import minicnn
from minicnn import backend, nn
from minicnn.cuda import explained
from minicnn.errors import BackendError, OutOfMemoryError
from minicnn.kernels.cuda import launch
from tests.cuda.machines import CudaError, OutOfMemory, raises
from tests.kernels.cuda import tools

FULL = OutOfMemory("Out of memory allocating 3,221,225,472 bytes (allocated so far: 83,751,862,272 bytes).")
ASTRAY = CudaError(700, "CUDA_ERROR_ILLEGAL_ADDRESS: an illegal memory access was encountered")


def test_other_errors_are_left_alone():
    for error in (ValueError("x"), MemoryError("x"), RuntimeError("CUDA_ERROR_ILLEGAL_ADDRESS"), KeyboardInterrupt()):
        assert explained(error) is None


def test_full_memory():
    error = explained(FULL, "kernel relu")
    assert isinstance(error, OutOfMemoryError)
    assert isinstance(error, MemoryError)
    assert str(error).startswith("kernel relu: the GPU's memory is full (3.00 GiB more were asked for; CuPy holds 78.00 GiB): make the batch smaller")
    for other in (CudaError(2, "cudaErrorMemoryAllocation: out of memory"), OutOfMemory("Out of memory")):
        assert str(explained(other)).startswith("the GPU's memory is full: make the batch smaller")


@pytest.mark.parametrize("number", [700, 716, 719])
def test_a_kernel_that_went_astray(number):
    said = str(explained(CudaError(number, "CUDA_ERROR: something")))
    for part in ("went astray on the GPU (CUDA_ERROR: something)", "CUDA_LAUNCH_BLOCKING=1", "backend 'cudasim' with MINICNN_SIMULATOR_CHECK=memory", "started anew"):
        assert part in said


@pytest.mark.parametrize(
    ("number", "part"),
    [(701, "a block wants more registers or shared memory"), (3, "in a forked process it never can"), (1, "CUDA reports cudaError: something")],
)
def test_other_errors_of_cuda(number, part):
    error = explained(CudaError(number, "cudaError:\n something"))
    assert isinstance(error, BackendError)
    assert part in str(error)
    assert "astray" not in str(error)


def test_an_error_of_the_compiler_that_names_no_line():
    assert str(explained(tools.CompileException("nvrtc: error: invalid value for --gpu-architecture"))).endswith(
        "NVRTC cannot compile it: nvrtc: error: invalid value for --gpu-architecture"
    )


def test_cupys_own_errors_are_known():
    cupy = pytest.importorskip("cupy")
    assert "astray" in str(explained(cupy.cuda.runtime.CUDARuntimeError(700)))
    said = str(explained(cupy.cuda.memory.OutOfMemoryError(2**30, 2**31, 0)))
    assert said.startswith("the GPU's memory is full (1.00 GiB more were asked for; CuPy holds 2.00 GiB): ")
    said = str(explained(cupy.cuda.compiler.CompileException('a.cu(7): error: identifier "y" is undefined\n', "", "", ())))
    assert said == 'NVRTC cannot compile it: a.cu(7): error: identifier "y" is undefined'


# Where they are told


class ndarray:
    """As much of a CuPy array as a launch looks at."""

    __module__ = "cupy"
    strides, ndim, shape, size = (4,), 1, (1,), 1


@pytest.fixture
def cupy(monkeypatch):
    """A CuPy without kernels, and no module kept from before."""
    module = types.ModuleType("cupy")
    monkeypatch.setitem(sys.modules, "cupy", module)
    monkeypatch.setattr(launch, "_functions", {})
    monkeypatch.setattr(launch, "_modules", {})
    return module


def launched(**options):
    launch.launch("layout", "transpose", (2, 3), 256, (ndarray(), 5, 2.0), dtype=np.float32, **options)


def test_a_launch_says_which_kernel(cupy):
    cupy.RawModule = lambda **_: types.SimpleNamespace(get_function=lambda name: raises(ASTRAY))
    with pytest.raises(BackendError, match=r"^kernel transpose of layout\.cu, grid \(2, 3\), block 256: a kernel went astray") as raised:
        launched()
    assert raised.value.__cause__ is ASTRAY
    cupy.RawModule = lambda **_: types.SimpleNamespace(get_function=lambda name: raises(TypeError("a mistake of ours")))
    launch._functions.clear()
    launch._modules.clear()
    with pytest.raises(TypeError, match="a mistake of ours"):
        launched()


def nvrtc_module(code, options):
    """What CuPy's RawModule does: it compiles when a function is asked for."""
    more = ("-ftz=true", "--device-as-default-execution-space", "-arch=sm_90")
    return types.SimpleNamespace(get_function=lambda name: (tools.compile_with_nvrtc(code, [*options, *more]), lambda *_, **__: None)[1])


def test_what_a_launch_hands_to_cupy_can_be_compiled(cupy):
    tools.nvrtc()
    cupy.RawModule = nvrtc_module
    launched()
    launched(macros=("HALF=0.5", "FLAG"))
    with pytest.raises(BackendError, match="NVRTC cannot compile it"):
        launched(macros=("blockIdx=",))


def test_errors_of_the_compiler_name_file_and_line(cupy, monkeypatch, tmp_path):
    tools.nvrtc()
    (tmp_path / "numbers.cuh").write_text("#define ONE 1\n")
    (tmp_path / "layout.cu").write_text('#include "numbers.cuh"\n\nextern "C" __global__ void transpose() {\n  int i = ONE;\n  j = i;\n  k = i;\n}\n')
    monkeypatch.setattr(launch, "FOLDER", tmp_path)
    cupy.RawModule = nvrtc_module
    with pytest.raises(BackendError) as raised:
        launched()
    said = f'NVRTC cannot compile it: {tmp_path}/layout.cu(5): error: identifier "j" is undefined (and 1 more)'
    assert str(raised.value) == f"kernel transpose of layout.cu, grid (2, 3), block 256: {said}"


def test_a_changed_header_is_compiled_anew(cupy, monkeypatch, tmp_path):
    """CuPy keeps machine code by source and options, and looks into no header."""
    seen = []
    cupy.RawModule = lambda code, options: seen.append((code, options)) or types.SimpleNamespace(get_function=lambda name: lambda *_, **__: None)
    (tmp_path / "layout.cu").write_text('#include "numbers.cuh"\n')
    monkeypatch.setattr(launch, "FOLDER", tmp_path)
    for text in ("#define ONE 1\n", "#define ONE 2\n", "#define ONE 1\n"):
        (tmp_path / "numbers.cuh").write_text(text)
        launch._headers.cache_clear()
        launch._functions.clear()
        launch._modules.clear()
        launched()
    launch._headers.cache_clear()
    assert seen[0] != seen[1]
    assert seen[0] == seen[2]


def test_results_that_are_fetched(cupy):
    cupy.asnumpy = raises(ASTRAY)
    loss = minicnn.Tensor.wrap(ndarray())
    for fetch in (lambda: backend.to_numpy(ndarray()), loss.numpy, loss.item, lambda: bool(loss)):
        with pytest.raises(BackendError, match=r"^a kernel went astray on the GPU"):
            fetch()
    cupy.asnumpy = raises(TypeError("a mistake of ours"))
    with pytest.raises(TypeError, match="a mistake of ours"):
        backend.to_numpy(ndarray())


def test_the_command_line(monkeypatch, capsys):
    from minicnn.cli import main

    def run(error):
        monkeypatch.setattr("minicnn.cli.doctor.run", raises(error))
        code = main(["doctor"])
        return code, *capsys.readouterr()

    code, out, err = run(FULL)
    assert (code, out) == (2, "")
    assert err.startswith("minicnn: the GPU's memory is full (3.00 GiB more were asked for; CuPy holds 78.00 GiB): make the batch smaller")
    assert err.count("\n") == 1
    code, out, err = run(ASTRAY)
    assert (code, out) == (2, "")
    assert err.startswith("minicnn: a kernel went astray")
    assert err.count("\n") == 1
    with pytest.raises(ZeroDivisionError):
        run(ZeroDivisionError())


def test_a_layer_and_a_backward_say_where(monkeypatch):
    net = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    x = minicnn.ones(4, 3)
    loss = net(x).sum()
    kernel = types.SimpleNamespace(forward=raises(FULL), backward=raises(FULL), source="cuda")
    monkeypatch.setattr(type(minicnn.get_backend()), "kernel", lambda self, op: kernel)
    with pytest.raises(OutOfMemoryError, match=r"^0 Linear\(3, 2\): the GPU's memory is full \(3\.00 GiB more") as raised:
        net(x)
    assert raised.value.__cause__ is FULL
    monkeypatch.setattr(type(loss.creator.edges[0]), "backward", raises(FULL))
    with pytest.raises(OutOfMemoryError, match=r"^backward of ReLU: the GPU's memory is full"):
        loss.backward()
    kernel.forward = raises(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        net(x)
