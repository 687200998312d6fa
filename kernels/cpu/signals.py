"""Signals between threads that take a microsecond, where waking a sleeping thread takes fifty.

A thread that sleeps is woken by the operating system, which also has to wake the processor. So a thread that expects work within a fraction of a
millisecond does not go to sleep: it looks at a number in memory, again and again, without the interpreter's lock, until another thread has raised it.
"""

import platform
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from minicnn.kernels.cpu.jit import jit
from minicnn.kernels.cpu.vector import instruction

POLITENESS = 200  # looks to let pass, on an EPYC of 2020 three microseconds: so long takes the way into a compiled loop
IS_X86 = platform.machine().lower() in ("x86_64", "amd64")


@jit
def raise_signal(signals: Any, i: int, number: int) -> None:
    """signals[i] = number. What this thread wrote before is visible to whoever sees the number."""
    _write(signals, i, number)


@jit
def await_signal(signals: Any, i: int, number: int, looks: int) -> bool:
    """Look at signals[i] up to `looks` times, until it is `number` or more; says whether it is."""
    for _ in range(looks):
        if _read(signals, i) >= number:
            return True
        _pause()
    return False


@jit
def answer_and_await(signals: Any, answered: int, asked: int, number: int, looks: int) -> bool:
    """Raise signals[answered] to `number`, then await that signals[asked] is one more; says whether it is.

    Whoever leaves compiled code asks for the interpreter's lock, and if another thread has it, goes to sleep, with all that waking costs. So
    the answer is given from here, where this thread has no lock; and since the one who asks still has it, for a moment, this one waits for that moment.
    """
    _write(signals, answered, number)
    if not await_signal(signals, asked, number + 1, looks):
        return False
    for _ in range(POLITENESS):
        _pause()
    return True


@instruction
def _read(typing: Any, signals: Any, i: Any) -> tuple[Any, Callable[..., Any]]:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(_address(context, builder, signature, arguments), "acquire", 8)

    return types.int64(signals, i), build


@instruction
def _write(typing: Any, signals: Any, i: Any, number: Any) -> tuple[Any, Callable[..., Any]]:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store_atomic(arguments[2], _address(context, builder, signature, arguments), "release", 8)
        return context.get_dummy_value()

    return types.void(signals, i, number), build


@instruction
def _pause(typing: Any) -> tuple[Any, Callable[..., Any]]:
    """Tell an x86 processor that this is a waiting loop, so that the other thread of the same core gets its resources."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if IS_X86:
            builder.call(cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), []), "llvm.x86.sse2.pause"), [])
        return context.get_dummy_value()

    return types.void(), build


def _address(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    return builder.gep(context.make_array(signature.args[0])(context, builder, arguments[0]).data, [arguments[1]])
