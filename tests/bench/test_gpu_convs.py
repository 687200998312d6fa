"""Convolutions one by one: which, how long each would take at least, and what is written when something fails."""

import math
from contextlib import nullcontext

import numpy as np
import pytest

from minicnn.backend import get_backend, use_backend
from minicnn.bench.gpu import convs, peaks
from minicnn.bench.gpu.convs import Conv, Timed, convolutions, measure, table, totals
from minicnn.bench.turns import HostClock
from minicnn.bench.workload import Workload

PEAKS = {"bytes": 1e9, "fp32": 1e9, "tf32": 4e9, "bf16": 16e9}
CONV = Conv((2, 4, 6, 6), (8, 2, 3, 3), (2, 8, 6, 6), (1, 1), (1, 1, 1, 1), (1, 1), 2)


class Device:
    """The processor, as if it were a GPU."""

    clock = HostClock()

    def rest(self):
        pass


@pytest.fixture
def pretend(monkeypatch):
    """minicnn computes with NumPy, PyTorch on the processor, and a graph is the function itself."""
    monkeypatch.setattr(convs, "get_backend", lambda name: get_backend("numpy"))
    monkeypatch.setattr(convs, "use_backend", lambda name: use_backend("numpy"))
    monkeypatch.setattr(convs, "autocast", lambda precision: nullcontext())
    for name, value in {"CupyGraph": lambda module, step: step, "TorchGraph": lambda module, step: step, "PLACE": "cpu", "DRAWN": 100, "SECONDS": 0, "MOST_SETS": 2}.items():
        monkeypatch.setattr(convs, name, value)


def test_the_convolutions_of_resnet():
    found = convolutions(Workload("ResNet18", (3, 64, 64), 2, "train"))
    assert sum(count for _, count in found) == 20
    assert len(found) == 11
    assert found[0][0] == Conv((2, 3, 64, 64), (64, 3, 7, 7), (2, 64, 32, 32), (2, 2), (3, 3, 3, 3), (1, 1), 1)
    assert {conv.label: count for conv, count in found}["64x16x16 -> 64, 3x3"] == 4


def test_operations_and_bytes():
    assert CONV.operations == 2 * (2 * 8 * 6 * 6) * (2 * 3 * 3)
    assert CONV.bytes(4) == 4 * (2 * 4 * 36 + 8 * 18 + 2 * 8 * 36)
    assert CONV.label == "4x6x6 -> 8, 3x3 groups 2"


def test_the_larger_of_two_times_is_the_limit():
    assert Timed(CONV, 1, "fp32", "forward").least(PEAKS) == CONV.operations / 1e9
    assert Timed(CONV, 1, "bf16", "forward").least(PEAKS) == CONV.bytes(2) / 1e9


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_all_passes_of_both_sides(pretend, precision):
    torch = pytest.importorskip("torch")
    if precision == "bf16":
        pytest.importorskip("ml_dtypes")
        own = None  # NumPy's kernels do not know bfloat16
    else:
        own = (np, Device())
    strided = Conv((2, 4, 7, 7), (8, 4, 3, 3), (2, 8, 3, 3), (2, 2), (0, 0, 0, 0), (1, 1), 1)
    found = [row for rows in measure([(CONV, 3), (strided, 1)], (precision,), own or (None, Device()), (torch, Device())) for row in rows]
    assert [(row.conv, row.direction) for row in found] == [(conv, direction) for conv in (CONV, strided) for direction in convs.PASSES]
    assert all(row.rival > 0 for row in found)
    if own:
        assert all(row.own > 0 and not row.errors for row in found)
        text = "\n".join(table(found, PEAKS))
        assert "all together, fp32 data gradient: minicnn" in text
        seconds = 3 * found[1].own + found[4].own
        assert f"minicnn {1e3 * seconds:.2f} ms, cuDNN" in text
    else:
        assert found[0].own is None
        assert "minicnn: AttributeError" in found[0].errors[0]
        assert not totals(found, PEAKS)


def test_one_pass_that_fails_leaves_the_others(pretend, monkeypatch):
    kernel = get_backend("numpy").kernel("conv2d")

    def backward(dy, saved, *, needs):
        if needs[1]:
            raise MemoryError("no room")
        return kernel.backward(dy, saved, needs=needs)

    class Backend:
        def kernel(self, op):
            return type(kernel)(op, "cuda", kernel.forward, backward)

    monkeypatch.setattr(convs, "get_backend", lambda name: Backend())
    (rows,) = measure([(CONV, 1)], ("fp32",), (np, Device()), None)
    assert [row.own is not None for row in rows] == [True, True, False]
    assert rows[2].errors == ["minicnn: MemoryError: no room"]
    assert "weight gradient: minicnn: MemoryError: no room" in "\n".join(table(rows, PEAKS))


def test_unequal_padding_is_said(pretend):
    torch = pytest.importorskip("torch")
    odd = Conv((1, 1, 5, 5), (1, 1, 3, 3), (1, 1, 4, 4), (1, 1), (0, 1, 0, 1), (1, 1), 1)
    (rows,) = measure([(odd, 1)], ("fp32",), (np, Device()), (torch, Device()))
    assert rows[0].errors == ["torch: unequal padding is no single operation there"]
    assert rows[0].own > 0


def test_nothing_begins_after_the_deadline(pretend):
    assert not list(measure([(CONV, 1)], ("fp32",), (np, Device()), None, deadline=-math.inf))


def test_pytorch_computes_the_same_passes():
    """What is timed there is what minicnn's kernel does: results and both gradients."""
    torch = pytest.importorskip("torch")
    kernel, rng = get_backend("numpy").kernel("conv2d"), np.random.default_rng(0)
    x, w, dy = (rng.standard_normal(shape) for shape in (CONV.x, CONV.w, CONV.y))
    y, saved = kernel.forward(x, w, None, **CONV.attributes)
    dx, dw, _ = kernel.backward(dy, saved, needs=(True, True, False))
    arrays = [tuple(map(torch.tensor, (x, w, dy)))]
    theirs = {direction: convs._rival_pass(torch, CONV, (1, 1), direction, arrays)()[0] for direction in convs.PASSES}
    np.testing.assert_allclose(theirs["forward"], y, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(theirs["data gradient"][0], dx, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(theirs["weight gradient"][1], dw, rtol=1e-9, atol=1e-9)


def test_peaks_are_work_over_time():
    torch = pytest.importorskip("torch")

    class Clock:
        def time(self, step, seconds):
            step()
            return 0.5

    device = Device()
    device.clock = Clock()
    found = peaks.measure(torch, device, copied=4096, size=32, place="cpu")
    assert found == {"bytes": 4 * 4096, "fp32": 4 * 32**3, "tf32": 4 * 32**3, "bf16": 4 * 32**3}
