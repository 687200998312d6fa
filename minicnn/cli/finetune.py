"""`minicnn finetune --dataset NAME`: put a pretrained network to another use, by as much training as there is data for."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from minicnn.cli import OK
from minicnn.cli.download import showing_downloads
from minicnn.cli.options import add_backend, add_precision, not_negative, positive, use_backend, use_precision
from minicnn.models.from_string import short_name
from minicnn.train.augmentation import AUGMENTATIONS
from minicnn.train.datasets import DATASETS
from minicnn.train.lookup import look_up
from minicnn.train.recipe import Recipe
from minicnn.train.run_folder import RunFolder
from minicnn.transfer.strategies import STRATEGIES

SETTINGS = (
    "model", "weights", "dataset", "data_dir", "image_size", "images_per_class", "augment", "validation", "epochs", "batch_size", "lr", "body_lr",
    "seed", "workers", "precision",
)  # fmt: skip
USUAL = {"model": "EfficientNetLite0", "weights": "imagenet", "epochs": 10, "batch_size": 32, "lr": 0.01}
AUTO, STAGES = "auto", "stages"
MEASURING = "linear classifiers on the network's stages, some training images against others:"


def add_parser(subparsers: Any) -> None:
    """Enter the command's options."""
    usual = Recipe(**USUAL)  # type: ignore[arg-type]
    parser = subparsers.add_parser("finetune", help="put a pretrained network to another use", description=__doc__)

    def add(name: str, default: Any, help: str, metavar: str = "N", type: Callable[[str], Any] = not_negative) -> None:
        parser.add_argument(name, type=type, metavar=metavar, help=f"{help} (default: {default})")

    parser.add_argument("--dataset", required=True, metavar="NAME", help=f"images: a folder with train and test in it, or {', '.join(DATASETS)}")
    add("--model", usual.model, "network; `minicnn weights list` says for which there are weights", "NAME", str)
    add("--weights", usual.weights, "imagenet, or a file: that of a run of yours, for instance", "FILE", str)
    parser.add_argument(
        "--strategy", choices=(*STRATEGIES, STAGES, AUTO), default=AUTO, metavar="NAME",
        help="; ".join(f"{name}: {what}" for name, what in STRATEGIES.items()) + "; stages: no training, a linear classifier on each stage; "
        "auto: measures, and follows the table of data and similarity (default)",
    )  # fmt: skip
    add("--data-dir", "~/.cache/minicnn/data", "folder of published datasets", "DIR", str)
    add("--image-size", "that of the dataset, up to 224", "height and width, for shapes and for a folder of pictures", type=positive)
    add("--images-per-class", "all", "use so many training images of each class", type=positive)
    add("--augment", "none with linear, so that features are computed once; else usual", ", ".join(AUGMENTATIONS), "NAME", str)
    add("--validation", usual.validation, "part of the training images to decide by", "X", float)
    add("--epochs", usual.epochs, "passes over the images", type=positive)
    add("--batch-size", usual.batch_size, "images in a batch", type=positive)
    add("--lr", usual.lr, "highest learning rate of the new layer", "X", float)
    add("--body-lr", usual.body_lr, "that of what was pretrained, as a part of it", "X", float)
    add("--seed", usual.seed, "same seed, same machine: same losses")
    add("--workers", usual.workers, "processes that prepare batches")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="any setting of a recipe, such as optimizer_options.weight_decay=1e-4")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the run, new or empty (default: runs/MODEL-DATASET-NUMBER)")
    add_backend(parser)
    add_precision(parser, default=None)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Choose a strategy, and train by it."""
    from minicnn.cli.train import fit
    from minicnn.train.recipe_file import with_settings

    backend = use_backend(args)
    given = {name: value for name in SETTINGS if (value := getattr(args, name)) is not None}
    settings = with_settings({**USUAL, **given}, args.set)
    strategy = look_up(settings.pop("strategy", args.strategy), {name: name for name in (*STRATEGIES, STAGES, AUTO)}, "strategy")
    args.precision = Recipe(**settings).resolved().precision
    use_precision(args)
    if strategy in (AUTO, STAGES):
        with showing_downloads() as report:
            parts = Recipe(**settings).build(report)
        accuracies = None
        if strategy == AUTO:
            strategy, accuracies = _advised(parts)
        if strategy == STAGES:
            return _stages(parts, accuracies)
    settings = {"augment": "none" if strategy == "linear" else "usual", **settings}
    recipe = Recipe(**settings, strategy=strategy).resolved()
    print(f"strategy {strategy}: trains {STRATEGIES[strategy]}", flush=True)
    with showing_downloads() as report:
        parts = recipe.build(report)
    return fit(recipe, RunFolder.new(args.out, f"{short_name(recipe.model)}-{Path(recipe.dataset).stem}"), parts, backend)


def _advised(parts: Any) -> tuple[str, dict[str, float]]:
    """The strategy that the table advises, and what was measured for it; says why."""
    from minicnn.train.advised import advised

    print(MEASURING, flush=True)
    advice, accuracies = advised(parts)
    _print(accuracies)
    print(f"advice: {advice.sentence}", flush=True)
    return advice.strategy, accuracies


def _stages(parts: Any, accuracies: dict[str, float] | None) -> int:
    """A linear classifier on each stage, for some training images against others; the best stage once more, for all of them against those held out."""
    from minicnn.train.advised import loader, probe_halves
    from minicnn.transfer.linear import probe_stages

    if accuracies is None:
        print(MEASURING, flush=True)
        accuracies = probe_stages(parts.model, *probe_halves(parts))
        _print(accuracies)
    best = max(accuracies, key=accuracies.__getitem__)
    print(f"the best is {best}: on {len(parts.images.train):,} training images, counted on {len(parts.images.test):,} held out:", flush=True)
    _print(probe_stages(parts.model, loader(parts.images.train, parts), loader(parts.images.test, parts), [best]))
    print("No network is trained: `transfer.LinearProbe` on `transfer.extract` makes this classifier in Python.")
    return OK


def _print(accuracies: dict[str, float]) -> None:
    width = max(map(len, accuracies))
    for path, accuracy in accuracies.items():
        print(f"  {path:<{width}}  {100 * accuracy:5.1f} %")
