"""`minicnn draw MODEL`: a picture of a network as SVG, its stages from top to bottom and each kind of block opened up.

Of a string such as "cells sep3:0+id:1 / max3:0+max3:1", the two cells; with --input, --depth or --block, the network that is stacked of them.
"""

import argparse
from pathlib import Path
from typing import Any

from minicnn.cli import OK
from minicnn.cli.summary import image_shape


def add_parser(subparsers: Any) -> None:
    """Enter the command's options."""
    parser = subparsers.add_parser("draw", help="draw a network: its stages, and each kind of block opened up", description=__doc__)
    parser.add_argument("model", metavar="MODEL", help="name of a network, such as ResNet18, or a string such as 'chain 3x3x24 3x3x36/2+0'")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="the picture, an .svg file (default: MODEL.svg, with --block MODEL-PATH.svg)")
    parser.add_argument("--input", type=image_shape, metavar="CxHxW", help="shape of one image (default: the network's own)")
    parser.add_argument("--depth", type=int, metavar="N", help="how deep blocks are opened: 0 not at all, 1 those of the network, 2 those inside of them, too (default: all)")
    parser.add_argument("--block", metavar="PATH", help="draw this part only, such as layer1.0")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the picture, and say where it is."""
    from minicnn import models
    from minicnn.draw import cells
    from minicnn.models.from_string import short_name

    name = models.registry.model_name(args.model)
    whole = all(option is None for option in (args.input, args.depth, args.block))
    picture = cells(name) if name.startswith("cells ") and whole else _network(name, args)
    file = f"{short_name(name)}-{args.block}" if args.block else short_name(name)
    print(picture.save(args.output or Path(f"{file}.svg")))
    return OK


def _network(name: str, args: argparse.Namespace) -> Any:
    from minicnn import models
    from minicnn.backend import META, use_backend
    from minicnn.draw import architecture

    with use_backend(META):  # weights without memory
        model = models.create(name)
    return architecture(model, args.input, depth=args.depth, block=args.block, name=name)
