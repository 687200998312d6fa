"""Prepares every run of the tests: Ctrl-C, threads where several processes share the machine; backends; one line about what was skipped."""

import os
import signal

import pytest

from tests.once import Once

BACKENDS = ("loops", "numpy", "numba")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as for a shell's background jobs: tests of Ctrl-C would wait for nothing
    signal.signal(signal.SIGINT, signal.default_int_handler)
if "PYTEST_XDIST_WORKER" in os.environ:  # `pytest -n`: each process is a thread already
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_generate_tests(metafunc):
    """A test that takes `backend`, and does not say which, runs on all backends of a CPU, and on the one that --backend names."""
    names = [mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")]
    given = {name for each in names for name in (each.replace(",", " ").split() if isinstance(each, str) else each)}
    if "backend" in metafunc.fixturenames and "backend" not in given:
        metafunc.parametrize("backend", dict.fromkeys((*BACKENDS, metafunc.config.getoption("--backend") or "numba")), indirect=True)


@pytest.fixture
def backend(request):
    """Its name; it is the active one until the test ends."""
    from minicnn import use_backend

    with use_backend(request.param):
        yield request.param


@pytest.fixture
def on_the_cpu():
    """For tests of what computes on a CPU only: on a GPU, with --backend cupy, they are the same."""
    from minicnn import get_backend, use_backend

    with use_backend("numba" if get_backend().name == "cupy" else get_backend().name):
        yield


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    """`once(name, make)`: what `make()` returns, made once in a run."""
    folder = tmp_path_factory.getbasetemp()
    return Once((folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "once")


LEFT_OUT = {  # reason: what was not run, and what it takes
    "could not import 'torch'": "comparisons with PyTorch not run: pip install torch==2.13.0",
    "no browser for": "tests of the pages of the dashboard, the playground and the site not run: install Chromium (apt install chromium) or Chrome",
    "the site is built with": "tests of the documentation's site not run: pip install -e '.[docs]'",
    "could not find": "checks of compiled CUDA code not run: pip install nvidia-cuda-nvrtc nvidia-cuda-nvdisasm",
}


def pytest_terminal_summary(terminalreporter):
    """Say once, not a thousand times, why tests were skipped."""
    skipped = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    for reason, consequence in LEFT_OUT.items():
        if count := sum(reason in text for text in skipped):
            terminalreporter.write_line(f"{count} {consequence}", yellow=True)
