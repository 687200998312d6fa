"""`minicnn bench [MODEL...]`: images per second and peak memory here, and, with --against torch, beside PyTorch in the same run."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minicnn.cli import OK
from minicnn.cli.options import positive
from minicnn.cli.summary import image_shape
from minicnn.errors import ArgumentError

if TYPE_CHECKING:
    from minicnn.bench import Contender, Workload

QUICK_ROUNDS, QUICK_SECONDS = 3, 0.1


def add_parser(subparsers: Any) -> None:
    """Enter the command's options."""
    parser = subparsers.add_parser("bench", help="measure images per second and peak memory, alone or against PyTorch", description=__doc__)
    parser.add_argument("models", nargs="*", metavar="MODEL", help="networks (default: a standard choice of networks, batches and modes)")
    parser.add_argument("--mode", choices=("train", "inference", "both"), default="both", help="training steps, forward passes, or both (default)")
    parser.add_argument("--batch-size", type=positive, metavar="N", help="images per step (default: that of the standard choice, else 16)")
    parser.add_argument("--input", type=image_shape, metavar="CxHxW", help="shape of one image (default: the network's own)")
    parser.add_argument("--backend", metavar="A,B", help="backends of minicnn to measure, separated by commas (default: numba)")
    parser.add_argument("--threads", type=positive, metavar="N", help="threads for everybody (default: all processors)")
    parser.add_argument("--against", choices=("torch",), help="measure the same network in PyTorch, in turns with minicnn, and print the ratio")
    parser.add_argument("--repeats", type=positive, metavar="N", help=f"rounds, of which the median is taken (default: 5; with --quick {QUICK_ROUNDS})")
    parser.add_argument("--quick", action="store_true", help="a first look: fewer and shorter rounds, an eighth of the batch")
    parser.add_argument("--no-memory", action="store_true", help="do not measure memory, which takes a process for each figure")
    parser.add_argument("--layers", action="store_true", help="take a step apart instead: each operation beside the limits of this machine")
    parser.add_argument("--ladder", action="store_true", help="with a CUDA backend: the rungs of the ladder of convolution instead, see docs/conv_ladder.md")
    parser.add_argument("--precision", metavar="A,B", help="with backend cupy: fp32, tf32, bf16, or several (default: all)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="with backend cupy: a file for the JSON, written after each row")
    parser.add_argument("--json", action="store_true", help="print everything as one JSON object instead of a table")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure, print each row when it is done."""
    from minicnn.cli import bench_gpu, bench_ladder

    if args.ladder:
        return bench_ladder.run(args)
    return bench_gpu.run(args) if bench_gpu.wanted(args) else _run_on_processors(args)


def _run_on_processors(args: argparse.Namespace) -> int:
    from minicnn import bench
    from minicnn.backend import CUDASIM
    from minicnn.bench import turns
    from minicnn.bench.report import Table

    if args.layers and (args.against or args.repeats or args.no_memory):
        raise ArgumentError("bench: --layers takes minicnn's own steps apart: leave out --against, --repeats and --no-memory")
    contenders, workloads = _contenders(args), _workloads(args)
    if CUDASIM in (contender.name for contender in contenders):
        print(f"The backend {CUDASIM} simulates a GPU: its times are those of the simulator, and say nothing about a GPU's.", file=sys.stderr, flush=True)
    if args.layers:
        return _layers(args, workloads, [contender.name for contender in contenders])
    own = [contender.name for contender in contenders if not contender.is_rival]
    table = Table(workloads, [contender.name for contender in contenders], own, not args.no_memory)
    if not args.json:
        print(table.head, flush=True)
    report = bench.run(
        workloads,
        contenders,
        rounds=args.repeats or (QUICK_ROUNDS if args.quick else turns.ROUNDS),
        seconds=QUICK_SECONDS if args.quick else turns.SECONDS,
        threads=args.threads,
        memory=not args.no_memory,
        on_row=lambda row: None if args.json else print(table.line(row), flush=True),
    )
    print(json.dumps(report.as_dict()) if args.json else "\n" + "\n".join(table.notes(report)))
    return OK


def _layers(args: argparse.Namespace, workloads: "list[Workload]", backends: Sequence[str]) -> int:
    """One table for each workload and backend."""
    from minicnn.backend import set_num_threads
    from minicnn.bench import layers, session
    from minicnn.bench.report import machine_line

    if args.threads is not None:
        set_num_threads(args.threads)
    limits, found = layers.measure_limits(), []
    machine = session.machine(session.processors_used())
    for workload in workloads:
        for backend in backends:
            rows, between = layers.parts(workload, backend)
            found.append({"backend": backend} | layers.as_dict(workload, rows, between, limits))
            if not args.json:
                print(f"{workload.label}, backend {backend}\n\n" + "\n".join(layers.table(rows, between, limits)) + "\n", flush=True)
    print(json.dumps({"machine": machine, "layers": found}) if args.json else f"{layers.limits_line(limits)}\n{machine_line(machine)}")
    return OK


def _contenders(args: argparse.Namespace) -> "list[Contender]":
    from minicnn.bench import minicnn_contender, torch_contenders

    names = [None] if args.backend is None else list(dict.fromkeys(name.strip() for name in args.backend.split(",")))
    rivals = torch_contenders() if args.against else ()
    return [*(minicnn_contender(name) for name in names), *rivals]


def _workloads(args: argparse.Namespace) -> "list[Workload]":
    """The standard rows, or those of the networks that were named."""
    from minicnn.bench import STANDARD, Workload
    from minicnn.bench.workload import MODES, smaller

    modes = MODES if args.mode == "both" else (args.mode,)
    if args.input and not args.models:
        raise ArgumentError("bench: --input says how large the images of a network are: name the network too, as in minicnn bench ResNet18 --input 3x64x64")
    named = [(model, mode, args.input) for model in args.models for mode in modes]
    named = named or [(row.model, row.mode, row.input) for row in STANDARD if row.mode in modes]
    rows = [Workload.of(model, mode, input_shape=shape, batch_size=args.batch_size) for model, mode, shape in named]
    return [smaller(row) for row in rows] if args.quick and args.batch_size is None else rows
