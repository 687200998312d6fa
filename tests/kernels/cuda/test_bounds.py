"""The simulator's memory check: no kernel reads or writes beside its arrays, reads what nobody wrote, or relies on an order that no barrier gives."""

import contextlib

import numpy as np
import pytest

from minicnn import kernels
from minicnn.errors import SimulatorError
from minicnn.kernels.cuda.simulator import set_memory_check
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw
from tests.kernels.cuda.compared import channels_last, planted

OPS = [
    "relu", "leaky_relu", "relu6", "sigmoid", "tanh", "silu", "hardswish", "dropout", "softmax", "log_softmax", "cross_entropy",
    "mse_loss", "l1_loss", "smooth_l1_loss", "max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d",
    "roi_pool", "roi_align",
]  # fmt: skip


class ManyChannels(RandomDraw):
    """Arrays whose second axis has 8 times as many numbers: enough for a thread to read several at once."""

    def array(self, *shape):
        return super().array(*shape[:1], *(8 * n for n in shape[1:2]), *shape[2:])


def checked(op, seeds=6):
    draws = (RandomDraw,) if op == "cross_entropy" else (RandomDraw, ManyChannels)  # labels have no channels
    with contextlib.closing(contextlib.ExitStack()) as stack:
        set_memory_check(True)
        stack.callback(set_memory_check, False)
        for seed in range(seeds):
            for draw in draws:
                run(kernels.find(op, ["cuda"]), CASES[op](draw(seed)), last=seed % 2)


def run(kernel, case, last):
    arrays = [x.astype(np.float32) if x.dtype.kind == "f" else x for x in (*case.inputs.values(), *case.constants.values())]
    if last:
        arrays = [channels_last(x) if x.ndim == 4 else x for x in arrays]
    y, saved = kernel.forward(*arrays, **case.attributes)
    kernel.backward(np.ones(y.shape, y.dtype), saved, needs=tuple(x.dtype.kind == "f" for x in arrays))


@pytest.mark.parametrize("op", OPS)
def test_every_read_and_write(op):
    checked(op)


@pytest.mark.parametrize(
    ("op", "file", "old", "new"),
    [
        ("relu", "packs.cuh", "i + j < count ? x[i + j] : STORE(REAL(0))", "x[i + j]"),
        ("max_pool2d", "pool.cu", "end = (size - start + dilation - 1) / dilation;", "end = (size - start) / dilation + 1;"),
        ("softmax", "lines.cuh", "number < lines ? K : 0", "K"),
        ("mse_loss", "loss.cu", "  __syncthreads();\n", ""),
        ("adaptive_max_pool2d", "adaptive_pool.cu", "const int other = me + half * blockDim.x;", "const int other = me + half * blockDim.x + 1;"),
    ],
)
def test_a_mistake_would_be_seen(op, file, old, new, tmp_path):
    with planted(tmp_path, file, old, new), pytest.raises(SimulatorError):
        checked(op, seeds=12)
