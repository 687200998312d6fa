"""`minicnn predict RUN IMAGE...`: what a trained network sees in pictures."""

import argparse
from typing import Any

from minicnn.cli import OK
from minicnn.cli.options import add_backend, add_run, load_run, use_backend

TOP = 3


def add_parser(subparsers: Any) -> None:
    """Enter the command's options."""
    parser = subparsers.add_parser("predict", help="what a trained network sees in your own pictures", description=__doc__)
    add_run(parser)
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="PNG, JPEG or .npy, one sign on each")
    add_backend(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print a line for each picture. All are read before the first is shown, so that a wrong one shows nothing."""
    import numpy as np

    from minicnn import ops
    from minicnn.autograd import Tensor, no_grad
    from minicnn.io import read_image
    from minicnn.train.datasets import load_dataset

    use_backend(args)
    model, contents = load_run(args.checkpoint)
    dataset = load_dataset(contents["dataset"])
    pictures = [read_image(path, dataset.original) for path in args.images]
    with no_grad():
        scores = model.eval()(Tensor(np.stack([dataset.prepare(ink) for ink, _ in pictures])))
        probabilities = ops.softmax(scores, axis=1).numpy()
    for path, (_, done), p in zip(args.images, pictures, probabilities, strict=True):
        best = np.argsort(-p, kind="stable")[:TOP]
        seen = ", ".join(f"{dataset.classes[k]} ({100 * p[k]:.1f} %)" for k in best)
        print(f"{path}: {seen}" + (f"   [{'; '.join(done)}]" if done else ""))
    return OK
