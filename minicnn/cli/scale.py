"""`minicnn scale MODEL --phi X`: the network for 2^X times the cost, by compound scaling: what grows, what it costs, and how to build it."""

import argparse
from typing import Any

from minicnn.cli import OK
from minicnn.cli.options import positive


def add_parser(subparsers: Any) -> None:
    """Enter the command's options."""
    parser = subparsers.add_parser("scale", help="make a network deeper, wider, and for larger images, by one number", description=__doc__)
    parser.add_argument("model", metavar="MODEL", help="name of a network that has a depth and a width, such as ResNet18")
    parser.add_argument("--phi", type=float, default=1.0, metavar="X", help="doublings of the cost; below 0 the network becomes smaller (default: 1)")
    parser.add_argument("--alpha", type=float, metavar="A", help="factor of the depth for phi = 1 (default: EfficientNet's, 1.2)")
    parser.add_argument("--beta", type=float, metavar="B", help="factor of the width (default: 1.1)")
    parser.add_argument("--gamma", type=float, metavar="C", help="factor of the image's height and width (default: 1.15)")
    parser.add_argument("--image-size", type=positive, metavar="N", help="height and width of the images before scaling (default: the network's own)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the network before and after."""
    from minicnn.search import scale

    ratios = {name: value for name in ("alpha", "beta", "gamma") if (value := getattr(args, name)) is not None}
    before = scale(args.model, 0, **ratios, resolution=args.image_size)
    after = scale(args.model, args.phi, **ratios, resolution=args.image_size)
    rows = [("", "phi = 0", f"phi = {args.phi:g}")]
    rows += [(name, _text(value), _text(after.kwargs[name])) for name, value in before.kwargs.items() if name != "resolution"]
    rows += [
        ("image", _side(before.resolution), _side(after.resolution)),
        ("parameters", f"{before.parameters:,}", f"{after.parameters:,}"),
        ("multiply-adds", f"{before.macs:,}", f"{after.macs:,}"),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *values in rows:
        print("  ".join([name.ljust(widths[0]), *(text.rjust(width) for text, width in zip(values, widths[1:], strict=True))]).rstrip())
    print(
        f"\nasked for {after.meant:.3g} times the multiply-adds (2^phi is {2**args.phi:.3g}), obtained {after.ratio:.3g}: blocks, channels and pixels are whole\n"
        f"\nnet = {after.python}  # for images of {_side(after.resolution)}"
    )
    return OK


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _side(pixels: int) -> str:
    return f"{pixels} x {pixels}"
