"""What `minicnn bench --backend cupy` does: rows on a GPU, and with --layers each convolution of a network."""

import argparse
import importlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minicnn.cli import OK
from minicnn.errors import ArgumentError

if TYPE_CHECKING:
    from minicnn.bench.gpu import GpuRow
    from minicnn.bench.workload import Workload

BATCH_SIZE = 64  # of a network that has no standard row
TAKEN_APART = "ResNet50"
QUICK_ROUNDS, QUICK_SECONDS = 3, 0.1


def wanted(args: argparse.Namespace) -> bool:
    """Whether the command is about a GPU.

    Raises:
        ArgumentError: it is, beside another backend; or it is not, and has an option that is for GPUs.
    """
    from minicnn.backend import CUPY, get_backend

    names = [get_backend().name] if args.backend is None else [name.strip() for name in args.backend.split(",")]
    if CUPY not in names:
        if args.precision or args.out:
            raise ArgumentError("bench: --precision and --out are for a GPU: add --backend cupy")
        return False
    if set(names) != {CUPY}:
        raise ArgumentError("bench: backend cupy is measured by itself, since time on a GPU is measured otherwise: leave out the other backends")
    if args.threads or args.no_memory:
        raise ArgumentError("bench: with backend cupy leave out --threads and --no-memory: processors do not count there, and memory costs no time")
    return True


def run(args: argparse.Namespace) -> int:
    """Measure, print each row when it is done, and write it to the file, if there is to be one."""
    if args.layers:
        return _convolutions(args)
    from minicnn.bench import gpu
    from minicnn.bench.gpu import report, session

    rows = _rows(args)
    table = gpu.Session(
        gpu.entrants(bool(args.against)),
        args.out,
        rounds=args.repeats or (QUICK_ROUNDS if args.quick else session.ROUNDS),
        seconds=QUICK_SECONDS if args.quick else session.SECONDS,
        on_row=lambda result: None if args.json else print(report.line(result.as_dict()), flush=True),
    )
    if not args.json:
        print("\n".join(report.head()), flush=True)
    found = table.run(rows)
    print(json.dumps(found) if args.json else "\n".join(["", *report.NOTES, report.machine_line(found["machine"])]))
    return OK


def _convolutions(args: argparse.Namespace) -> int:
    """The different convolutions of a network, beside cuDNN's and the limits of the GPU."""
    from minicnn.bench import Workload, gpu, rival
    from minicnn.bench.gpu import convs, peaks
    from minicnn.bench.gpu.device import CupyDevice, TorchDevice
    from minicnn.cuda import require_gpu

    require_gpu()
    cupy, torch = importlib.import_module("cupy"), rival.load()
    device = TorchDevice(torch)
    limits = peaks.measure(torch, device)
    found: dict[str, Any] = {"machine": gpu.machine(), "peaks": limits, "networks": []}
    for name in args.models or [TAKEN_APART]:
        workload = Workload.of(name, "train", input_shape=args.input, batch_size=args.batch_size or BATCH_SIZE)
        rows: list[convs.Timed] = []
        found["networks"].append({"workload": workload.label, "passes": []})
        for timed in convs.measure(convs.convolutions(workload), _precisions(args), (cupy, CupyDevice(cupy)), (torch, device)):
            rows += timed
            found["networks"][-1]["passes"] += [one.as_dict(limits) for one in timed]
            write(found, args.out)
        if not args.json:
            print("\n".join([workload.label, "", *convs.table(rows, limits), ""]), flush=True)
    print(json.dumps(found) if args.json else peaks.line(limits))
    return OK


def write(found: dict[str, Any], path: Path | None) -> None:
    """What is known so far, as a file."""
    if path is not None:
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _precisions(args: argparse.Namespace) -> tuple[str, ...]:
    from minicnn.bench.gpu import PRECISIONS
    from minicnn.checks import choice

    given = [name.strip() for name in args.precision.split(",")] if args.precision else list(PRECISIONS)
    return tuple(dict.fromkeys(choice(name, "bench: precision", PRECISIONS) for name in given))


def _rows(args: argparse.Namespace) -> "list[GpuRow]":
    """The standard rows, or those of the networks that were named."""
    from minicnn.bench.gpu.rows import WORKLOADS, in_precisions
    from minicnn.bench.workload import MODES, smaller

    modes = MODES if args.mode == "both" else (args.mode,)
    if args.input and not args.models:
        raise ArgumentError("bench: --input says how large the images of a network are: name the network too, as in minicnn bench ResNet18 --input 3x64x64")
    workloads = [row for name in args.models for mode in modes for row in _named(args, name, mode)]
    workloads = workloads or [row for row in WORKLOADS if row.mode in modes]
    if args.batch_size:
        workloads = [replace(row, batch_size=args.batch_size) for row in workloads]
    elif args.quick:
        workloads = [smaller(row) for row in workloads]
    return in_precisions(list(dict.fromkeys(workloads)), _precisions(args))


def _named(args: argparse.Namespace, name: str, mode: str) -> "Sequence[Workload]":
    """The standard rows of a network, or one with a batch of its own."""
    from minicnn.bench import Workload
    from minicnn.bench.gpu.rows import WORKLOADS

    row = Workload.of(name, mode, input_shape=args.input, batch_size=BATCH_SIZE)
    return [w for w in WORKLOADS if (w.model, w.mode, w.input) == (row.model, row.mode, row.input)] or [row]
