"""Some of these tests try the check itself, on functions that are written for NumPy: on a CPU, whatever --backend says."""

import pytest

import minicnn

WRITTEN_FOR_NUMPY = {"test_fooling", "test_numeric", "test_plugin", "test_report", "test_state"}


@pytest.fixture(autouse=True)
def _on_a_cpu(request):
    if request.path.stem not in WRITTEN_FOR_NUMPY or request.config.getoption("--backend") != "cupy":
        yield
        return
    minicnn.set_backend("numba")
    yield
    minicnn.set_backend("cupy")
