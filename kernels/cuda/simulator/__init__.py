"""Runs the text of a `.cu` file on the CPU, thread by thread, and says what its threads do wrong.

    from minicnn.kernels.cuda.simulator import Module
    add = Module(Path("add.cu")).get_function("add")
    add((blocks,), (256,), (x, y, np.int32(x.size)))

`docs/simulator.md` tells how to use it; `simulator.h` how it works.
"""

from minicnn.errors import SimulatorError
from minicnn.kernels.cuda.simulator.module import Kernel, Module
from minicnn.kernels.cuda.simulator.settings import (
    get_thread_order,
    parse_thread_order,
    set_memory_check,
    set_thread_order,
)

__all__ = ["Kernel", "Module", "SimulatorError", "get_thread_order", "parse_thread_order", "set_memory_check", "set_thread_order"]
