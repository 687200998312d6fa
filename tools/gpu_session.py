"""What is done on a machine with a GPU: `python tools/gpu_session.py STEP ...` from the checkout, which need not be installed.

    environment   GPU, driver, clocks, versions
    correctness   every kernel of the backend cupy against its definition and against measured slopes
    networks      whole networks on the GPU and on the CPU: losses, gradients, running statistics; recorded steps and called ones
    transfers     tensors, networks and batches on their way to the GPU; training in float16; the same training twice
    compile       what the rows of the benchmark need, side by side; done before each of the steps below, too
    convs         each convolution of ResNet-50 beside cuDNN's and the limits of the GPU
    bench         the rows of the benchmark, minicnn and PyTorch
    memory        the same, hardly timed: what the allocators hold, and whether both compute the same
    ladder        the rungs of the ladder of convolution: `minicnn bench --ladder`

Each step writes what it finds into the folder that --out names, as it goes. A step that fails does not stop the next one.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import gpu_bench
import gpu_compile
import gpu_correctness
import gpu_networks
import gpu_transfers

if TYPE_CHECKING:
    from minicnn.bench.gpu import GpuRow

Step = Callable[[argparse.Namespace], int]


def main() -> int:
    """Do the steps in order; the code is 1 if one of them found something wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("steps", nargs="+", choices=STEPS, metavar="STEP", help=", ".join(STEPS))
    parser.add_argument("--out", type=Path, default=Path("gpu"), help="folder for what is found (default: gpu)")
    parser.add_argument("--limit", type=float, default=480, metavar="S", help="seconds for all steps together (default: 480)")
    parser.add_argument("--backend", default="cupy", help="backend that is checked (default: cupy)")
    parser.add_argument("--ops", default="", metavar="A,B", help="operations to check (default: all)")
    parser.add_argument("--checks", default="values,large,sixteen,tf32,captured,gradients", metavar="A,B", help="which checks (default: all)")
    parser.add_argument("--workers", type=int, default=12, help="processes at once (default: 12)")
    parser.add_argument("--models", default="", metavar="A,B", help="networks of the benchmark (default: all of the standard rows; of convs: ResNet50)")
    parser.add_argument("--mode", default="train,inference", metavar="A,B", help="train, inference (default: both)")
    parser.add_argument("--batch", default="", metavar="N,M", help="batch sizes (default: those of the standard rows; of convs: 64)")
    parser.add_argument("--precision", default="fp32,tf32,bf16", metavar="A,B", help="fp32, tf32, bf16 (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of a final (default: 5)")
    parser.add_argument("--seconds", type=float, default=0.2, help="time of a block (default: 0.2)")
    parser.add_argument("--row-limit", type=float, default=120, metavar="S", help="seconds for one row (default: 120)")
    parser.add_argument("--layouts", default="contiguous,channels-last", metavar="A,B", help="memory layouts of PyTorch (default: both)")
    parser.add_argument("--alone", action="store_true", help="without PyTorch")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    args.compiled = set()  # rows
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
    ops, checks = _words(args.ops), _words(args.checks)
    return gpu_correctness.run(ops, checks, args.backend, args.out, workers=args.workers, limit=left, each=min(left, 240))


def networks(args: argparse.Namespace) -> int:
    """See `gpu_networks`."""
    return gpu_networks.run(args.backend, args.out, workers=args.workers, limit=args.deadline - time.perf_counter())


def rows(args: argparse.Namespace) -> "list[GpuRow]":
    """The standard rows that the options leave."""
    from minicnn.bench.gpu import STANDARD

    models, modes, batches, precisions = (_words(text) for text in (args.models, args.mode, args.batch, args.precision))
    return [
        row for row in STANDARD
        if row.workload.mode in modes and row.precision in precisions
        and (not models or row.workload.model in models) and (not batches or str(row.workload.batch_size) in batches)
    ]  # fmt: skip


def compile_modules(args: argparse.Namespace) -> int:
    """See `gpu_compile`."""
    return _compile(args, rows(args))


def bench(args: argparse.Namespace) -> int:
    """See `gpu_bench`."""
    return _bench(args, "bench.json", {"rounds": args.rounds, "seconds": args.seconds})


def memory(args: argparse.Namespace) -> int:
    """Short blocks, one round."""
    return _bench(args, "memory.json", {"rounds": 1, "seconds": 0.0})


def _bench(args: argparse.Namespace, name: str, settings: dict[str, Any]) -> int:
    _compile_once(args, rows(args))
    wanted = [row.as_dict() for row in rows(args)]
    found = gpu_bench.Parent(wanted, settings, args.out / name, args.deadline, args.row_limit, against_torch=not args.alone, layouts=_words(args.layouts)).run()
    return sum(bool(row["error"] or any(heat["error"] for heat in row["heats"])) for row in found["rows"]) + len(wanted) - len(found["rows"])


def _compile(args: argparse.Namespace, wanted: "Sequence[GpuRow]") -> int:
    args.compiled |= set(wanted)
    return gpu_compile.compile_rows(wanted, args.workers, max(10.0, min(200.0, args.deadline - time.perf_counter())))


def _compile_once(args: argparse.Namespace, wanted: "Sequence[GpuRow]") -> None:
    left = [row for row in wanted if row not in args.compiled]
    if left:
        try:
            _compile(args, left)
        except Exception as error:  # noqa: BLE001 - then everything is compiled when it is needed
            print(f"compile failed: {type(error).__name__}: {error}", flush=True)


def convs(args: argparse.Namespace) -> int:
    """Runs `minicnn bench --layers`, and prints the table of what is there when the time is over."""
    from minicnn.bench.gpu import convs as table
    from minicnn.bench.gpu.peaks import line
    from minicnn.bench.gpu.rows import in_precisions
    from minicnn.bench.workload import Workload

    models, batch = _words(args.models) or ["ResNet50"], (_words(args.batch) or ["64"])[0]
    workloads = [Workload.of(model, "train", batch_size=int(batch)) for model in models]
    _compile_once(args, in_precisions(workloads, _words(args.precision)))
    path, left = args.out / "convs.json", args.deadline - time.perf_counter()
    options = ["--precision", args.precision, "--batch-size", batch, "--out", str(path)]
    command = [sys.executable, "-m", "minicnn", "bench", *models, "--layers", "--backend", "cupy", "--json", *options]
    complaints = Path(tempfile.mkdtemp()) / "convs.err"
    with complaints.open("w") as err:
        try:
            code = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=err, timeout=left, check=False, env=gpu_correctness.environment()).returncode
        except subprocess.TimeoutExpired:
            code = -1
    if code:
        print(f"convs: ended with {code}: {gpu_correctness.tail(complaints)}", flush=True)
    if not path.exists():
        return 1
    found = json.loads(path.read_text())
    for network in found["networks"]:
        passes = [table.Timed.from_dict(one) for one in network["passes"]]
        lines = [network["workload"], *table.table(passes, found["peaks"])]
        (args.out / "convs.txt").write_text("\n".join(lines) + "\n")
        print("\n".join(lines), flush=True)
    print(line(found["peaks"]), flush=True)
    return code


def ladder(args: argparse.Namespace) -> int:
    """Runs `minicnn bench --ladder`, and prints its tables; 1 if a rung computes something else than the first, or was not reached in time."""
    try:
        gpu_compile.compile_ladder(args.workers, max(10.0, min(60.0, args.deadline - time.perf_counter())))
    except Exception as error:  # noqa: BLE001 - then everything is compiled when it is needed
        print(f"compile failed: {type(error).__name__}: {error}", flush=True)
    command = [sys.executable, "-m", "minicnn", "bench", "--ladder", "--backend", args.backend, "--out", str(args.out / "ladder.json")]
    left = max(1.0, args.deadline - time.perf_counter())
    try:
        return subprocess.run(command, timeout=left, check=False, env=gpu_correctness.environment()).returncode
    except subprocess.TimeoutExpired:
        print(f"ladder: stopped after {left:.0f} s", flush=True)
        return 1


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


STEPS: dict[str, Step] = {
    "environment": environment, "correctness": correctness, "networks": networks, "transfers": gpu_transfers.run, "compile": compile_modules,
    "convs": convs, "bench": bench, "memory": memory, "ladder": ladder,
}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
