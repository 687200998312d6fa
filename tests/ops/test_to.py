"""From one memory to another. What takes a GPU, or one that plays it, is in tests/test_place.py."""

import numpy as np
import pytest

import minicnn
from minicnn.ops.to import To
from minicnn.testing import gradcheck


@pytest.mark.parametrize("backend", ["numba", "numpy", "loops", "cudasim"])
def test_all_backends_of_a_cpu_share_their_memory(backend):
    with minicnn.use_backend("numba"):
        x = minicnn.ones(3)
        assert x.to(backend) is minicnn.ops.to(x, backend) is x


def test_the_gradient_passes():
    gradcheck(lambda x: To.apply(x, xp=minicnn.get_backend().xp), [np.array([1.0, -2.0])])
