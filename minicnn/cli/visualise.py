"""`minicnn visualise WHAT [RUN] IMAGE...`: a picture of what a network sees in pictures, or of its first filters."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.cli import OK
from minicnn.cli.options import add_backend, load_run, picture_file, positive, use_backend
from minicnn.cli.pictures import Viewer, add_named_network, add_network, build, is_named, open_viewer
from minicnn.errors import ArgumentError
from minicnn.kernels.types import Array
from minicnn.visualise import Panel, activations, draw, filters, grad_cam, mosaic, occlusion, saliency

MOST_MAPS = 64  # of a layer, that are drawn
BRIGHT = 99.5  # percentile of the saliency that is drawn white: a few pixels stand out so far that all others would be black


def add_parser(subparsers: Any) -> None:
    """Enter the command's options: a command of its own for each kind of picture."""
    parser = subparsers.add_parser("visualise", help="what a network sees: filters, activations, saliency, occlusion, Grad-CAM", description=__doc__)
    kinds = parser.add_subparsers(metavar="WHAT", dest="what", required=True)
    for what, explanation in WHAT.items():
        images = "" if what == "filters" else " IMAGE [IMAGE ...]"
        usage = f"%(prog)s [-h] (RUN | --model NAME --weights FILE){images} --out FILE [options]"
        kind = kinds.add_parser(what, help=explanation, description=explanation, usage=usage)
        if what == "filters":
            kind.add_argument("checkpoint", nargs="?", type=Path, metavar="RUN", help="folder that `minicnn train` has made, or a .safetensors file")
            add_named_network(kind)
        else:
            add_network(kind)
        kind.add_argument("--out", type=picture_file, required=True, metavar="FILE", help="where to draw: .png, .svg or .pdf")
        if what in ("filters", "activations", "gradcam"):
            kind.add_argument("--layer", required=what == "activations", metavar="PATH", help="such as features.3: minicnn summary lists them")
        if what in PANELS:
            kind.add_argument("--class", dest="wanted", metavar="CLASS", help="whose score is explained: its name or number (default: the highest)")
        if what == "occlusion":
            kind.add_argument("--patch", type=positive, metavar="PIXELS", help="side of the grey square (default: a seventh of the image)")
            kind.add_argument("--stride", type=positive, metavar="PIXELS", help="from one square to the next (default: half a side)")
        add_backend(kind)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Draw the picture: one row for each image."""
    use_backend(args)
    draw(_filters(args) if args.what == "filters" else _rows(args), args.out)
    print(f"picture: {args.out}")
    return OK


def _filters(args: argparse.Namespace) -> list[list[Panel]]:
    if is_named(args, "visualise filters"):
        model = build(args.model, args.weights)
    elif args.checkpoint is not None:
        model = load_run(args.checkpoint)[0]
    else:
        raise ArgumentError("visualise filters: name a run that `minicnn train` has made, or a network: --model NAME --weights FILE")
    return [[Panel(mosaic(filters(model, args.layer)), f"{type(model).__name__}: {args.layer or 'the first filters'}", limits=(0, 1))]]


def _rows(args: argparse.Namespace) -> list[list[Panel]]:
    viewer, paths = open_viewer(args, f"visualise {args.what}")
    prepared = [(path, *viewer.prepare(path)) for path in paths]  # all, so that a wrong one draws nothing
    return [_row(args, viewer, path, x, seen) for path, x, seen in prepared]


def _row(args: argparse.Namespace, viewer: Viewer, path: str, x: Array, seen: Array) -> list[Panel]:
    """The picture as the network is given it, and beside it what is to be shown."""
    if args.what == "activations":
        maps = activations(viewer.model, x[None], args.layer)[0]
        print(f"{path}: {len(maps)} maps" + (f", of which the first {MOST_MAPS} are drawn" if len(maps) > MOST_MAPS else ""))
        return [Panel(seen, Path(path).name), Panel(mosaic(maps[:MOST_MAPS]), args.layer)]
    k, p = _class_of(viewer, x, args.wanted)
    title = f"{viewer.name_of(k)}: {100 * p:.1f} %"
    print(f"{path}: {title}")
    return [Panel(seen, f"{Path(path).name}\n{title}"), *PANELS[args.what](args, viewer, x[None], seen, k)]


def _class_of(viewer: Viewer, x: Array, wanted: str | None) -> tuple[int, float]:
    """The class whose score is explained, and its probability."""
    from minicnn import ops
    from minicnn.autograd import Tensor, no_grad
    from minicnn.visualise.score import chosen

    with no_grad():
        scores = viewer.model.eval()(Tensor(x[None]))
        (k,) = chosen(scores, None if wanted is None else viewer.number_of(wanted), "visualise")
        return int(k), float(ops.softmax(scores, axis=1).numpy()[0, k])


def _grad_cam(args: argparse.Namespace, viewer: Viewer, x: Array, seen: Array, k: int) -> list[Panel]:
    heat = grad_cam(viewer.model, x, k, layer=args.layer)[0]
    return [Panel(heat, "Grad-CAM"), Panel(seen, heat=heat)]


def _saliency(args: argparse.Namespace, viewer: Viewer, x: Array, seen: Array, k: int) -> list[Panel]:  # noqa: ARG001 - called like the others
    slope = saliency(viewer.model, x, k)[0]
    return [Panel(slope, "saliency", limits=(0, float(np.percentile(slope, BRIGHT))))]


def _occlusion(args: argparse.Namespace, viewer: Viewer, x: Array, seen: Array, k: int) -> list[Panel]:
    drop = occlusion(viewer.model, x, k, patch=args.patch, stride=args.stride)[0]
    largest = float(np.abs(drop).max())
    title = f"occlusion: red, where it falls\n(in the mean of the squares by up to {100 * drop.max():.1f} points)"
    return [Panel(drop, title, colours="coolwarm", limits=(-largest, largest)), Panel(seen, heat=np.maximum(0, drop))]


PANELS = {"occlusion": _occlusion, "saliency": _saliency, "gradcam": _grad_cam}
WHAT = {
    "filters": "the filters of the first convolution",
    "activations": "the maps that a layer puts out for pictures",
    "occlusion": "how much less probable a class becomes where a grey square covers the picture",
    "saliency": "how much the score of a class depends on each pixel, by its gradient",
    "gradcam": "where a class was found, by the maps of a late layer and the gradient at them",
}
