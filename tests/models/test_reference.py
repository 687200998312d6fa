"""With the same weights, every network gives what PyTorch's own implementation of it gives (see tools/make_reference_logits.py)."""

import numpy as np
import pytest

from minicnn import Tensor, get_backend, models, no_grad, use_backend
from tests.models import reference

LOGITS = dict(np.load(reference.FILE))


pytestmark = pytest.mark.filterwarnings("ignore::minicnn.ops.checks.WindowWarning")  # odd images are chosen on purpose


def run(call, shape, gain):
    with use_backend("meta"):  # without drawing weights that are overwritten at once
        network = eval(f"models.{call}", {"models": models})
    network.load_state_dict({**network.state_dict(), **reference.fill(network.state_dict(), gain)})
    network.to(get_backend().name)
    with no_grad():
        return network.eval()(Tensor(reference.images(shape))).numpy()[:, : reference.KEPT]


@pytest.mark.parametrize("key", LOGITS)
def test_logits(key):
    *call, shape, gain = key.split(" ")
    expected = LOGITS[key]
    y = run(" ".join(call), tuple(map(int, shape.split("x"))), float(gain))
    assert np.ptp(expected[0]) > 0.01 * np.abs(expected).max()  # the classes differ, and so do the images:
    assert np.abs(expected[0] - expected[1]).max() > 1e-3 * np.abs(expected).max()
    np.testing.assert_allclose(y, expected, rtol=0, atol=3e-5 * np.abs(expected).max())
