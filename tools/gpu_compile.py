"""Compiles what a benchmark will need, in as many processes as there are processors. Called by `gpu_session.py compile`.

NVRTC compiles a module in seconds, and a training step needs dozens; one after the other they would keep the GPU waiting for minutes. So every row is first
walked through with kernels that do nothing, which tells the modules; then they are compiled side by side. CuPy keeps the machine code on disk.
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

Key = tuple[Any, ...]  # what `launch._module` is asked for besides the place: source, element type, macros, ...


class Nothing:
    """Stands for a compiled module and for its kernels."""

    max_dynamic_shared_size_bytes = 1 << 20

    def get_function(self, name: str) -> "Nothing":  # noqa: ARG002
        """A kernel."""
        return self

    def __call__(self, *args: Any, **options: Any) -> None:
        """Does nothing."""


def collect(rows: Sequence[Any]) -> list[Key]:
    """The modules that a few steps of each row ask for."""
    from minicnn.backend import use_backend
    from minicnn.bench.gpu import own
    from minicnn.bench.workload import pose
    from minicnn.kernels.cuda import launch

    found: dict[Key, None] = {}
    real, functions, modules = launch._module, dict(launch._functions), dict(launch._modules)

    def note(place: Any, *key: Any) -> Nothing:  # noqa: ARG001 - as the real one is called
        found[key] = None
        return Nothing()

    launch._module = note  # type: ignore[assignment]
    launch._functions.clear()
    try:
        for row in rows:
            try:
                with use_backend("numpy"):
                    problem = pose(row.workload)
                own.build(problem, row.precision).step()
            except Exception as error:  # noqa: BLE001 - what it needs is compiled later, then
                print(f"{row.label}: {type(error).__name__}: {str(error)[:200]}", flush=True)
    finally:
        launch._module = real
        launch._functions.clear()
        launch._functions.update(functions)
        launch._modules.clear()
        launch._modules.update(modules)
    return list(found)


def compile_all(keys: Sequence[Key], workers: int, limit: float) -> int:
    """Compile modules side by side; returns how many failed. Each process takes every so-many-th."""
    shares = [share for k in range(workers) if (share := list(keys[k::workers]))]
    start = time.perf_counter()

    def one(share: list[Key]) -> list[str]:
        command = [sys.executable, str(Path(__file__).resolve()), json.dumps(share)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
        except subprocess.TimeoutExpired:
            return [f"one of {share}: not done after {limit:.0f} s"]
        return done.stdout.splitlines() + ([done.stderr[-500:]] if done.returncode else [])

    with ThreadPoolExecutor(workers) as pool:
        troubles = [line for lines in pool.map(one, shares) for line in lines]
    print("\n".join([f"compiled {len(keys)} modules in {time.perf_counter() - start:.0f} s, {len(troubles)} with trouble", *troubles]), flush=True)
    return len(troubles)


def main(share: list[Any]) -> None:
    """What a process does: a line for each module that cannot be compiled."""
    import cupy

    from minicnn.kernels.cuda import launch

    for key in share:
        try:
            launch._module(cupy, *(tuple(part) if isinstance(part, list) else part for part in key)).compile()
        except Exception as error:  # noqa: BLE001
            print(f"{key}: {type(error).__name__}: {' '.join(str(error).split())[:600]}", flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    main(json.loads(sys.argv[1]))
