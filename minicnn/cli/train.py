"""`minicnn train`: fit a network to a dataset and leave a log, a learning curve and checkpoints; or go on with a run that was broken off."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minicnn.cli import INTERRUPTED, OK
from minicnn.cli.download import showing_downloads
from minicnn.cli.options import add_backend, add_precision, not_negative, positive, use_backend, use_precision
from minicnn.errors import ArgumentError
from minicnn.models.from_string import short_name
from minicnn.train.augmentation import AUGMENTATIONS
from minicnn.train.datasets import DATASETS
from minicnn.train.optimizers import OPTIMIZERS
from minicnn.train.recipe import Recipe
from minicnn.train.run_folder import BEST, LOG, RunFolder
from minicnn.train.schedules import SCHEDULES

if TYPE_CHECKING:
    from minicnn.cli.job import Job

LOOPS_ARE_SLOW = (
    "The backend loops is the textbook's loops in plain Python: one or two images a second with LeNet5, a quarter of an hour for a pass "
    "over the digits. Try it with --epochs 1."
)
SETTINGS = (  # of a recipe, which have an option of their own; --set reaches the others
    "model", "dataset", "data_dir", "image_size", "augment", "validation", "epochs", "batch_size", "accumulate", "optimizer", "lr", "schedule", "label_smoothing", "mixup",
    "clip_norm", "average", "patience", "keep_every", "seed", "workers", "precision",
)  # fmt: skip
FREE_TO_CHANGE = ("workers",)  # when a run goes on: it changes no number


def add_parser(subparsers: Any) -> None:
    """Enter the command's options."""
    from minicnn.train.recipe_file import list_recipes

    usual = Recipe()
    parser = subparsers.add_parser("train", help="train a network; by default LeNet5 on handwritten digits", description=__doc__)

    def add(name: str, default: Any, help: str, metavar: str = "N", type: Callable[[str], Any] = not_negative) -> None:
        parser.add_argument(name, type=type, metavar=metavar, help=f"{help} (default: {default})")

    parser.add_argument("--recipe", metavar="NAME", help=f"settings of a paper ({', '.join(list_recipes())}), or of a .toml file; options change them")
    add("--model", usual.model, "network, such as ResNet20; `minicnn summary` lists all", "NAME", str)
    add("--dataset", usual.dataset, f"images: {', '.join(DATASETS)}, or a folder, or a .tar file of one, with train and test in it", "NAME", str)
    add("--data-dir", "~/.cache/minicnn/data", "folder of published datasets", "DIR", str)
    add("--image-size", "that of the dataset", "height and width, for shapes and for a folder of pictures", type=positive)
    add("--augment", usual.augment, f"how training images are changed: {', '.join(AUGMENTATIONS)}", "NAME", str)
    add("--validation", usual.validation, "part of the training images to decide by: best weights, early stop, plateau", "X", float)
    add("--epochs", usual.epochs, "passes over the images", type=positive)
    add("--batch-size", usual.batch_size, "images in a batch", type=positive)
    add("--accumulate", usual.accumulate, "batches for each step", type=positive)
    add("--optimizer", usual.optimizer, ", ".join(OPTIMIZERS), "NAME", str)
    add("--lr", "one that suits the optimizer", "highest learning rate", "X", float)
    add("--schedule", usual.schedule, f"of the learning rate: {', '.join(SCHEDULES)}; plateau goes by the training loss, or --validation", "NAME", str)
    add("--label-smoothing", usual.label_smoothing, "from 0 to 1", "X", float)
    add("--mixup", usual.mixup, "alpha of mixup", "X", float)
    add("--clip-norm", usual.clip_norm, "largest norm of the gradients; 0 clips nothing", "X", float)
    add("--average", usual.average, "decay of the averaged weights, such as 0.999; 0 averages nothing", "X", float)
    add("--patience", usual.patience, "epochs without a lower validation loss before it stops; 0 never does")
    add("--keep-every", usual.keep_every, "keep a checkpoint of every N-th epoch; 0 keeps the last only")
    add("--seed", usual.seed, "same seed, same machine: same losses")
    add("--workers", usual.workers, "processes that prepare batches")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="any setting of a recipe, such as optimizer_options.momentum=0.8")
    parser.add_argument("--resume", type=Path, metavar="DIR", help="go on with the run in this folder, with its settings, from its last checkpoint")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the run, new or empty (default: runs/MODEL-DATASET-NUMBER)")
    parser.add_argument("--distributed", action="store_true", help="as one of several workers, which share every batch: mpiexec -n 4 minicnn train --distributed ...")
    add_backend(parser)
    add_precision(parser, default=None)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train, and say what came of it."""
    from minicnn.cli.job import ALONE, job
    from minicnn.distributed.mpi import started

    if not args.distributed:
        if started() > 1:
            raise ArgumentError(f"mpiexec has started this command {started()} times, and each would train for itself: add --distributed, so that they share the work")
        return _run(args, ALONE)
    if args.resume:
        _as_before(args)
    with job(args) as together:
        return _run(args, together)


def _as_before(args: argparse.Namespace) -> None:
    """On the backend of the run that goes on, and with as many threads if there are as many workers: it must be known before workers share the machine."""
    from minicnn.distributed.mpi import MPICommunicator
    from minicnn.train.run_folder import computed_on

    backend, threads, workers = computed_on(args.resume)
    args.backend = args.backend or backend
    if args.threads is None and workers == MPICommunicator().size:
        args.threads = threads


def _run(args: argparse.Namespace, together: Job) -> int:
    from minicnn.distributed.communicator import in_turn
    from minicnn.train.several import share_work

    with in_turn(together.communicator):  # the first downloads
        recipe, folder, parts, backend = _going_on(args, together) if args.resume else _new(args)
    parts = share_work(recipe, parts, together.communicator)
    if not together.is_first:
        folder = None
    elif folder is None:
        folder = RunFolder.new(args.out, f"{short_name(recipe.model)}-{Path(recipe.dataset).stem}")
    if together.watch is not None and folder is not None:
        together.watch.hint(f"Go on from the last checkpoint, if there is one yet: mpiexec -n {together.communicator.size} minicnn train --distributed --resume {shlex.quote(str(folder.path))}")
    if backend == "loops":
        print(LOOPS_ARE_SLOW, flush=True)
    return fit(recipe, folder, parts, backend)


def fit(recipe: Recipe, folder: RunFolder | None, parts: Any, backend: str) -> int:
    """Train, and say what came of it. Without a folder, as one of several workers that is not the first."""
    from minicnn.train.progress import show_progress
    from minicnn.train.run import run_recipe

    if folder is None:
        return INTERRUPTED if run_recipe(recipe, parts, None, show_progress).interrupted else OK
    held_out, workers = len(parts.test.dataset), parts.trainer.workers.size
    images = f"{len(parts.train.dataset):,} images to train on, {held_out:,} held out"
    try:
        since = f"; goes on after {parts.trainer.steps} steps" if parts.trainer.steps else ""
        by = f"{workers} workers, " if workers > 1 else ""
        print(f"{recipe.model} on {recipe.dataset}: {images}; {by}backend {backend}, {recipe.precision}, seed {recipe.seed}{since}", flush=True)
        outcome = run_recipe(recipe, parts, folder, show_progress)
    finally:
        folder.remove_if_empty()

    if outcome.interrupted:
        start = f"mpiexec -n {workers} minicnn train --distributed" if workers > 1 else "minicnn train"
        print(f"interrupted after {outcome.steps} steps ({len(outcome.history)} whole epochs); the state as it was then is kept")
        print(f"  {folder.checkpoint}   go on: {start} --resume {folder.path}")
        return INTERRUPTED
    if outcome.stopped:
        print(f"stopped: {outcome.stopped}")
    last = outcome.history[-1]
    wrong = round((1 - last.test_accuracy) * held_out)
    right = f"{100 * last.test_accuracy:.2f} % of the {held_out:,} held-out images are right ({wrong} wrong)"
    print(f"\n{right}, after {outcome.seconds:.1f} s of training.\n")
    files = [folder.checkpoint.name, *([BEST] if folder.best.exists() else []), LOG, *([folder.curve.name] if outcome.has_curve else [])]
    print(f"The run is in {folder.path}: {', '.join(files)}")
    if not outcome.has_curve:
        from minicnn.errors import install

        print(f"For the learning curve as a picture, install matplotlib: {install('viz')}")
    print(_what_next(folder, recipe, backend))
    return OK


def _new(args: argparse.Namespace) -> tuple[Recipe, None, Any, str]:
    """A run, which has no folder yet, by a recipe, the options and --set, the later of which prevail."""
    from minicnn.train.recipe_file import read_recipe, with_settings

    backend = use_backend(args)
    settings = {**(read_recipe(args.recipe) if args.recipe else {}), **_given(args)}
    settings = with_settings(settings, args.set)
    if args.recipe and "dataset" not in settings:
        raise ArgumentError(f"the recipe {args.recipe} is for no dataset in particular: add --dataset NAME, such as a folder of pictures with train and test in it")
    recipe = Recipe(**settings).resolved()
    args.precision = recipe.precision
    use_precision(args)
    with showing_downloads() as report:
        parts = recipe.build(report)
    return recipe, None, parts, backend


def _going_on(args: argparse.Namespace, together: Job) -> tuple[Recipe, RunFolder, Any, str]:
    """A run that was broken off, on the backend and the number of threads that it had, with as many workers as there are."""
    import dataclasses

    from minicnn.train.resume import resume

    given = _given(args)
    others = [name for name in given if name not in FREE_TO_CHANGE] + [name for name in ("recipe", "set", "out") if getattr(args, name)]
    if others:
        raise ArgumentError(f"--resume goes on with the settings of the run: leave out --{others[0].replace('_', '-')}, or start a new run with it")
    broken_off = resume(args.resume)
    broken_off = dataclasses.replace(broken_off, recipe=dataclasses.replace(broken_off.recipe, **given))
    recipe = broken_off.recipe
    args.backend, args.threads = args.backend or broken_off.backend, args.threads or broken_off.threads
    args.precision = recipe.precision
    backend = use_backend(args)
    use_precision(args)
    if (backend, args.threads, together.communicator.size) != (broken_off.backend, broken_off.threads, broken_off.workers):
        was = f"{broken_off.backend} with {broken_off.threads} thread{'s' * (broken_off.threads != 1)}"
        if broken_off.workers != together.communicator.size:
            was += f" in each of its workers, {broken_off.workers} in all"
        print(f"The run was on {was}: what follows will not be bit for bit what would have followed there.", flush=True)
    with showing_downloads() as report:
        parts = broken_off.restore(report)
    return recipe, broken_off.folder, parts, backend


def _given(args: argparse.Namespace) -> dict[str, Any]:
    """The settings that have been given as options."""
    return {name: getattr(args, name) for name in SETTINGS if getattr(args, name) is not None}


def _what_next(folder: RunFolder, recipe: Recipe, backend: str) -> str:
    """Commands that use this run, and that do it again with one change."""
    assert recipe.lr is not None
    run, again = shlex.quote(str(folder.path)), f"train --recipe {shlex.quote(str(folder.recipe))}"
    proposals = {
        f"evaluate {run}": "what it takes for what",
        f"predict {run} IMAGE...": "your own pictures: PNG, JPEG or .npy",
        f"summary {run}": "layers, shapes, parameters, multiply-adds",
    }
    if recipe.weights is not None:
        proposals[f"{again} --set weights= --set strategy="] = "the same network from scratch: how far does it get?"
    elif recipe.precision == "fp32":
        proposals[f"{again} --backend {'numpy' if backend == 'numba' else 'numba'}"] = "the same arithmetic by other kernels: how fast?"
    proposals[f"{again} --lr {recipe.lr / 10:g}"] = "a tenth of the learning rate: what happens?"
    width = max(map(len, proposals))
    return "\n".join(["\nWhat to try next:", *(f"  minicnn {what:<{width}}   {why}" for what, why in proposals.items())])
