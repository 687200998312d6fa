"""`minicnn search`: let a strategy, such as a controller that learns by REINFORCE, propose networks, train each for a moment, and keep the best."""

import argparse
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from minicnn.cli import INTERRUPTED, OK
from minicnn.cli.options import not_negative, positive
from minicnn.errors import ArgumentError

PICTURE, DRAWING = "rewards.png", "winner.svg"
BEST = 5  # architectures that are listed at the end
ONLY = {"chain": ("layers",), "cells": ("blocks", "cells", "filters")}  # options that have a meaning in one space
HELP: dict[str, tuple[str, str, Callable[[str], Any]]] = {  # option by option: what it is, what stands for its value, and how that is read
    "space": ("what there is to choose from: chain (layers one by one, with skip connections) or cells (two cells that are stacked)", "NAME", str),
    "strategy": ("who chooses: random, reinforce, ppo, evolution or enas", "NAME", str),
    "dataset": ("images, as for `minicnn train`", "NAME", str),
    "image_size": ("height and width; digits have 8 as they were scanned", "N", positive),
    "images": ("training images to use at most; a quarter of them judges the children", "N", positive),
    "children": ("samples in all", "N", positive),
    "batch": ("samples in a round", "N", positive),
    "steps": ("training steps for a child", "N", positive),
    "batch_size": ("images in a training step", "N", positive),
    "lr": ("highest learning rate of a child", "X", float),
    "seconds": ("after which a child is given up, and scores 0", "X", float),
    "layers": ("of a chain", "N", positive),
    "blocks": ("of a cell", "N", positive),
    "cells": ("in each stage of a network of cells", "N", positive),
    "filters": ("of the first cells", "N", positive),
    "seed": ("of all that is drawn: same seed, same search", "N", not_negative),
}


def add_parser(subparsers: Any) -> None:
    """Enter the command's options."""
    from minicnn.search.plan import Plan

    parser = subparsers.add_parser("search", help="search for a good architecture, by REINFORCE, evolution or at random", description=__doc__)
    for name, (what, metavar, kind) in HELP.items():
        usual = getattr(Plan(), name)
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=kind, metavar=metavar, help=what if usual is None else f"{what} (default: {usual})"
        )
    parser.add_argument("--workers", type=not_negative, default=2, metavar="N", help="processes that train children; 0 trains in this one (default: 2)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the search, new or empty (default: runs/search-NUMBER)")
    parser.add_argument("--resume", type=Path, metavar="DIR", help="go on with the search in this folder, with its settings")
    parser.add_argument("--backend", metavar="NAME", help="which kernels compute: numba, numpy, loops, cupy (default: numba); each child is trained by one thread")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Search, and say what was found."""
    from minicnn.backend import set_backend
    from minicnn.search.plan import Plan, plan_of
    from minicnn.search.record import SETTINGS, read_settings
    from minicnn.train.run_folder import RunFolder

    given = {name: getattr(args, name) for name in HELP if getattr(args, name) is not None}
    if args.resume:
        if given or args.out:
            option = next(iter(given), "out").replace("_", "-")
            raise ArgumentError(f"--resume goes on with the settings of the search: leave out --{option}, or begin another search with it")
        plan, folder = plan_of(args.resume), args.resume
        set_backend(args.backend or read_settings(folder)["backend"])
    else:
        plan = Plan(**given)
        _check_options(given, plan.space, args.workers)
        if args.out and (args.out / SETTINGS).exists():
            raise ArgumentError(f"there is a search in {args.out} already: minicnn search --resume {shlex.quote(str(args.out))} goes on with it; for another one give another --out")
        if args.backend:
            set_backend(args.backend)
        folder = RunFolder.new(args.out, f"search-{plan.space}-{plan.strategy}").path
    space = plan.make_space()
    print(f"{plan.strategy} among {space.size:,} {space.name}, on {plan.dataset}, seed {plan.seed}; the folder is {folder}", flush=True)
    try:
        found = plan.run(folder, workers=args.workers, say=lambda line: print(line, flush=True))
    except KeyboardInterrupt:
        print(f"interrupted; go on: minicnn search --resume {shlex.quote(str(folder))}")
        return INTERRUPTED
    finally:
        RunFolder(folder).remove_if_empty()
    if (error := found.best()[0].error) is not None:
        what = "none of the finalists" if found.finalists else "no network"
        raise ArgumentError(f"{what} could be trained, so nothing is found; of one it is said: {error} (all are in {folder})")
    _report(plan, found, folder)
    return OK


def _check_options(given: dict[str, Any], space: str, workers: int) -> None:
    """None of the options that were given is without effect."""
    for other, names in ONLY.items():
        for name in names:
            if name in given and other != space:
                raise ArgumentError(f"--{name} is of the space {other}, but the space is {space}: leave it out, or add --space {other}")
    if "seconds" in given and not workers:
        raise ArgumentError("--seconds can be kept only where children are trained in processes that can be ended: leave it out, or give --workers 1 or more")


def _report(plan: Any, found: Any, folder: Path) -> None:
    """The best architectures, what the strategy has learned, and how to go on."""
    best = found.best(BEST)
    spent = f"{found.steps:,} training steps, {found.seconds:.0f} s"
    print(f"\n{len(found.samples)} samples, {found.new} of them new, {found.failed} failed; {spent}")
    print(f"mean reward of the first quarter {found.first_quarter:.3f}, of the last {found.last_quarter:.3f}\n")
    for sample in best:
        print(f"  {sample.reward:.3f}  {sample.parameters:>9,} parameters  {sample.string}")
    files = [*_pictures(plan, found, folder)]
    print(f"\nThe search is in {folder}: {', '.join(['samples.jsonl', *files])}")
    sizes = "".join(f" --set model_options.{name}={size}" for name, size in plan.sizes.items())
    size = f" --image-size {plan.image_size}" if plan.image_size and plan.dataset != "digits" else ""
    print("The winner, trained for longer and on larger images, if there are any:")
    print(f"  minicnn train --model {shlex.quote(best[0].string)} --dataset {shlex.quote(plan.dataset)}{size}{sizes}")


def _pictures(plan: Any, found: Any, folder: Path) -> list[str]:
    """Files with pictures in them, by name. One that cannot be written is a pity, and no more: the search is done."""
    from minicnn.draw import cells
    from minicnn.search.picture import draw_search

    files = []
    try:
        if draw_search({plan.strategy: found}, folder / PICTURE, f"{plan.space} on {plan.dataset}"):
            files.append(PICTURE)
        if plan.space == "cells":
            files.append(cells(found.best()[0].string).save(folder / DRAWING).name)
    except OSError as error:
        print(f"minicnn: a picture in {folder} cannot be written: {error.strerror or error}", file=sys.stderr)
    return files
