"""A pytest plugin: the suite as on a GPU, without one. `python -m pytest -p tests.on_stand_in --backend cupy tests/ops` walks through all that Python does there.

The stand-in refuses what CuPy refuses, and its kernels run in the simulator. (tests/cuda, about machines without a GPU, has no meaning then.)
"""

import pytest

from tests.stand_in_cupy import install_gpu


def pytest_configure():
    """For as long as the process lives."""
    install_gpu(pytest.MonkeyPatch())
