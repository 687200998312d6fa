"""Cases of batch normalisation: training and evaluation; features, sequences and images; any of scale and shift."""

import math
from typing import Any

from minicnn.autograd import KernelFunction
from minicnn.ops.batch_norm import BatchNorm, BatchNormAddReLU, BatchNormReLU
from minicnn.testing.cases.case import Case, case, kernel_case
from minicnn.testing.draw import Draw


@case("batch_norm")
def batch_norm(draw: Draw) -> Case:
    """At least six values per channel: of two, every batch norm makes -1 and 1. An eps that is felt, now and then."""
    return _normalisation(draw, BatchNorm)


@case("batch_norm_relu")
def batch_norm_relu(draw: Draw) -> Case:
    """The same with a ReLU behind, whose ceiling some results reach."""
    return _normalisation(draw, BatchNormReLU, ceiling=draw.pick([math.inf, 0.7]))


@case("batch_norm_add_relu")
def batch_norm_add_relu(draw: Draw) -> Case:
    """The same with a shortcut that is added in between."""
    return _normalisation(draw, BatchNormAddReLU, shortcut=True, ceiling=draw.pick([math.inf, 1.2]))


def _normalisation(draw: Draw, function: type[KernelFunction], *, shortcut: bool = False, **attributes: Any) -> Case:
    C = draw.integer(1, 4)
    N, L = draw.integer(2, 3), draw.integer(1, 5)
    shape = draw.pick([(5 + L, C), (N, C, L + 2), (N, C, 3, L)])
    training = draw.pick([True, True, False])
    inputs = {
        "x": 2 * draw.array(*shape) + 1,
        "gamma": draw.pick([None, draw.array(C), draw.array(C)]),
        "beta": draw.pick([None, draw.array(C)]),
    }
    return kernel_case(
        function,
        {**inputs, "z": draw.array(*shape)} if shortcut else inputs,
        constants={
            "running_mean": None if training else draw.array(C),
            "running_var": None if training else draw.array(C) ** 2 + 0.5,
        },
        training=training, eps=draw.pick([1e-5, 0.1]), **attributes,
    )  # fmt: skip
