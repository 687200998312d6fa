"""Settings of the simulator: the order in which the threads of a block take their turns, and the memory check."""

import os
from dataclasses import dataclass

from minicnn.errors import SimulatorError, nearest

ORDERS = ("forward", "reverse", "shuffled")
CHECKS = ("off", "memory")


@dataclass
class Settings:
    """What holds for the next launch."""

    order: str
    seed: int
    memory_check: bool


_settings: Settings | None = None


def settings() -> Settings:
    """The settings of this process: those that were set, at first those of MINICNN_THREAD_ORDER and MINICNN_SIMULATOR_CHECK."""
    global _settings  # noqa: PLW0603 - a setting of the process
    if _settings is None:
        order, seed = parse_thread_order(os.environ.get("MINICNN_THREAD_ORDER") or "forward", "MINICNN_THREAD_ORDER")
        check = os.environ.get("MINICNN_SIMULATOR_CHECK") or "off"
        if check not in CHECKS:
            raise SimulatorError(f"MINICNN_SIMULATOR_CHECK: unknown check {check!r}: {nearest(check, CHECKS)}")
        _settings = Settings(order, seed, check == "memory")
    return _settings


def parse_thread_order(text: str, what: str) -> tuple[str, int]:
    """An order and a seed from text such as "reverse" or "shuffled:7"; `what` names the option in an error.

    >>> parse_thread_order("shuffled:7", "--thread-order")
    ('shuffled', 7)
    """
    order, _, seed = text.partition(":")
    if order not in ORDERS:
        raise SimulatorError(f"{what}: unknown order of threads {order!r}: {nearest(order, ORDERS)}")
    if seed and not (order == "shuffled" and seed.isdecimal()):
        raise SimulatorError(f"{what}: {text!r} is not an order of threads; a seed stands only after shuffled, as in shuffled:7")
    return order, int(seed or 0)


def set_thread_order(order: str, seed: int = 0) -> None:
    """The order in which the threads of a block, and the blocks of a grid, take their turns, from now on.

    A kernel whose result depends on it lacks a barrier, or relies on one block before another.

    Args:
        order: "forward", from the first to the last; "reverse"; "shuffled", at random.
        seed: of the random order. The same seed gives the same order to every launch of the same size.

    Raises:
        SimulatorError: unknown order.

    Example:
        >>> set_thread_order("shuffled", seed=1)
        >>> get_thread_order()
        ('shuffled', 1)
        >>> set_thread_order("forward")
    """
    if order not in ORDERS:
        raise SimulatorError(f"set_thread_order: unknown order of threads {order!r}: {nearest(str(order), ORDERS)}")
    settings().order, settings().seed = order, seed


def get_thread_order() -> tuple[str, int]:
    """The order of threads, and its seed."""
    return settings().order, settings().seed


def set_memory_check(on: bool) -> None:
    """Whether each read and write of a kernel is checked, from now on: whether it is inside an array, and in shared memory, whether it
    finds what was written there, and stands in a certain order to the others. A kernel runs several times slower then.

    Example:
        >>> set_memory_check(True)
        >>> settings().memory_check
        True
        >>> set_memory_check(False)
    """
    settings().memory_check = on
