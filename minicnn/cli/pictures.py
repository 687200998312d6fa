"""A trained network, from a run or by its name, and pictures as it takes them: for the commands that look at both."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.cli.options import load_reader, load_run
from minicnn.errors import ArgumentError, CheckpointError, nearest
from minicnn.kernels.types import Array
from minicnn.nn import Module
from minicnn.nn.trace import image_shape, trace


@dataclass(frozen=True)
class Viewer:
    """A network and how it is shown pictures.

    Attributes:
        model: the network, with its weights.
        prepare: turns the file of a picture into an input (C, H, W) and into what a human sees of it, (H, W, C) in 0..1.
        classes: what its outputs mean; none if that is not known.
    """

    model: Module
    prepare: Callable[[str], tuple[Array, Array]]
    classes: Sequence[str]

    def name_of(self, k: int) -> str:
        """What the class is called."""
        return self.classes[k] if self.classes else f"class {k}"

    def number_of(self, text: str) -> int:
        """A class by its name or its number.

        Raises:
            ArgumentError: no class is called so.
        """
        by_lower = {name.lower(): k for k, name in reversed(list(enumerate(self.classes)))}
        if text.lower() in by_lower:
            return by_lower[text.lower()]
        if text.isdecimal():
            return int(text)
        guess = nearest(text, self.classes).partition("Known:")[0].strip()
        raise ArgumentError(f"no class is called {text!r}: {guess or 'give its number'}")


def add_network(parser: argparse.ArgumentParser) -> None:
    """The positional arguments [RUN] IMAGE..., --model and --weights."""
    parser.add_argument("paths", nargs="+", metavar="[RUN] IMAGE", help="RUN: folder that `minicnn train` has made, or a .safetensors "
                        "file; IMAGE: PNG, JPEG or .npy with one sign; with --model: a photograph")  # fmt: skip
    add_named_network(parser)


def add_named_network(parser: argparse.ArgumentParser) -> None:
    """--model and --weights."""
    parser.add_argument("--model", metavar="NAME", help="a network for ImageNet, such as MobileNetV2, instead of a run")
    parser.add_argument("--weights", metavar="FILE", help="a file of weights for it, or imagenet for those that are published")


def open_viewer(args: argparse.Namespace, command: str) -> tuple[Viewer, list[str]]:
    """The network that the arguments name, and the files of pictures.

    Raises:
        ArgumentError: the weights or the pictures are missing.
        CheckpointError: the run or the weights cannot be read.
    """
    if is_named(args, command):
        return _of_photographs(build(args.model, args.weights)), args.paths
    run, *images = args.paths
    if not images:
        raise ArgumentError(f"{command}: after the run {run}, name the pictures: minicnn {command} RUN IMAGE...")
    return _of_signs(Path(run)), images


def is_named(args: argparse.Namespace, command: str) -> bool:
    """Whether --model names the network; otherwise it is a run's.

    Raises:
        ArgumentError: only one of --model and --weights is given.
    """
    if args.model is None and args.weights is not None:
        raise ArgumentError(f"{command}: --weights is for a network that --model names")
    if args.model is not None and args.weights is None:
        raise ArgumentError(f"{command}: --model {args.model} needs --weights: a file, or imagenet")
    return args.model is not None


def _of_signs(run: Path) -> Viewer:
    model, contents = load_run(run)
    dataset, rng = load_reader(contents), np.random.default_rng()  # from which nothing is drawn

    def prepare(path: str) -> tuple[Array, Array]:
        x = dataset.read(path)[0]
        x = x if dataset.prepare is None else dataset.prepare(x, rng)
        return x, _stretched(x).transpose(1, 2, 0)

    return Viewer(model, prepare, dataset.classes)


def _of_photographs(model: Module) -> Viewer:
    from minicnn.data.imagenet import class_names
    from minicnn.data.transforms import Compose, Normalize
    from minicnn.io import read_picture
    from minicnn.models import preprocessing_for

    whole, rng = preprocessing_for(model), np.random.default_rng()  # from which nothing is drawn
    cut = Compose(*[step for step in whole.transforms if not isinstance(step, Normalize)])

    def prepare(path: str) -> tuple[Array, Array]:
        picture = read_picture(path)
        seen = cut(picture, rng)
        return whole(picture, rng), (seen / np.float32(255) if seen.dtype == np.uint8 else seen).transpose(1, 2, 0)

    scores = trace(model, image_shape(model, None, "pictures"))[1]
    return Viewer(model, prepare, class_names() if scores.shape[-1] == 1000 else ())


def _stretched(x: Array) -> Array:
    """In 0..1; `read_image` lets no picture pass that has one value only."""
    return (x - x.min()) / (x.max() - x.min())


def build(name: str, weights: str) -> Any:
    """A network by its own name, or by that of published weights, such as VGG16-BN."""
    from minicnn.io.file import require_file
    from minicnn.models import create
    from minicnn.models.pretrained import check_published, is_imagenet
    from minicnn.models.weight_files import FILES

    if not is_imagenet(weights):
        require_file(Path(weights), "file of weights", CheckpointError)  # before the network is made, which may take long
    for found in FILES:
        if found.name.lower() == name.lower():
            return create(found.network, **found.kwargs, weights=weights)
    if is_imagenet(weights):
        check_published(name)
    return create(name, weights=weights)
