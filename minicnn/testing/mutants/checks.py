"""The checks of mutants that are no kernels: a node of the graph, and the running statistics of batch norm."""

import sys
from typing import Any
from unittest.mock import patch

import numpy as np

from minicnn.autograd import Function, Tensor, as_tensor
from minicnn.kernels.types import Array
from minicnn.nn import BatchNorm2d
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw
from minicnn.testing.gradcheck import gradcheck
from minicnn.testing.kernel_check import rounded
from minicnn.testing.report import GradcheckError, Mismatch, likely_cause

EXAMPLES = 20
TIES = ("abs", "clip", "maximum", "minimum", "max", "min")


def check_function(op: str, wrong: type[Function], constant: float = 0.0) -> None:
    """Put `wrong` in the place of the node that it is a subclass of; compare the results, and check the gradients.

    Raises:
        GradcheckError: a result or a gradient is wrong.
    """
    right = wrong.__mro__[1]
    cases = [CASES[op](RandomDraw(seed)) for seed in range(EXAMPLES)]
    cases += [rounded(case) for case in cases if op in TIES]
    expected = [_result(case) for case in cases]
    with patch.object(sys.modules[right.__module__], right.__name__, wrong):
        for case, y in zip(cases, expected, strict=True):
            _compare(f"{op}: y", _result(case), y)
            gradcheck(_plus(case.function, constant), case.inputs, name=op)


def check_running_statistics(layer: type[BatchNorm2d]) -> None:
    """Each batch must move both running statistics by its weight towards its own, the variance unbiased.

    The weight is `momentum`; with None it is 1, 1/2, 1/3, ..., for the average of all batches.

    Raises:
        GradcheckError: they are elsewhere.
    """
    random, C, axes = np.random.default_rng(0), 3, (0, 2, 3)
    for momentum in (0.25, None):
        bn = layer(C, momentum=momentum, affine=False)
        mean, var = np.zeros(C), np.ones(C)
        for statistic, value in ((bn.running_mean, mean), (bn.running_var, var)):
            assert statistic is not None
            statistic.data = value
        for count in range(1, 4):
            x, weight = random.standard_normal((4, C, 2, 3)), momentum or 1 / count
            bn(Tensor(x))
            mean = (1 - weight) * mean + weight * x.mean(axis=axes)
            var = (1 - weight) * var + weight * x.var(axis=axes, ddof=1)
        assert bn.running_mean is not None
        assert bn.running_var is not None
        _compare(f"batch_norm: momentum={momentum}: running_mean", bn.running_mean.numpy(), mean)
        _compare(f"batch_norm: momentum={momentum}: running_var", bn.running_var.numpy(), var)


def _plus(function: Any, constant: float) -> Any:
    """The function, with a constant added to its result."""
    return (lambda *inputs: function(*inputs) + constant) if constant else function


def _result(case: Any) -> Array:
    return case.function(*(None if x is None else as_tensor(x) for x in case.inputs.values())).numpy()


def _compare(name: str, given: Array, expected: Array) -> None:
    if given.shape != expected.shape:
        raise GradcheckError(f"{name} has shape {given.shape}, but should have {expected.shape}")
    wrong = ~np.isclose(given, expected, rtol=1e-6, atol=1e-9)
    if wrong.any():
        mismatch = Mismatch(name, given, expected, wrong, ("given", "expected"))
        raise GradcheckError("\n".join([*mismatch.lines(likely_cause(mismatch)), "  the result differs from the definition"]))
