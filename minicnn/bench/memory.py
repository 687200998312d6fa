"""How much memory a contender's steps need, each measured in a process of its own.

In one process nobody can say whose memory is whose, and what one contender has freed its allocator may still hold. So each contender gets a fresh
process, `python -m minicnn.bench.memory`, which imports what the contender needs, builds it, and does three steps.

The peak is that of the second and third step: compiling kernels, drawing the weights and copying them into the other library come before, and
the system is asked to forget that peak (by /proc/self/clear_refs). It is read from /proc/self/status. The usual ru_maxrss will not do:
on Linux a process inherits it from the one that started it, so that every contender would need as much as the benchmark itself. Where there is no
/proc, ru_maxrss is all there is; then the peak includes the building, and a large parent can hide a small child.
"""

import argparse
import gc
import importlib
import json
import os
import re
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from minicnn.backend import list_backends, use_backend
from minicnn.bench import rival
from minicnn.bench.contender import Contender, minicnn_contender
from minicnn.bench.workload import Workload, pose
from minicnn.errors import ArgumentError, MinicnnError
from minicnn.kernels import registered_backends

STATUS, FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
STEPS = 3


@dataclass(frozen=True)
class Memory:
    """Resident memory of a contender's process, in bytes.

    Attributes:
        imports: after the imports, before anything is built.
        peak: the most during the steps after the first.
    """

    imports: int
    peak: int

    @property
    def above_imports(self) -> int:
        """What weights, batch, activations, gradients and workspaces need."""
        return self.peak - self.imports


def can_be_measured(contender: str) -> bool:
    """Whether a fresh process knows the contender: a backend that ships with minicnn, or PyTorch.

    >>> can_be_measured("numpy"), can_be_measured("mine")
    (True, False)
    """
    return contender in rival.LAYOUTS or (contender in list_backends() and contender not in registered_backends())


def measure_memory(workload: Workload, contender: str, threads: int) -> Memory:
    """Start a process that does a few steps of the workload, and ask it.

    Args:
        workload: of a network that ships with minicnn: the process knows no others.
        contender: name of a backend, or one of `rival.LAYOUTS`.
        threads: as in the measurement of time.

    Raises:
        ArgumentError: the process failed, for instance because memory ran out; says what it printed last.
    """
    command = [sys.executable, "-m", "minicnn.bench.memory", json.dumps({**asdict(workload), "contender": contender, "threads": threads})]
    path = os.pathsep.join([str(Path(__file__).resolve().parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path})
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"it ended with code {done.returncode}: was there too little memory?"]
        raise ArgumentError(f"bench: the memory of {contender} for {workload.label} could not be measured: {last[0]}")
    return Memory(**json.loads(done.stdout.splitlines()[-1]))


def resident() -> int:
    """Bytes that this process holds now."""
    return _status("VmRSS") if STATUS.exists() else _most()


def peak() -> int:
    """The most bytes that this process has held since `forget_peak`."""
    return _status("VmHWM") if STATUS.exists() else _most()


def forget_peak() -> None:
    """Let the peak start anew from what is held now, where the system can do that."""
    try:
        FORGET.write_text("5")
    except OSError:  # no Linux, or a sandbox that hides it: the peak then includes the building
        return


def _status(key: str) -> int:
    found = re.search(rf"^{key}:\s+(\d+) kB$", STATUS.read_text(), re.MULTILINE)
    return 1024 * int(found[1]) if found else 0


def _most() -> int:
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most  # macOS counts bytes, all others kilobytes


def main(arguments: list[str]) -> int:
    """What the process does: one JSON object in, one out."""
    parser = argparse.ArgumentParser(prog="python -m minicnn.bench.memory", description="peak memory of one contender's steps")
    parser.add_argument("task", type=json.loads, help="a workload, contender and threads as JSON")
    task = parser.parse_args(arguments).task
    name, threads = task.pop("contender"), task.pop("threads")
    try:
        memory = _measure(Workload(**{**task, "input": tuple(task["input"])}), name, threads)
    except (MinicnnError, MemoryError) as error:
        print(str(error) or type(error).__name__, file=sys.stderr)  # noqa: T201
        return 2
    print(json.dumps(asdict(memory)))  # noqa: T201
    return 0


def _measure(workload: Workload, name: str, threads: int) -> Memory:
    contender = _contender(name, threads)
    imports = resident()
    with use_backend("numba" if name == "numba" else "numpy"):  # nobody else shall pay for Numba
        problem = pose(workload)
    step = contender.build(problem)
    step()
    gc.collect()
    forget_peak()
    for _ in range(STEPS - 1):
        step()
    return Memory(imports, peak())


def _contender(name: str, threads: int) -> Contender:
    """The contender, with all that it needs imported and its threads set."""
    if name in rival.LAYOUTS:
        rival.load().set_num_threads(threads)
        return next(contender for contender in rival.torch_contenders() if contender.name == name)
    if name == "numba":
        importlib.import_module("minicnn.kernels.cpu.conv")
    from minicnn.backend import set_num_threads

    set_num_threads(threads)
    return minicnn_contender(name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
