"""What is asked of the `.cu` files: every launch of every operation is noted, and none of them is made.

That works because a launcher never looks at what a kernel has computed; on a GPU it would have to wait for it.
"""

import contextlib
import functools
import math
from typing import NamedTuple
from unittest import mock

import numpy as np

import minicnn
from minicnn import Tensor, kernels, nn, ops, optim
from minicnn.checks import bfloat16
from minicnn.errors import DtypeError
from minicnn.kernels.cuda import algorithm, conv_ladder, launch
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw
from tools.gpu_cases import LARGE

UNITS = {75: "gather", 80: "tensor", 90: "hopper"}  # what convolutions run on, by compute capability: see kernels/cuda/conv.py
PARAMETERS = {"gamma", "beta", "running_mean", "running_var"}  # float32, whatever 16-bit type the images have
PRODUCTS = ("conv2d", "conv2d_relu", "linear")
OPTIMIZERS = (optim.SGD, functools.partial(optim.SGD, momentum=0.9), functools.partial(optim.SGD, momentum=0.9, nesterov=True), optim.Adam, optim.AdamW,
              optim.RMSprop, functools.partial(optim.RMSprop, momentum=0.9, centered=True))  # fmt: skip


class Version(NamedTuple):
    """A file as it is compiled."""

    source: str
    dtype: str
    macros: tuple[str, ...] = ()
    arch: str = ""  # if it is not the GPU's own

    @property
    def options(self):
        """As `launch` gives them to the compiler."""
        store, real = launch.TYPES[self.dtype]
        return [f"-D{macro}" for macro in (f"STORE={store}", f"REAL={real}", *self.macros)]


@functools.cache
def noted():
    """{compute capability: {version: names of the kernels that are launched from it}}."""
    with noting() as everywhere:
        for dtype in dtypes():
            for name in CASES.keys() - PRODUCTS:
                every_case(name, dtype)
        for make in OPTIMIZERS:
            train(make)
        for rung in conv_ladder.RUNGS:
            with algorithm_of_convolutions(rung):
                for dtype in dtypes():
                    launch_pair(CASES["conv2d"](RandomDraw(0)), dtype)
    found = {}
    for capability, units in UNITS.items():
        with noting(everywhere) as found[capability], mock.patch("minicnn.kernels.cuda.conv._tensor_cores", lambda xp, units=units: units):
            for name in PRODUCTS:
                for dtype in dtypes():
                    every_case(name, dtype)
                with minicnn.autocast("tf32"):
                    every_case(name, np.dtype(np.float32))
    return found


@contextlib.contextmanager
def noting(before=()):
    """Notes launches on the simulator, instead of making them; no array is left as the memory was."""
    found = {version: set(names) for version, names in dict(before).items()}

    class Module:
        def __init__(self, place, source, dtype, macros, arch):
            self.kernels = found.setdefault(Version(source, dtype, macros, arch), set())

        def get_function(self, name):
            self.kernels.add(name)
            return mock.Mock(max_dynamic_shared_size_bytes=math.inf)

    with mock.patch.multiple(launch, _module=Module, _functions={}), mock.patch.multiple(np, empty=np.zeros, empty_like=np.zeros_like), minicnn.use_backend("cudasim"):
        yield found


@contextlib.contextmanager
def algorithm_of_convolutions(name):
    before = algorithm.conv_algorithm()
    algorithm.set_conv_algorithm(name)
    try:
        yield
    finally:
        algorithm.set_conv_algorithm(before)


def dtypes():
    return [bfloat16("a launch") if name == "bfloat16" else np.dtype(name) for name in launch.TYPES]


def every_case(name, dtype):
    """The small cases of an operation, and the large ones; forward and backward."""
    small, large = [CASES[name](RandomDraw(seed)) for seed in range(8)], [build(np.random.default_rng(0)) for build in LARGE.get(name, [])]
    for case in small + large:
        if case.op is None:
            with contextlib.suppress(DtypeError if dtype.itemsize == 2 else ()):  # not all that has no kernel knows numbers of 16 bits
                apply(case, dtype)
        else:
            launch_pair(case, dtype)


def apply(case, dtype):
    y = case.function(*(x if x is None or x.dtype.kind != "f" else Tensor(x.astype(dtype), requires_grad=True) for x in case.inputs.values()))
    if y.requires_grad:
        y.backward(np.ones(y.shape, y.dtype))


def launch_pair(case, dtype):
    arrays = {name: in_type(name, x, dtype) for name, x in (case.inputs | case.constants).items()}
    kernel = kernels.find(case.op, ["cuda"])
    y, saved = kernel.forward(*arrays.values(), **case.attributes)
    y = y[0] if isinstance(y, tuple) else y
    kernel.backward(np.ones(y.shape, y.dtype), saved, needs=tuple(name in case.inputs and x is not None and x.dtype.kind != "i" for name, x in arrays.items()))


def in_type(name, x, dtype):
    """Numbers of images in an element type, and parameters of their channels in that of sums."""
    if x is None or x.dtype.kind != "f":
        return x
    return x.astype(np.float32 if name in PARAMETERS and dtype.itemsize == 2 else dtype)


def train(make):
    """A step of an optimiser, in the ways in which a training step may be made."""
    for dtype in ("float32", "float64"):
        net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 4)).astype(dtype)
        optimizer, scaler = make(net.parameters(), lr=0.1), minicnn.GradScaler()
        for _ in range(2):
            loss = ops.cross_entropy(net(minicnn.ones(2, 3, 8, 8).astype(dtype)), Tensor([0, 1]))
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            optim.clip_grad_norm(net.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()
