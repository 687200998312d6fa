"""`minicnn evaluate RUN`: accuracy on the held-out images, and which classes are taken for which."""

import argparse
from collections import Counter
from typing import Any

from minicnn.cli import OK
from minicnn.cli.options import add_backend, add_precision, add_run, load_run, use_backend, use_precision
from minicnn.kernels.types import Array


def add_parser(subparsers: Any) -> None:
    """Enter the command's options."""
    parser = subparsers.add_parser("evaluate", help="accuracy of a trained network on the held-out images", description=__doc__)
    add_run(parser)
    add_backend(parser)
    add_precision(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the figures."""
    from minicnn.data import DataLoader
    from minicnn.train import evaluate
    from minicnn.train.datasets import load_dataset
    from minicnn.train.recipe import EVALUATION_BATCH

    backend, precision = use_backend(args), use_precision(args)
    model, contents = load_run(args.checkpoint)
    dataset = load_dataset(contents["dataset"])
    confused: Counter[tuple[int, int]] = Counter()

    def tally(found: Array, labels: Array) -> None:
        confused.update(zip(labels.tolist(), found.tolist(), strict=True))

    metrics = evaluate(model, DataLoader(dataset.test, batch_size=EVALUATION_BATCH), on_batch=tally, precision=precision)
    wrong = {pair: count for pair, count in confused.most_common() if pair[0] != pair[1]}
    speed = f"backend {backend}, {precision}, {metrics.images_per_second:.0f} images/s"
    print(f"{contents['network']['name']} after {contents['epoch']} epochs on {contents['dataset']}; {speed}")
    right = f"{100 * metrics.accuracy:.2f} % of {metrics.images} images are right ({sum(wrong.values())} wrong)"
    print(f"held out: {right}, loss {metrics.loss:.4f}")
    for (label, found), count in wrong.items():
        print(f"  {dataset.classes[label]} taken for {dataset.classes[found]}: {count}")
    return OK
