"""`minicnn train`: fit a network to a dataset and leave a log, a learning curve and a checkpoint."""

import argparse
from pathlib import Path
from typing import Any

from minicnn.cli import INTERRUPTED, OK
from minicnn.cli.options import add_backend, add_precision, not_negative, positive, use_backend, use_precision
from minicnn.train.datasets import DATASETS
from minicnn.train.recipe import OPTIMIZERS, SCHEDULES, Recipe
from minicnn.train.run_folder import LOG, RunFolder

LOOPS_ARE_SLOW = (
    "The backend loops is the textbook's loops in plain Python: one or two images a second with LeNet5, a quarter of an hour for a pass "
    "over the digits. Try it with --epochs 1."
)


def add_parser(subparsers: Any) -> None:
    """Enter the command's options."""
    usual = Recipe()
    parser = subparsers.add_parser("train", help="train a network; by default LeNet5 on handwritten digits", description=__doc__)

    def add(name: str, default: Any, help: str, metavar: str = "N", type: Any = not_negative) -> None:
        parser.add_argument(name, default=default, type=type, metavar=metavar, help=f"{help} (default: {default})")

    add("--model", usual.model, "network, such as ResNet20; `minicnn summary` lists all", "NAME", str)
    add("--dataset", usual.dataset, f"images: {', '.join(DATASETS)}", "NAME", str)
    add("--epochs", usual.epochs, "passes over the images", type=positive)
    add("--batch-size", usual.batch_size, "images per step", type=positive)
    add("--optimizer", usual.optimizer, ", ".join(OPTIMIZERS), "NAME", str)
    add("--schedule", usual.schedule, f"of the learning rate: {', '.join(SCHEDULES)}; plateau goes by the training loss", "NAME", str)
    add("--seed", usual.seed, "same seed, same machine: same losses")
    add("--workers", usual.workers, "processes that prepare batches")
    parser.add_argument("--lr", type=float, metavar="X", help="highest learning rate (default: one that suits the optimizer)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the run, new or empty (default: runs/MODEL-DATASET-NUMBER)")
    add_backend(parser)
    add_precision(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train, and say what came of it."""
    from minicnn.train.progress import show_progress
    from minicnn.train.run import run_recipe

    backend, precision = use_backend(args), use_precision(args)
    recipe = Recipe(
        args.model, args.dataset, args.epochs, args.batch_size, args.lr, args.optimizer, args.schedule, args.seed, args.workers, precision
    ).resolved()
    parts = recipe.build()
    folder = RunFolder.new(args.out, f"{recipe.model}-{recipe.dataset}")
    held_out = len(parts.test.dataset)
    images = f"{len(parts.train.dataset):,} images to train on, {held_out:,} held out"
    try:
        print(f"{recipe.model} on {recipe.dataset}: {images}; backend {backend}, {precision}, seed {recipe.seed}", flush=True)
        if backend == "loops":
            print(LOOPS_ARE_SLOW, flush=True)
        outcome = run_recipe(recipe, parts, folder, show_progress)
    finally:
        folder.remove_if_empty()

    if outcome.interrupted:
        print(f"interrupted after {outcome.steps} steps ({len(outcome.history)} whole epochs); the weights as they were then are kept")
        print(f"  {folder.checkpoint}   look at it: minicnn evaluate {folder.path}")
        return INTERRUPTED
    last = outcome.history[-1]
    wrong = round((1 - last.test_accuracy) * held_out)
    right = f"{100 * last.test_accuracy:.2f} % of the {held_out} held-out images are right ({wrong} wrong)"
    print(f"\n{right}, after {outcome.seconds:.1f} s of training.\n")
    print(f"The run is in {folder.path}: {folder.checkpoint.name}, {LOG}{', ' + folder.curve.name if outcome.has_curve else ''}")
    if not outcome.has_curve:
        from minicnn.errors import install

        print(f"For the learning curve as a picture, install matplotlib: {install('viz')}")
    print(_what_next(folder, recipe, backend))
    return OK


def _what_next(folder: RunFolder, recipe: Recipe, backend: str) -> str:
    assert recipe.lr is not None
    proposals = {
        f"evaluate {folder.path}": "what it takes for what",
        f"predict {folder.path} IMAGE...": "your own pictures: PNG, JPEG or .npy",
        f"summary {recipe.model}": "layers, shapes, parameters, multiply-adds",
        f"train --backend {'numpy' if backend == 'numba' else 'numba'}": "the same arithmetic by other kernels: how fast?",
        f"train --lr {recipe.lr / 10:g}": "a tenth of the learning rate: what happens?",
    }
    width = max(map(len, proposals))
    return "\n".join(["\nWhat to try next:", *(f"  minicnn {what:<{width}}   {why}" for what, why in proposals.items())])
