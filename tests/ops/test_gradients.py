"""Every operation on every backend that runs without a GPU: gradients against slopes, on shapes and attributes that hypothesis draws."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from minicnn import kernels, use_backend
from minicnn.testing import check_kernel, gradcheck
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw
from minicnn.testing.kernel_check import KINKED, rounded
from tests.hypothesis_draw import HypothesisDraw

EXAMPLES = {"loops": 30, "numpy": 100, "numba": 100, "cudasim": 6}
WITHOUT_KERNELS = [op for op in CASES if op not in kernels.OPS]  # computed alike on the backends of a CPU, and with other functions on a GPU
TIES = [*KINKED, "abs", "clip", "maximum", "minimum", "max", "min"]


def checked(op, backend, examples):
    """Run the check on drawn cases; a failing one is shrunk to the smallest that fails."""

    @settings(
        max_examples=examples, deadline=None, derandomize=True, database=None, report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.data())
    def check(data):
        case = CASES[op](HypothesisDraw(data))
        with use_backend(backend):
            gradcheck(case.function, case.inputs, name=op)

    check()


@pytest.mark.gradcheck
@pytest.mark.parametrize("backend", EXAMPLES)
@pytest.mark.parametrize("op", kernels.OPS)
def test_kernels(op, backend):
    checked(op, backend, EXAMPLES[backend])


@pytest.mark.gradcheck
@pytest.mark.parametrize("backend", ["numpy", "cudasim"])
@pytest.mark.parametrize("op", WITHOUT_KERNELS)
def test_operations_without_kernels(op, backend):
    checked(op, backend, EXAMPLES[backend])


@pytest.mark.gradcheck
@pytest.mark.parametrize("backend", EXAMPLES)
@pytest.mark.parametrize("op", TIES)
def test_at_zeros_and_ties(op, backend):
    with use_backend(backend):
        for seed in range(8):
            case = rounded(CASES[op](RandomDraw(seed)))
            gradcheck(case.function, case.inputs, name=op)


@pytest.mark.gradcheck
@pytest.mark.parametrize("scale", [1e-3, 1e3])
@pytest.mark.parametrize("op", [op for op in CASES if op not in ("exp", "power")])  # whose results leave all bounds
def test_tiny_and_huge_inputs(op, scale):
    case = CASES[op](RandomDraw(7))
    inputs = {name: x * scale if x is not None and x.dtype.kind == "f" else x for name, x in case.inputs.items()}
    gradcheck(case.function, inputs, name=op)


@pytest.mark.gradcheck
@pytest.mark.parametrize("backend", EXAMPLES)
@pytest.mark.parametrize("op", kernels.OPS)
def test_kernels_keep_their_contract(op, backend):
    check_kernel(op, backend=backend, examples=5, seed=1)


@pytest.mark.parametrize("op", CASES)
def test_a_first_case_quickly(op):
    case = CASES[op](RandomDraw(3))
    gradcheck(case.function, case.inputs, name=op)
