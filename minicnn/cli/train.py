"""`minicnn train`: fit a network to a dataset and leave a log, a learning curve and a checkpoint."""

import argparse
import sys
from pathlib import Path
from typing import Any

from minicnn.cli.options import add_backend, not_negative, positive, use_backend
from minicnn.train.recipe import Recipe
from minicnn.train.run_folder import LOG, RunFolder


def add_parser(subparsers: Any) -> None:
    """Enter the command's options."""
    usual = Recipe()
    parser = subparsers.add_parser("train", help="train a network; by default LeNet5 on handwritten digits", description=__doc__)
    parser.add_argument("--model", default=usual.model, metavar="NAME", help=f"network (default: {usual.model})")
    parser.add_argument("--dataset", default=usual.dataset, metavar="NAME", help=f"images (default: {usual.dataset})")
    parser.add_argument("--epochs", type=positive, default=usual.epochs, metavar="N", help=f"passes over the images (default: {usual.epochs})")
    parser.add_argument("--batch-size", type=positive, default=usual.batch_size, metavar="N", help=f"images per step (default: {usual.batch_size})")
    parser.add_argument("--lr", type=float, metavar="X", help="highest learning rate (default: one that suits the optimiser)")
    parser.add_argument("--optimizer", default=usual.optimizer, metavar="NAME", help=f"sgd, adam, adamw, rmsprop (default: {usual.optimizer})")
    parser.add_argument("--schedule", default=usual.schedule, metavar="NAME", help=f"of the learning rate: constant, step, cosine, one-cycle (default: {usual.schedule})")
    parser.add_argument("--seed", type=not_negative, default=usual.seed, metavar="N", help="same seed, same machine: same losses (default: 0)")
    parser.add_argument("--workers", type=not_negative, default=usual.workers, metavar="N", help="processes that prepare batches (default: 0)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the run, new or empty (default: runs/MODEL-DATASET-NUMBER)")
    add_backend(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train, and say what came of it."""
    from minicnn.train.progress import show_progress
    from minicnn.train.run import run_recipe

    backend = use_backend(args)
    recipe = Recipe(
        args.model, args.dataset, args.epochs, args.batch_size, args.lr, args.optimizer, args.schedule, args.seed, args.workers
    ).resolved()
    parts = recipe.build()
    folder = RunFolder.new(args.out, f"{recipe.model}-{recipe.dataset}")
    images = len(parts.train.dataset), len(parts.test.dataset)
    print(f"{recipe.model} on {recipe.dataset}: {images[0]:,} images to train on, {images[1]:,} held out; backend {backend}, seed {recipe.seed}")
    outcome = run_recipe(recipe, parts, folder, show_progress)

    if outcome.interrupted:
        print(f"interrupted after {outcome.steps} steps ({len(outcome.history)} whole epochs); the weights as they were then are kept")
        print(f"  {folder.checkpoint}   look at it: minicnn evaluate {folder.path}")
        return 130
    last = outcome.history[-1]
    wrong = round((1 - last.test_accuracy) * images[1])
    print(f"\n{100 * last.test_accuracy:.2f} % of the {images[1]} held-out images are right ({wrong} wrong), after {outcome.seconds:.1f} s of training.\n")
    print(f"The run is in {folder.path}: {folder.checkpoint.name}, {LOG}{', ' + folder.curve.name if outcome.has_curve else ''}")
    if not outcome.has_curve:
        from minicnn.cli.doctor import install

        print(f"For the learning curve as a picture, install matplotlib: {install('viz')}")
    print(_what_next(folder, recipe, backend), end="")
    return 0


def _what_next(folder: RunFolder, recipe: Recipe, backend: str) -> str:
    other = "numpy" if backend == "numba" else "numba"
    again = "minicnn train" if sys.argv[0].endswith("minicnn") else "python -m minicnn train"
    return f"""
What to try next:
  minicnn evaluate {folder.path}                which digits it takes for which
  minicnn predict {folder.path} IMAGE...        your own handwriting: PNG, JPEG or .npy
  minicnn summary {recipe.model}                layers, shapes, parameters, multiply-adds
  {again} --backend {other}              the same arithmetic by other kernels: how fast?
  {again} --lr {recipe.lr / 10:g}                  a tenth of the learning rate: what happens?
"""
