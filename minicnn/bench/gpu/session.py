"""Many rows on a GPU, one after the other, and what their figures depend on."""

import importlib
import json
import platform
import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from minicnn._version import __version__
from minicnn.bench import rival as cpu_rival
from minicnn.bench.gpu import own, rival
from minicnn.bench.gpu.contest import Heat, Result, contest
from minicnn.bench.gpu.device import CupyDevice, TorchDevice
from minicnn.bench.gpu.entrant import Entrant
from minicnn.bench.gpu.rows import GpuRow
from minicnn.bench.session import processor
from minicnn.cuda import require_gpu
from minicnn.errors import BackendError, MinicnnError

ROUNDS, SECONDS, PAUSE = 5, 0.25, 0.05
SMI = "driver_version,memory.total,clocks.sm,clocks.mem,clocks.max.sm,clocks.max.mem,power.draw,power.limit,temperature.gpu"


def entrants(against_torch: bool, layouts: Sequence[str] = rival.LAYOUTS) -> list[Entrant]:
    """Everybody who can take part here; PyTorch in these memory layouts (to search for the fastest algorithms takes it many seconds in each).

    Raises:
        BackendError: CuPy finds no GPU, or PyTorch finds none.
        ArgumentError: PyTorch is not installed.
    """
    require_gpu()
    found = list(own.entrants(CupyDevice(importlib.import_module("cupy"))))
    if against_torch:
        torch = cpu_rival.load()
        if not torch.cuda.is_available():
            raise BackendError("bench: this PyTorch finds no GPU to compare on: python -c 'import torch; print(torch.version.cuda)' shows whether it is one for CUDA")
        found += rival.entrants(torch, TorchDevice(torch), layouts=layouts)
    return found


class Session:
    """Measures rows and writes all that is known after each.

    Args:
        entrants: who takes part.
        path: file for the JSON, or None.
        rounds, seconds, pause: see `turns.take_turns`.
        on_heat, on_row: called with what has just been done.

    Attributes:
        found: everything, as it goes into JSON.
    """

    def __init__(
        self,
        entrants: Sequence[Entrant],
        path: Path | None = None,
        *,
        rounds: int = ROUNDS,
        seconds: float = SECONDS,
        pause: float = PAUSE,
        on_heat: Callable[[GpuRow, Heat], object] = lambda row, heat: None,  # noqa: ARG005 - the names are the documentation
        on_row: Callable[[Result], object] = lambda result: None,  # noqa: ARG005
        about: dict[str, Any] | None = None,
        alive: Callable[[], object] | None = None,
        free: Callable[[], int] | None = None,
    ) -> None:
        self._entrants, self._path = list(entrants), path
        self._settings: dict[str, Any] = {"rounds": rounds, "seconds": seconds, "pause": pause}
        self._on_heat, self._on_row = on_heat, on_row
        self._alive, self._free = alive or check_alive, free or free_memory
        self.found: dict[str, Any] = {"machine": machine() if about is None else about, "settings": self._settings, "rows": []}

    def run(self, rows: Sequence[GpuRow]) -> dict[str, Any]:
        """Measure the rows in order.

        Raises:
            BackendError: an error has made the GPU unusable for this process; what was done before is written.
        """
        for row in rows:
            done: list[Heat] = []

            def note(heat: Heat, row: GpuRow = row, done: list[Heat] = done) -> None:
                done.append(heat)
                self._on_heat(row, heat)

            try:
                result = contest(row, self._entrants, **self._settings, on_heat=note, alive=self._alive, free=self._free)
            except BackendError as error:
                self._enter(Result(row, done, [], error=str(error)))
                raise
            except MinicnnError as error:  # the network cannot take such images, say
                result = Result(row, done, [], error=str(error))
            self._enter(result)
        return self.found

    def _enter(self, result: Result) -> None:
        self.found["rows"].append(result.as_dict())
        if self._path is not None:
            self._path.write_text(json.dumps(self.found, indent=1) + "\n", encoding="utf-8")
        self._on_row(result)


def check_alive() -> None:
    """Compute something small with CuPy.

    Raises:
        BackendError: that fails: an access to foreign memory spoils the GPU for the whole process.
    """
    cupy = importlib.import_module("cupy")
    try:
        works = float(cupy.arange(4, dtype=cupy.float32).sum()) == 6
    except Exception as error:
        raise BackendError(f"bench: after the last error nothing works on the GPU any more in this process ({error})") from error
    if not works:
        raise BackendError("bench: after the last error the GPU gives wrong results in this process")


def free_memory() -> int:
    """Bytes of the GPU that nobody holds."""
    return int(importlib.import_module("cupy").cuda.runtime.memGetInfo()[0])


def machine() -> dict[str, Any]:
    """The GPU, its driver and clocks, and versions of all that computes; what cannot be found out is left out."""
    found: dict[str, Any] = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": processor(),
        "python": platform.python_version(),
        "minicnn": __version__,
    }
    for part in (_of_cupy, _of_torch, nvidia_smi):
        try:
            found |= part()
        except Exception as error:  # noqa: BLE001 - figures are worth having without it
            found.setdefault("not_found_out", []).append(f"{part.__name__.strip('_')}: {type(error).__name__}: {error}"[:200])
    return found


def _of_cupy() -> dict[str, Any]:
    cupy = importlib.import_module("cupy")
    properties, runtime = cupy.cuda.runtime.getDeviceProperties(0), cupy.cuda.runtime
    return {
        "gpu": properties["name"].decode(),
        "multiprocessors": properties["multiProcessorCount"],
        "memory": properties["totalGlobalMem"],
        "cupy": cupy.__version__,
        "cuda_driver": runtime.driverGetVersion(),
        "cuda_runtime_of_cupy": runtime.runtimeGetVersion(),
        "nvrtc": ".".join(map(str, cupy.cuda.nvrtc.getVersion())),
    }


def _of_torch() -> dict[str, Any]:
    torch = cpu_rival.load()
    return {"torch": torch.__version__, "cuda_of_torch": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}


def nvidia_smi() -> dict[str, Any]:
    """Driver, clocks and power as they are now."""
    done = subprocess.run(["nvidia-smi", f"--query-gpu={SMI}", "--format=csv,noheader"], capture_output=True, text=True, timeout=20, check=True)
    return {"nvidia_smi": dict(zip(SMI.split(","), map(str.strip, done.stdout.splitlines()[0].split(",")), strict=True))}
