"""`minicnn evaluate RUN`: accuracy on the held-out images, and which classes are taken for which."""

import argparse
from collections import Counter
from typing import Any

from minicnn.cli.options import add_backend, add_run, checkpoint_path, use_backend

BATCH = 128  # images at a time; the result does not depend on it


def add_parser(subparsers: Any) -> None:
    """Enter the command's options."""
    parser = subparsers.add_parser("evaluate", help="accuracy of a trained network on the held-out images", description=__doc__)
    add_run(parser)
    add_backend(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the figures."""
    from minicnn.data import DataLoader
    from minicnn.io import load_model
    from minicnn.train import evaluate
    from minicnn.train.datasets import load_dataset

    backend = use_backend(args)
    model, contents = load_model(checkpoint_path(args.checkpoint))
    dataset = load_dataset(contents["dataset"])
    confused: Counter[tuple[int, int]] = Counter()
    metrics = evaluate(model, DataLoader(dataset.test, batch_size=BATCH), on_batch=lambda found, labels: confused.update(zip(labels, found, strict=True)))

    wrong = {pair: count for pair, count in confused.most_common() if pair[0] != pair[1]}
    print(f"{contents['network']['name']} after {contents['epoch']} epochs on {contents['dataset']}; backend {backend}, {metrics.images_per_second:.0f} images/s")
    print(f"held out: {100 * metrics.accuracy:.2f} % of {metrics.images} images are right ({sum(wrong.values())} wrong), loss {metrics.loss:.4f}")
    for (label, found), count in wrong.items():
        print(f"  {dataset.classes[label]} taken for {dataset.classes[found]}: {count}")
    return 0
