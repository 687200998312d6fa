"""A benchmark from start to end: one workload after the other, in each all contenders in turn."""

import platform
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from minicnn import checks
from minicnn._version import __version__
from minicnn.backend import set_num_threads, use_backend
from minicnn.bench import rival
from minicnn.bench.contender import Contender, minicnn_contender
from minicnn.bench.elsewhere import Watch
from minicnn.bench.memory import can_be_measured, measure_memory
from minicnn.bench.result import Report, Row, measurement
from minicnn.bench.turns import PAUSE, ROUNDS, SECONDS, take_turns
from minicnn.bench.workload import STANDARD, Workload, pose
from minicnn.errors import ArgumentError, MinicnnError
from minicnn.train.run_folder import version_of


def run(
    workloads: Sequence[Workload] = STANDARD,
    contenders: Sequence[Contender] | None = None,
    *,
    rounds: int = ROUNDS,
    seconds: float = SECONDS,
    pause: float = PAUSE,
    threads: int | None = None,
    memory: bool = True,
    on_row: Callable[[Row], object] = lambda row: None,  # noqa: ARG005 - the name is the documentation
) -> Report:
    """Measure images per second and peak memory. How, and why so, is said in `minicnn.bench.turns` and `minicnn.bench.memory`.

    Args:
        workloads: rows; by default the standard ones.
        contenders: who is measured on each; by default minicnn on the active backend. `minicnn_contender(backend)` and
            `torch_contenders()` make them.
        rounds: blocks for each contender.
        seconds: measured time that a block fills, at least one step.
        pause: seconds of rest before a block.
        threads: for all contenders alike, and for minicnn from now on; by default all processors (see `set_num_threads`).
        memory: measure memory too, in a process for each workload and contender, where a fresh process knows the contender; the network must
            then be one that ships with minicnn.
        on_row: called with each row as soon as it is done.

    Raises:
        ArgumentError: nothing to measure, two contenders of one name, `rounds` below 1, a network with an operation that PyTorch
            has no counterpart for, or a process that measures memory failed.
        ShapeError: a network cannot take such images.

    Example:
        >>> tiny = Workload("LeNet5", (1, 32, 32), 2, "inference")
        >>> report = run([tiny], [minicnn_contender("numpy")], rounds=1, seconds=0, memory=False)
        >>> report.rows[0].measurements[0].images_per_second.median > 0
        True
    """
    contenders = [minicnn_contender()] if contenders is None else list(contenders)
    names = [contender.name for contender in contenders]
    if not workloads or not contenders:
        raise ArgumentError("bench: there is nothing to measure: give at least one workload and one contender")
    if len(set(names)) < len(names):
        raise ArgumentError(f"bench: each contender needs a name of its own, but they are {', '.join(names)}")
    checks.integer(rounds, "bench: repeats")
    if threads is not None:
        set_num_threads(threads)
    count = processors_used()
    here, settings = machine(count, names), {"rounds": rounds, "seconds": seconds, "pause": pause}
    rows = []
    with _threads_of_rival(contenders, count):
        for workload in workloads:
            rows.append(_row(workload, contenders, settings, count if memory else None))
            on_row(rows[-1])
    return Report(here, settings, tuple(rows))


def _row(workload: Workload, contenders: Sequence[Contender], settings: dict[str, Any], threads: int | None) -> Row:
    """One workload; without `threads`, no memory."""
    try:
        with use_backend("numpy"):  # all contenders compute on a CPU
            problem = pose(workload)
        steps = {contender.name: contender.build(problem) for contender in contenders}
        watch = Watch()
        timings = take_turns(steps, **settings)
        elsewhere = watch.processors()
    except MinicnnError as error:
        error.path.append(workload.model)
        raise
    del problem, steps  # the processes that measure memory need the room
    parts = (
        measurement(
            contender.name, contender.is_rival, timings[contender.name], workload.batch_size,
            None if threads is None or not can_be_measured(contender.name) else measure_memory(workload, contender.name, threads),
        )
        for contender in contenders
    )  # fmt: skip
    return Row(workload, tuple(parts), elsewhere)


def _threads_of_rival(contenders: Sequence[Contender], threads: int) -> AbstractContextManager[None]:
    return rival.num_threads(threads) if any(contender.name in rival.LAYOUTS for contender in contenders) else nullcontext()


def processors_used() -> int:
    """Threads that minicnn's kernels use now."""
    from minicnn.kernels.cpu.threads import num_threads

    return num_threads()


def machine(threads: int, names: Sequence[str] = ()) -> dict[str, Any]:
    """What the figures depend on: processor, threads, and versions; PyTorch's only if it is one of the contenders.

    >>> machine(2)["threads"]
    2
    """
    packages = ["numpy", "numba", *(["torch"] if set(names) & set(rival.LAYOUTS) else [])]
    return {
        "processor": processor(),
        "threads": threads,
        "python": platform.python_version(),
        "minicnn": __version__,
        **{name: version_of(name) for name in packages},
    }


def processor() -> str:
    """The processor's name as the system has it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()
