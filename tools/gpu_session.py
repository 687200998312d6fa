"""What is done on a machine with a GPU: `python tools/gpu_session.py STEP ...` from the checkout, which need not be installed.

    environment   GPU, driver, clocks, versions
    correctness   every kernel of the backend cupy against its definition and against measured slopes

Each step writes what it finds into the folder $OUT, or what --out says, as it goes. A step that fails does not stop the next one.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import gpu_correctness

Step = Callable[[argparse.Namespace], int]


def main() -> int:
    """Do the steps in order; the code is 1 if one of them found something wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("steps", nargs="+", choices=STEPS, metavar="STEP", help=", ".join(STEPS))
    parser.add_argument("--out", type=Path, default=Path(os.environ.get("OUT", "gpu")), help="folder for what is found (default: $OUT, else gpu)")
    parser.add_argument("--limit", type=float, default=480, metavar="S", help="seconds for all steps together (default: 480)")
    parser.add_argument("--backend", default="cupy", help="backend that is checked (default: cupy)")
    parser.add_argument("--ops", default="", metavar="A,B", help="operations to check (default: all)")
    parser.add_argument("--checks", default="values,large,sixteen,tf32,captured,gradients", metavar="A,B", help="which checks (default: all)")
    parser.add_argument("--workers", type=int, default=12, help="processes at once (default: 12)")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    args.deadline = time.perf_counter() + args.limit
    failed = 0
    for name in args.steps:
        start = time.perf_counter()
        print(f"== {name}", flush=True)
        try:
            failed += bool(STEPS[name](args))
        except Exception as error:  # noqa: BLE001 - the next step is done all the same
            print(f"{name} failed: {type(error).__name__}: {error}", flush=True)
            failed += 1
        print(f"== {name}: {time.perf_counter() - start:.0f} s", flush=True)
    return int(failed > 0)


def environment(args: argparse.Namespace) -> int:
    """What the figures depend on."""
    found = {"gpu": _nvidia_smi(), "nvcc": _output("nvcc", "--version")[-1:], "versions": _output(sys.executable, "-c", VERSIONS)}
    (args.out / "environment.json").write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1), flush=True)
    return 0


VERSIONS = """
import platform, sys
print("python", platform.python_version())
for name in ("numpy", "cupy", "torch", "triton", "numba", "ml_dtypes"):
    try:
        print(name, __import__(name).__version__)
    except Exception as error:
        print(name, type(error).__name__, error)
import cupy
print("CUDA driver", cupy.cuda.runtime.driverGetVersion(), "runtime", cupy.cuda.runtime.runtimeGetVersion(), "NVRTC", cupy.cuda.nvrtc.getVersion())
import torch
print("torch CUDA", torch.version.cuda, "cuDNN", torch.backends.cudnn.version())
"""


def _nvidia_smi() -> list[str]:
    fields = "name,driver_version,memory.total,memory.used,clocks.sm,clocks.mem,clocks.max.sm,clocks.max.mem,power.limit,temperature.gpu"
    return _output("nvidia-smi", f"--query-gpu={fields}", "--format=csv")


def _output(*command: str) -> list[str]:
    """Lines that a command prints; why not, if it does not."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return [f"{type(error).__name__}: {error}"]
    return (done.stdout + done.stderr).strip().splitlines()


def correctness(args: argparse.Namespace) -> int:
    """See `gpu_correctness`."""
    left = args.deadline - time.perf_counter()
    ops, checks = (tuple(filter(None, text.split(","))) for text in (args.ops, args.checks))
    return gpu_correctness.run(ops, checks, args.backend, args.out, workers=args.workers, limit=left, each=min(left, 240))


STEPS: dict[str, Step] = {"environment": environment, "correctness": correctness}


if __name__ == "__main__":
    sys.exit(main())
