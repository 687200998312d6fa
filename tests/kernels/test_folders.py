"""Every kernel folder computes what `loops` computes, element by element, with the same signatures."""

import inspect
import zlib

import numpy as np
import pytest

from minicnn import kernels
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw

OPS = [op for op in kernels.OPS if op in CASES]
FAST = [folder for folder in kernels.FOLDERS if folder != "loops"]


def call(case, kernel, dtype):
    """All results and gradients of a kernel in one element type, by name."""
    given = {**case.inputs, **case.constants}
    inputs = [x if x is None or x.dtype.kind != "f" else x.astype(dtype) for x in given.values()]
    y, saved = kernel.forward(*inputs, **case.attributes)
    outputs = y if isinstance(y, tuple) else (y,)
    needs = tuple(x is not None and x.dtype.kind == "f" and name in case.inputs for name, x in given.items())
    dy = np.random.default_rng([0x67726164, 7]).standard_normal(outputs[0].shape).astype(dtype)
    gradients = kernel.backward(dy, saved, needs=needs)
    named = {f"d{name}": gradient for name, gradient in zip(given, gradients, strict=True)}
    results = {f"y{i or ''}": output for i, output in enumerate(outputs)} | named
    return {name: np.asarray(result) for name, result in results.items() if result is not None}


def test_every_operation_has_cases():
    assert set(kernels.OPS) <= set(CASES)


@pytest.mark.parametrize("op", kernels.OPS)
def test_every_folder_has_the_operation_with_the_same_signature(op):
    definition = kernels.find(op, ["loops"])
    for folder in FAST:
        kernel = kernels.find(op, [folder])
        for mine, theirs in ((kernel.forward, definition.forward), (kernel.backward, definition.backward)):
            assert str(inspect.signature(mine)) == str(inspect.signature(theirs)), (folder, mine.__name__)
            assert mine.__doc__, f"{folder}: {mine.__name__} has no docstring"


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("folder", FAST)
@pytest.mark.parametrize("op", OPS)
def test_equals_the_definition(op, folder, seed):
    case = CASES[op](RandomDraw(1000 * seed + zlib.crc32(op.encode()) % 1000))
    before = {name: None if x is None else x.copy() for name, x in case.inputs.items()}
    expected = call(case, kernels.find(op, ["loops"]), np.float64)
    for dtype, tolerance in ((np.float64, 1e-11), (np.float32, 2e-4)):
        actual = call(case, kernels.find(op, [folder]), dtype)
        assert actual.keys() == expected.keys()
        for name in expected:
            assert actual[name].dtype == dtype, f"{name} is {actual[name].dtype}, not {np.dtype(dtype)}"
            np.testing.assert_allclose(actual[name], expected[name], rtol=tolerance, atol=tolerance, err_msg=f"{name} {case.attributes}")
    for name, x in case.inputs.items():
        np.testing.assert_array_equal(x, before[name], err_msg=f"{name} was changed in place")
