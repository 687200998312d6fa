"""Where these tests run: on a GPU with `pytest tests/gpu --backend cupy`; else with small networks on a stand-in for CuPy, so that no line of them rots."""

import tracemalloc
from types import SimpleNamespace

import pytest

import minicnn
from tests.stand_in_cupy import install_gpu


def pytest_generate_tests(metafunc):
    """A test of these takes a `case`: each that CASES has for a GPU, or for the stand-in."""
    on_gpu, on_stand_in = metafunc.module.CASES[metafunc.function.__name__]
    cases = on_gpu if metafunc.config.getoption("--backend") == "cupy" else on_stand_in
    metafunc.parametrize("case", cases, ids=lambda case: case[0] if isinstance(case, tuple) else case)


@pytest.fixture
def gpu(request, monkeypatch):
    """The backend cupy is active. `real`: on a GPU, so that full sizes can be had. `used()`: bytes in arrays."""
    real = request.config.getoption("--backend") == "cupy"
    if not real:
        install_gpu(monkeypatch)
        tracemalloc.start()
    with minicnn.use_backend("cupy"):
        yield SimpleNamespace(real=real, used=lambda: minicnn.memory_stats()["used"] if real else tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
