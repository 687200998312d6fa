"""`minicnn experiment NAME`: try out a claim of the lecture, with a table, a picture, and a verdict for each sentence."""

import argparse
from pathlib import Path
from typing import Any

from minicnn.cli import FAILED, OK
from minicnn.cli.options import add_backend, not_negative, use_backend
from minicnn.experiments.experiment import EXPERIMENTS


def add_parser(subparsers: Any) -> None:
    """Enter the command's options."""
    parser = subparsers.add_parser("experiment", help="try out a claim of the lecture; without a name: list them", description=__doc__)
    parser.add_argument("name", nargs="?", metavar="NAME", help=", ".join(EXPERIMENTS))
    parser.add_argument("--full", action="store_true", help="at the scale of the paper: hours, on a GPU")
    parser.add_argument("--seed", type=not_negative, default=0, metavar="N", help="of everything that is drawn (default: 0)")
    parser.add_argument("--dataset", metavar="NAME", help="other images than the experiment's own: cifar10, or a folder with train and test in it")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for picture and figures (default: runs/experiments)")
    add_backend(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run it, and print what came out; the exit code is 1 if a sentence does not hold."""
    from rich.console import Console
    from rich.table import Table

    from minicnn.experiments import Settings, run_experiment

    if args.name is None:
        for name, claim in EXPERIMENTS.items():
            print(f"{name:<16} {claim}")
        return OK
    use_backend(args)
    out = args.out or Path("runs/experiments")
    console = Console(highlight=False)
    report = run_experiment(args.name, Settings(out, args.full, args.seed, args.dataset, lambda line: print(line, flush=True)))
    table = Table(*report.columns)
    for row in report.rows:
        table.add_row(*map(str, row))
    console.print(table)
    for finding in report.findings:
        print(f"{finding.verdict.upper() if finding.holds is False else finding.verdict}: {finding.sentence}")
    print(f"The figures are in {out / args.name}.json" + (f", the picture is {out / args.name}.png" if (out / f"{args.name}.png").exists() else ""))
    return OK if report.holds else FAILED
