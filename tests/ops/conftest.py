"""What the tests of several families share."""

import functools

import numpy as np
import pytest

from minicnn import Tensor


@pytest.fixture
def equals_pytorch():
    """A function that compares a case's result and gradients with those of a PyTorch function of the same arguments."""
    torch = pytest.importorskip("torch")

    def compare(case, function):
        for dtype, tolerance in ((np.float64, 1e-10), (np.float32, 3e-5)):
            mine = [Tensor(x, requires_grad=True, dtype=dtype) for x in case.inputs.values()]
            theirs = [torch.tensor(x.astype(dtype), requires_grad=True) for x in case.inputs.values()]
            y, expected = case.function(*mine), function(*theirs, **case.attributes)
            assert y.dtype == dtype
            assert y.shape == tuple(expected.shape)
            assert_close = functools.partial(np.testing.assert_allclose, rtol=tolerance, atol=tolerance)
            assert_close(y.numpy(), expected.detach().numpy())
            dy = np.random.default_rng([3, y.size]).standard_normal(y.shape).astype(dtype)
            y.backward(dy)
            expected.backward(torch.tensor(dy))
            for name, x, theirs_x in zip(case.inputs, mine, theirs, strict=True):
                assert x.grad.dtype == dtype
                assert_close(x.grad.numpy(), theirs_x.grad.numpy(), err_msg=f"d{name}")

    return compare
