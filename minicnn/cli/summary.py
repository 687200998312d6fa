"""`minicnn summary MODEL`, or of the network of a run: its layers, their shapes, parameters, memory and multiply-adds. Nothing is computed but shapes."""

import argparse
import json
from pathlib import Path
from typing import Any

from minicnn.cli import OK
from minicnn.cli.options import load_run
from minicnn.errors import ArgumentError
from minicnn.nn import Module
from minicnn.train.run_folder import SAMPLES


def add_parser(subparsers: Any) -> None:
    """Enter the command's options."""
    parser = subparsers.add_parser("summary", help="list a network's layers with shapes, parameters and multiply-adds", description=__doc__)
    parser.add_argument("model", nargs="?", metavar="MODEL", help="name of a network, such as ResNet18, or the folder of a run (without: list all names)")
    parser.add_argument("--input", type=image_shape, metavar="CxHxW", help="shape of one image (default: the network's own)")
    parser.add_argument("--stages", action="store_true", help="a line for each stage instead of each layer")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the table."""
    from minicnn import models
    from minicnn.analysis import stages, summarize

    if args.model is None:
        print("\n".join(models.list_models()))
        return OK
    name, model, image = _network(args.model)
    image = args.input or image
    if args.stages and not args.json:
        print("\n".join(stages.table(model, image)))
        return OK
    summary = summarize(model, image)
    if args.json:
        print(json.dumps(summary.as_dict() | {"model": name, "stages": [vars(stage) for stage in stages.stages(model, image)]}))
        return OK
    rows = [("path", "layer", "output", "parameters", "memory", "multiply-adds")]
    for layer in summary.layers:
        rows.append(
            (layer.path, layer.kind, stages.by(layer.output[1:]), f"{layer.parameters:,}", f"{layer.elements:,}", f"{layer.macs:,}")
        )
    elements = sum(layer.elements for layer in summary.layers)
    rows.append(("total", "", "", f"{summary.parameters:,}", f"{elements:,}", f"{summary.macs:,}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    print(f"{name}, for one image of {stages.by(summary.input[1:])}; memory in numbers (float32: 4 bytes each)\n")
    for i, row in enumerate(rows):
        if i in (1, len(rows) - 1):
            print("-" * (sum(widths) + 2 * len(widths) - 2))
        left = [text.ljust(width) for text, width in zip(row[:2], widths, strict=False)]
        print("  ".join(left + [text.rjust(width) for text, width in zip(row[2:], widths[2:], strict=True)]))
    print(
        f"\nbuffers {summary.buffers:,}; activations {summary.activations:,} (outputs of convolutions, linear layers and poolings)\n"
        f"weights {_megabytes(4 * summary.parameters)}; outputs {_megabytes(summary.forward_bytes)} an image, "
        f"with their gradients, in training, {_megabytes(summary.training_bytes)}"
    )
    return OK


def _network(of: str) -> tuple[str, Module, tuple[int, ...] | None]:
    """Name, network and shape of an image, None for the network's own: of a network's name, or as a run had them."""
    from minicnn import models
    from minicnn.backend import META, use_backend
    from minicnn.models.from_string import is_string
    from minicnn.train.remembered import remembered

    if not is_string(of) and (Path(of).is_dir() or of.endswith(".safetensors")):
        if (Path(of) / SAMPLES).is_file():
            raise ArgumentError(f"{of} holds a search, with a network in each line of {SAMPLES}: give the string of one, as in minicnn summary 'chain 3x3x24'")
        model, contents = load_run(Path(of))
        return contents["network"]["name"], model, remembered(contents).shape
    name = models.registry.model_name(of)
    with use_backend(META):  # weights without memory
        return name, models.create(of), None


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def image_shape(text: str) -> tuple[int, ...]:
    """CxHxW, such as 3x224x224."""
    sizes = text.lower().split("x")
    if len(sizes) != 3 or not all(size.isdecimal() and int(size) > 0 for size in sizes):
        raise argparse.ArgumentTypeError(f"must be CxHxW such as 3x224x224, not {text!r}")
    return tuple(map(int, sizes))
