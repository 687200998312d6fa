"""A half-installed CUDA: for each link of the chain that can break, one line that says what is wrong and what mends it."""

import importlib.util
import subprocess
import sys

import pytest

import minicnn
from minicnn.cuda import machine
from minicnn.errors import BackendError
from tests.cuda.machines import CudaError, OutOfMemory, raises, working

GPU, GPU13 = 'install -e ".[gpu]"', 'install -e ".[gpu-cuda13]"'


def says(*parts, without=()):
    """The problem's sentence holds all parts, is one line, and is what choosing the backend raises."""
    problem = machine.gpu_problem()
    assert problem is not None
    sentence = str(problem)
    for part in parts:
        assert part in sentence
    for part in without:
        assert part not in sentence
    assert "\n" not in sentence
    with pytest.raises(BackendError) as raised:
        minicnn.set_backend("cupy")
    assert str(raised.value) == f"backend 'cupy' cannot run here: {sentence}"


def test_a_machine_where_all_is_well(monkeypatch):
    cupy = working(monkeypatch)
    assert machine.gpu_problem() is None
    with minicnn.use_backend("cupy") as backend:
        assert backend.xp is cupy
    cupy.empty = raises(AssertionError)  # once found, a GPU is not looked for again
    with minicnn.use_backend("cupy"):
        pass


def test_what_is_missing_is_looked_for_again(monkeypatch):
    cupy = working(monkeypatch)
    cupy.empty, works = raises(OutOfMemory("Out of memory")), cupy.empty
    says("memory is full")
    cupy.empty = works
    with minicnn.use_backend("cupy"):
        pass


@pytest.mark.parametrize(("driver", "command"), [(0, GPU), (12040, GPU), (13010, GPU13)])
def test_without_cupy(driver, command, monkeypatch):
    working(monkeypatch, packages=(), driver=driver)
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "cupy" else find_spec(name, *rest))
    says("CuPy is not installed", command)


@pytest.mark.parametrize(("driver", "command"), [(12080, GPU), (13000, GPU13)])
def test_two_packages_at_once(driver, command, monkeypatch):
    working(monkeypatch, packages=("cupy-cuda12x", "cupy-cuda13x"), driver=driver)
    says("cupy-cuda12x and cupy-cuda13x are installed", "pip uninstall -y cupy-cuda12x cupy-cuda13x && ", command)


def test_what_is_left_of_two_packages(monkeypatch):
    working(monkeypatch).__spec__.origin = None
    says("CuPy's files are incomplete", "pip install --force-reinstall --no-deps cupy-cuda13x")


def test_a_cupy_that_is_too_old(monkeypatch):
    working(monkeypatch).__version__ = "13.6.0"
    says("CuPy 13.6.0 is too old, it must be 14 or newer", GPU13, without=["uninstall"])
    monkeypatch.setattr(machine, "installed", lambda: ["cupy-cuda11x"])
    says("too old", "pip uninstall -y cupy-cuda11x && ", GPU13)


def test_a_cupy_for_other_gpus(monkeypatch):
    working(monkeypatch).cuda.runtime.is_hip = True
    says("AMD", "backend 'numba'")


def test_without_a_driver(monkeypatch):
    cupy = working(monkeypatch, driver=0)
    cupy.cuda.runtime.getDeviceCount = raises(CudaError(35, "cudaErrorInsufficientDriver: CUDA driver version is insufficient"))
    says("there is no NVIDIA driver", "ubuntu-drivers install", "docker run --gpus all", "backend 'cudasim'")


def test_a_driver_older_than_cupy(monkeypatch):
    working(monkeypatch, driver=12040)
    says("the NVIDIA driver is for CUDA 12.4, CuPy for CUDA 13", "pip uninstall -y cupy-cuda13x && ", GPU)
    monkeypatch.setattr(machine, "driver_version", lambda: 11080)
    says("for CUDA 11.8 and too old", "version 525 or newer")


def test_a_driver_newer_than_cupy_is_well(monkeypatch):
    cupy = working(monkeypatch, packages=("cupy-cuda12x",), driver=13000)
    cupy.cuda.runtime.runtimeGetVersion = lambda: 12090
    cupy.cuda.nvrtc.getVersion = lambda: (12, 9)
    assert machine.gpu_problem() is None


def test_a_compiler_newer_than_the_driver(monkeypatch):
    cupy = working(monkeypatch, packages=("cupy-cuda12x",), driver=12080)
    cupy.cuda.runtime.runtimeGetVersion = lambda: 12090
    says("NVRTC is of CUDA 13, and the NVIDIA driver for CUDA 12.8 cannot run", "pip uninstall -y nvidia-cuda-nvrtc && ", GPU)


@pytest.mark.parametrize("number", ["", "-1", "7"])
def test_hidden_gpus(number, monkeypatch):
    cupy = working(monkeypatch)
    cupy.cuda.runtime.getDeviceCount = raises(CudaError(100, "cudaErrorNoDevice: no CUDA-capable device is detected"))
    says("the driver finds no GPU", "nvidia-smi")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", number)
    says(f"CUDA_VISIBLE_DEVICES='{number}' hides every GPU", "unset CUDA_VISIBLE_DEVICES")


def test_a_driver_that_fails(monkeypatch):
    cupy = working(monkeypatch)
    cupy.cuda.runtime.getDeviceCount = raises(CudaError(999, "cudaErrorUnknown: unknown error"))
    says("the GPU cannot be used (cudaErrorUnknown: unknown error)", "nvidia-smi", "restart")


def test_a_gpu_that_is_too_old(monkeypatch):
    cupy = working(monkeypatch)
    cupy.cuda.Device.capability = "61"
    says("NVIDIA H200, compute capability 6.1, is too old, the kernels need 7.5 or newer", "backend 'numba'")
    cupy.cuda.runtime.getDeviceCount = lambda: 2
    says("choose another one with CUDA_VISIBLE_DEVICES")
    cupy.cuda.Device.capability = "75"
    assert machine.gpu_problem() is None
    cupy.cuda.Device.capability = "120"
    assert machine.gpu_name(0) == "NVIDIA H200, compute capability 12.0"


def test_missing_libraries_and_headers(monkeypatch):
    cupy = working(monkeypatch)
    sys.modules["cuda.pathfinder"].find_nvidia_header_directory = lambda library: None
    says("CuPy's CUDA headers are missing", GPU13)
    cupy.cuda.missing = ImportError('Failure finding "libcublas.so.13"\n  listdir(...)')
    says('CuPy\'s CUDA libraries are missing (Failure finding "libcublas.so.13")', GPU13)
    cupy.cuda.nvrtc.getVersion = raises(RuntimeError("CuPy failed to load libnvrtc.so.13"))
    says("CuPy's CUDA libraries are missing (CuPy failed to load libnvrtc.so.13)", GPU13)
    monkeypatch.setattr(machine, "installed", lambda: ["cupy-cuda12x"])
    says("failed to load libnvrtc.so.13", GPU)  # the extra of the CuPy that is there


@pytest.mark.parametrize("error", [OutOfMemory("Out of memory allocating 512 bytes"), CudaError(2, "cudaErrorMemoryAllocation: out of memory")])
def test_a_full_gpu(error, monkeypatch):
    working(monkeypatch).empty = raises(error)
    says("the GPU's memory is full: nvidia-smi")
    assert machine.gpu_problem().found == "the GPU's memory is full"


def test_a_gpu_that_another_program_keeps_to_itself(monkeypatch):
    working(monkeypatch).empty = raises(CudaError(46, "cudaErrorDevicesUnavailable: all CUDA-capable devices are busy or unavailable"))
    says("the GPU cannot be used (CUDA reports cudaErrorDevicesUnavailable", "a program has it to itself")


# What only a fresh process shows: what Python itself finds, and what importing a broken CuPy does

DIAGNOSE = "from minicnn.cuda import machine; machine.driver_version = lambda: 13000; print(machine.gpu_problem())"


def diagnosis(folder, packages, text=None):
    """What a process says in which these packages are installed, and in which `cupy` is a file with this text (None: an empty folder)."""
    (folder / "cupy").mkdir()
    if text is not None:
        (folder / "cupy" / "__init__.py").write_text(text)
    for package in packages:
        information = folder / f"{package.replace('-', '_')}-14.2.0.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 14.2.0\n")
    code = f"import sys; sys.path = [{str(folder)!r}] + [p for p in sys.path if 'site-packages' not in p]; {DIAGNOSE}"
    code = f"import minicnn.cuda; {code}"  # while Python still finds NumPy
    result = subprocess.run([sys.executable, "-W", "error", "-c", code], check=False, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


CUPY_SAYS = '''raise ImportError("""
================================================================
Failed to import CuPy.

If you installed CuPy via wheels, make sure that the package matches with the version of CUDA or ROCm installed.

Original error:
  {}
================================================================
""")'''


def test_python_finds_two_packages(tmp_path):
    said = diagnosis(tmp_path, ["cupy-cuda12x", "cupy-cuda13x"], "raise SystemExit('must not be imported')")
    assert "cupy-cuda12x and cupy-cuda13x are installed" in said


def test_python_finds_a_folder_of_leftovers(tmp_path):
    assert "incomplete: " in diagnosis(tmp_path, ["cupy-cuda13x"])


def test_an_import_that_fails(tmp_path):
    said = diagnosis(tmp_path, ["cupy-cuda12x"], CUPY_SAYS.format("ImportError: libfoo.so.1: cannot open shared object file"))
    assert said.startswith("CuPy cannot be imported (ImportError: libfoo.so.1: cannot open shared object file): ")
    assert said.endswith("pip install --force-reinstall --no-deps cupy-cuda12x")


def test_a_numpy_that_does_not_fit(tmp_path):
    said = diagnosis(tmp_path, ["cupy-cuda12x"], CUPY_SAYS.format("ImportError: numpy.core.multiarray failed to import"))
    assert "(ImportError: numpy.core.multiarray failed to import)" in said
    assert GPU in said  # pip then finds a NumPy that both can live with


def test_an_import_that_fails_without_a_word(tmp_path):
    assert diagnosis(tmp_path, ["cupy-cuda13x"], "raise RuntimeError").startswith("CuPy cannot be imported (RuntimeError): ")


def test_the_true_cupy_without_a_driver():
    pytest.importorskip("cupy")
    if machine.driver_version():
        pytest.skip("there is a driver")
    code = "import minicnn\ntry:\n    minicnn.set_backend('cupy')\nexcept minicnn.errors.BackendError as error:\n    print(error)"
    said = subprocess.run([sys.executable, "-W", "error", "-c", code], check=False, capture_output=True, text=True, timeout=60)
    assert said.stdout.startswith("backend 'cupy' cannot run here: there is no NVIDIA driver: "), said.stderr
    assert said.stdout.count("\n") == 1


def test_a_true_package_is_known():
    pytest.importorskip("cupy")
    assert len(machine.installed()) == 1


def test_without_a_compiler(monkeypatch):
    monkeypatch.setattr(machine.shutil, "which", lambda program: None)
    with pytest.raises(BackendError, match=r"'cudasim' needs a C\+\+ compiler, g\+\+ or clang\+\+: sudo apt install g\+\+"):
        minicnn.set_backend("cudasim")
