"""Compiles what a benchmark will need, in as many processes as there are processors. Called by `gpu_session.py compile`.

NVRTC compiles a module in seconds, and a training step needs dozens; one after the other they would keep the GPU waiting for minutes. So every row is first
walked through with kernels that do nothing, which tells the modules; then they are compiled side by side. CuPy keeps the machine code on disk. All this is done in other
processes, so that the one that calls holds no memory of the GPU.
"""

import gc
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

KEY = "module: "  # how a line that names one begins
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

    with noted() as found:
        for row in rows:
            try:
                with use_backend("numpy"):
                    problem = pose(row.workload)
                own.build(problem, row.precision).step()
                free()
            except Exception as error:  # noqa: BLE001 - what it needs is compiled later, then
                print(f"{row.label}: {type(error).__name__}: {str(error)[:200]}", flush=True)
    return list(found)


def collect_ladder(backend: str = "cupy") -> list[Key]:
    """The modules that the rungs of the ladder of convolution ask for."""
    from minicnn.backend import use_backend
    from minicnn.bench import ladder

    with noted() as found, use_backend(backend):
        for conv in ladder.convolutions(batch=1):
            list(ladder.climbed_rungs(conv, None))
    return list(found)


@contextmanager
def noted() -> Iterator[dict[Key, None]]:
    """Kernels that do nothing, meanwhile; the modules that they are asked of."""
    from minicnn.kernels.cuda import launch

    found: dict[Key, None] = {}
    real, functions, modules = launch._module, dict(launch._functions), dict(launch._modules)

    def note(place: Any, *key: Any) -> Nothing:  # noqa: ARG001 - as the real one is called
        found[key] = None
        return Nothing()

    launch._module = note  # type: ignore[assignment]
    launch._functions.clear()
    try:
        yield found
    finally:
        launch._module = real
        launch._functions.clear()
        launch._functions.update(functions)
        launch._modules.clear()
        launch._modules.update(modules)


def free() -> None:
    """Give back the GPU's memory, where there is one."""
    gc.collect()
    cupy = sys.modules.get("cupy")
    if cupy is not None:
        cupy.get_default_memory_pool().free_all_blocks()


def compile_rows(rows: Sequence[Any], workers: int, limit: float) -> int:
    """Compile what rows need, within `limit` seconds; returns how many troubles there were."""
    precisions = dict.fromkeys(row.precision for row in rows)
    return compile_found([{"collect": [row.as_dict() for row in rows if row.precision == p]} for p in precisions], workers, limit)


def compile_ladder(workers: int, limit: float) -> int:
    """Compile what the ladder of convolution needs."""
    return compile_found([{"ladder": "cupy"}], workers, limit)


def compile_found(searches: Sequence[dict[str, Any]], workers: int, limit: float) -> int:
    """A process for each search finds out which modules are needed; then each of many processes compiles every so-many-th."""
    start = time.perf_counter()

    def process(task: dict[str, Any]) -> tuple[list[Key], list[str]]:
        command = [sys.executable, str(Path(__file__).resolve()), json.dumps(task)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=max(1.0, limit - time.perf_counter() + start), check=False)
        except subprocess.TimeoutExpired:
            return [], [f"{str(task)[:200]}: not done after {limit:.0f} s"]
        keys = [as_key(json.loads(line.removeprefix(KEY))) for line in done.stdout.splitlines() if line.startswith(KEY)]
        said = [line for line in done.stdout.splitlines() if line and not line.startswith(KEY)]
        return keys, said + ([" ".join(done.stderr.split())[-500:]] if done.returncode else [])

    with ThreadPoolExecutor(workers) as pool:
        looked = list(pool.map(process, searches))
        keys = list(dict.fromkeys(key for found, _ in looked for key in found))
        seconds = time.perf_counter() - start
        compiled = list(pool.map(process, [{"compile": share} for k in range(workers) if (share := keys[k::workers])]))
    troubles = [line for _, lines in (*looked, *compiled) for line in lines]
    print(f"compiled {len(keys)} modules in {time.perf_counter() - start:.0f} s, {seconds:.0f} of them to find out which; {len(troubles)} troubles", *troubles, sep="\n", flush=True)
    return len(troubles)


def as_key(parts: list[Any]) -> Key:
    """A key as it was before it went through JSON."""
    return tuple(tuple(part) if isinstance(part, list) else part for part in parts)


def main(task: dict[str, Any]) -> None:
    """What a process does: a line for each module that rows, or the ladder, need; or a line for each module that cannot be compiled."""
    if "collect" in task:
        from minicnn.bench.gpu import GpuRow

        print("\n".join(KEY + json.dumps(key) for key in collect(list(map(GpuRow.from_dict, task["collect"])))), flush=True)
    elif "ladder" in task:
        print("\n".join(KEY + json.dumps(key) for key in collect_ladder(task["ladder"])), flush=True)
    else:
        _compile(task["compile"])


def _compile(share: list[Any]) -> None:
    import cupy

    from minicnn.kernels.cuda import launch

    for key in share:
        try:
            launch._module(cupy, *as_key(key)).compile()
        except Exception as error:  # noqa: BLE001
            print(f"{key}: {type(error).__name__}: {' '.join(str(error).split())[:600]}", flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    main(json.loads(sys.argv[1]))
