"""`minicnn summary MODEL`: its layers, their shapes, parameters and multiply-adds."""

import argparse
import json
from typing import Any

from minicnn.cli import OK


def add_parser(subparsers: Any) -> None:
    """Enter the command's options."""
    parser = subparsers.add_parser("summary", help="list a network's layers with shapes, parameters and multiply-adds", description=__doc__)
    parser.add_argument("model", metavar="MODEL", help="name of a network, such as LeNet5")
    parser.add_argument("--input", type=_shape, metavar="CxHxW", default=(1, 32, 32), help="shape of one image (default: 1x32x32)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the table."""
    from minicnn import models
    from minicnn.analysis import summarize

    summary = summarize(models.create(args.model), args.input)
    if args.json:
        print(json.dumps(summary.as_dict()))
        return OK
    rows = [("path", "layer", "output", "parameters", "multiply-adds")]
    for layer in summary.layers:
        rows.append((layer.path, layer.kind, _by(layer.output[1:]), f"{layer.parameters:,}", f"{layer.multiply_adds:,}"))
    rows.append(("total", "", "", f"{summary.parameters:,}", f"{summary.multiply_adds:,}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    print(f"{summary.model}, for one image of {_by(summary.input[1:])}\n")
    for i, row in enumerate(rows):
        if i in (1, len(rows) - 1):
            print("-" * (sum(widths) + 2 * len(widths) - 2))
        left = [text.ljust(width) for text, width in zip(row[:2], widths, strict=False)]
        print("  ".join(left + [text.rjust(width) for text, width in zip(row[2:], widths[2:], strict=True)]))
    return OK


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _shape(text: str) -> tuple[int, ...]:
    sizes = text.lower().split("x")
    if len(sizes) != 3 or not all(size.isdecimal() and int(size) > 0 for size in sizes):
        raise argparse.ArgumentTypeError(f"must be CxHxW such as 3x224x224, not {text!r}")
    return tuple(map(int, sizes))
