"""`minicnn compare [NAME...]`: what networks cost, what error they reach, and, with --time, how long they take here."""

import argparse
from pathlib import Path
from typing import Any

from minicnn.cli import OK
from minicnn.cli.options import add_backend, picture_file, use_backend
from minicnn.errors import ArgumentError


def add_parser(subparsers: Any) -> None:
    """Enter the command's options."""
    parser = subparsers.add_parser("compare", help="networks side by side: parameters, operations, memory, error, time", description=__doc__)
    parser.add_argument("models", nargs="*", metavar="NAME", help="networks (default: all with a published error on ImageNet)")
    parser.add_argument("--time", action="store_true", help="measure the time of one image in each network")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the table as comma-separated values")
    parser.add_argument("--picture", type=picture_file, metavar="FILE", help="draw error against operations, memory and time: .png, .svg or .pdf")
    parser.add_argument("--history", action="store_true", help="show the winners of the ImageNet challenge and the cost of training instead")
    add_backend(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the table, write the files."""
    from minicnn.analysis.compare import as_csv, compare, picture

    if args.history:
        print(_history())
        return OK
    if not args.time and (args.backend or args.threads):
        raise ArgumentError("compare: --backend and --threads say how the time is measured: add --time")
    backend = use_backend(args) if args.time else ""
    entries = sorted(compare(args.models, timed=args.time), key=lambda entry: entry.macs)
    rows = [("network", "year", "input", "parameters", "multiply-adds", "memory", "top-1 error", "top-5 error", "time")]
    for e in entries:
        rows.append((
            e.name, str(e.year or ""), e.input, f"{e.parameters:,}", f"{e.macs:,}", f"{e.memory / 1e6:,.1f} MB",
            "" if e.top1 is None else f"{e.top1:.2f} %", "" if e.top5 is None else f"{e.top5:.2f} %",
            "" if e.milliseconds is None else f"{e.milliseconds:,.1f} ms",
        ))  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(text.ljust(w) if i == 0 else text.rjust(w) for i, (text, w) in enumerate(zip(row, widths, strict=True))).rstrip())
    print("\nmemory: weights and outputs of convolutions, linear layers and poolings for one image, in float32; errors as published on ImageNet (--csv lists the sources)")
    if args.time:
        print(f"time: one image, median of 3, backend {backend}, random weights")
    if args.csv is not None:
        try:
            args.csv.write_text(as_csv(entries), encoding="utf-8")
        except OSError as error:
            raise ArgumentError(f"compare: {args.csv} cannot be written: {error.strerror or error}") from None
        print(f"table: {args.csv}")
    if args.picture is not None:
        print(f"picture: {picture(entries, args.picture)}")
    return OK


def _history() -> str:
    from minicnn.analysis.published import HUMAN_TOP5, TRAINING_COST, WINNERS

    lines = ["Winners of the ImageNet challenge (classification)", "", f"{'year':<6}{'entry':<44}{'layers':>6}  {'top-5 error':>11}"]
    lines += [f"{w.year:<6}{w.entry:<44}{w.layers or '-':>6}  {w.top5:>9.2f} %" for w in WINNERS]
    lines += [f"{'':6}{'a trained person':<44}{'':>6}  {HUMAN_TOP5:>9.2f} %", ""]
    lines += ["Computation to train a network to AlexNet's accuracy (79.1 % top-5)", "", f"{'date':<12}{'network':<18}{'teraflop/s-days':>16}  less by"]
    lines += [f"{c.date:<12}{c.network:<18}{c.teraflops_days:>16g}  {c.factor:g} x" for c in TRAINING_COST]
    return "\n".join(lines)
