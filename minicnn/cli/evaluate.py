"""`minicnn evaluate RUN...`: accuracy on the held-out images, and which classes are taken for which; of several runs also together."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minicnn.cli import OK
from minicnn.cli.options import (
    add_backend,
    add_precision,
    load_images,
    load_run,
    positive,
    use_backend,
    use_precision,
)
from minicnn.errors import ArgumentError
from minicnn.train.views import VIEWS


def add_parser(subparsers: Any) -> None:
    """Enter the command's options."""
    parser = subparsers.add_parser("evaluate", help="accuracy of trained networks on the held-out images", description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folder that `minicnn train` has made, or a .safetensors file")
    parser.add_argument("--ensemble", action="store_true", help="also what the runs say together: the mean of their probabilities")
    parser.add_argument("--views", choices=VIEWS, help="look at each image in several ways, and average: with its mirror image, or in ten windows")
    parser.add_argument("--sizes", type=_sizes, metavar="N,N,...", help="look at each image in these sizes, and average, such as 28,32,36")
    add_backend(parser)
    add_precision(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the figures."""
    backend, precision = use_backend(args), use_precision(args)
    if args.views and args.sizes:
        raise ArgumentError("evaluate: give --views or --sizes, not both")
    if args.ensemble and len(args.runs) == 1:
        raise ArgumentError("evaluate: an ensemble needs at least two runs")
    loaded = [load_run(run) for run in args.runs]
    if len(datasets := {contents["dataset"] for _, contents in loaded}) > 1:
        raise ArgumentError(f"evaluate: the runs are of different datasets, {', '.join(sorted(datasets))}: evaluate each for itself")
    said = [_one(model, contents, load_images(contents), args, f"backend {backend}, {precision}") for model, contents in loaded]
    if args.ensemble:
        _together(said)
    return OK


def _one(model: Any, contents: dict[str, Any], images: Any, args: argparse.Namespace, computed: str) -> Any:
    """Print what one network says; returns it."""
    from functools import partial
    from time import perf_counter

    from minicnn.data import DataLoader
    from minicnn.train.ensemble import judge
    from minicnn.train.parts import EVALUATION_BATCH
    from minicnn.train.views import at_sizes

    views = VIEWS[args.views] if args.views else partial(at_sizes, sizes=args.sizes) if args.sizes else None
    start = perf_counter()
    verdict = judge(model, DataLoader(images.test, EVALUATION_BATCH, transform=images.prepare), views=views, precision=args.precision)
    speed = f"{computed}, {len(verdict.labels) / (perf_counter() - start):.0f} images/s"
    how = f", {args.views}" if args.views else f", sizes {', '.join(map(str, args.sizes))}" if args.sizes else ""
    print(f"{contents['network']['name']} after {contents['epoch']} epochs on {contents['dataset']}{how}; {speed}")
    if args.views and _has_seen_no_mirror(contents, images):
        print(f"(the views of {args.views} are mirrored, too, and this network was trained on no mirrored images: a mirrored figure may be another one)")
    print(f"held out: {_right(verdict)}, loss {verdict.loss:.4f}")
    for (label, found), count in verdict.confusions():
        print(f"  {images.classes[label]} taken for {images.classes[found]}: {count}")
    return verdict


def _has_seen_no_mirror(contents: dict[str, Any], images: Any) -> bool:
    """Its training images were not mirrored at random."""
    from minicnn.data.transforms import Compose, RandomHorizontalFlip
    from minicnn.train.augmentation import AUGMENTATIONS

    augment = AUGMENTATIONS[contents.get("recipe", {}).get("augment", "usual")](images)
    return not any(isinstance(step, RandomHorizontalFlip) for step in (augment.transforms if isinstance(augment, Compose) else [augment]))


def _together(said: Sequence[Any]) -> None:
    from minicnn.train.ensemble import average

    verdict = average(said)
    mean = sum(one.accuracy for one in said) / len(said)
    best = max(one.accuracy for one in said)
    print(f"together, the mean of {len(said)} networks: {_right(verdict)}, loss {verdict.loss:.4f}")
    print(f"  {_points(verdict.accuracy - mean)} over the mean of the single ones ({100 * mean:.2f} %), {_points(verdict.accuracy - best)} over the best")
    if said[0].probabilities.shape[1] > 10:
        print(f"  top-5 error {100 * (1 - verdict.top(5)):.2f} %, of the single ones {', '.join(f'{100 * (1 - one.top(5)):.2f}' for one in said)} %")


def _right(verdict: Any) -> str:
    wrong = round((1 - verdict.accuracy) * len(verdict.labels))
    return f"{100 * verdict.accuracy:.2f} % of {len(verdict.labels)} images are right ({wrong} wrong)"


def _points(difference: float) -> str:
    return f"{100 * difference:+.2f} points"


def _sizes(text: str) -> list[int]:
    return [positive(size) for size in text.split(",")]
