"""`minicnn predict RUN IMAGE...`, or `minicnn predict --model NAME --weights FILE IMAGE...`: what a network sees in pictures."""

import argparse
from pathlib import Path
from typing import Any

from minicnn.cli import OK
from minicnn.cli.options import add_backend, add_precision, load_reader, load_run, use_backend, use_precision
from minicnn.cli.pictures import add_network, build, is_named
from minicnn.errors import ArgumentError

TOP, TOP_OF_THOUSAND = 3, 5


def add_parser(subparsers: Any) -> None:
    """Enter the command's options."""
    parser = subparsers.add_parser(
        "predict",
        help="what a trained network sees in your own pictures",
        description=__doc__,
        usage="%(prog)s [-h] [--backend NAME] [--threads N] [--precision NAME] (RUN | --model NAME --weights FILE) IMAGE [IMAGE ...]",
    )
    add_network(parser)
    add_backend(parser)
    add_precision(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print what is seen in each picture. All are read before the first is shown, so that a wrong one shows nothing."""
    return _photographs(args) if is_named(args, "predict") else _signs(args)


def _signs(args: argparse.Namespace) -> int:
    """A line for each picture of one sign, by the network of a run."""
    import numpy as np

    if len(args.paths) < 2:
        raise ArgumentError(f"predict: after the run {args.paths[0]}, name the pictures: minicnn predict RUN IMAGE...")
    use_backend(args)
    precision = use_precision(args)
    model, contents = load_run(Path(args.paths[0]))
    dataset = load_reader(contents)
    images, rng = args.paths[1:], np.random.default_rng()  # from which nothing is drawn
    pictures = [dataset.read(path) for path in images]
    prepared = [image if dataset.prepare is None else dataset.prepare(image, rng) for image, _ in pictures]
    probabilities = _probabilities(model, np.stack(prepared), precision)
    for path, (_, done), p in zip(images, pictures, probabilities, strict=True):
        best = np.argsort(-p, kind="stable")[:TOP]
        seen = ", ".join(f"{dataset.classes[k]} ({100 * p[k]:.1f} %)" for k in best)
        print(f"{path}: {seen}" + (f"   [{'; '.join(done)}]" if done else ""))
    return OK


def _photographs(args: argparse.Namespace) -> int:
    """A paragraph for each photograph, by a network for ImageNet."""
    import numpy as np

    from minicnn.data.imagenet import class_names
    from minicnn.io import read_picture
    from minicnn.models import preprocessing_for, weights_for
    from minicnn.models.pretrained import is_imagenet

    use_backend(args)
    precision = use_precision(args)
    pictures = [read_picture(path) for path in args.paths]
    model = build(args.model, args.weights)
    prepare, rng = preprocessing_for(model), np.random.default_rng()  # from which nothing is drawn
    published = weights_for(model) if is_imagenet(args.weights) else None
    why = f"as for the published weights of {published.name}" if published else "as is usual for this network; the weights may need another"
    print(f"preparation: {prepare} ({why})")
    for path, picture in zip(args.paths, pictures, strict=True):
        (p,) = _probabilities(model, prepare(picture, rng)[None], precision)
        names = class_names() if len(p) == 1000 else [f"class {k}" for k in range(len(p))]
        print(f"{path}:")
        for k in np.argsort(-p, kind="stable")[:TOP_OF_THOUSAND]:
            print(f"  {100 * p[k]:5.1f} %  {names[k]}")
    return OK


def _probabilities(model: Any, images: Any, precision: str) -> Any:
    from minicnn import ops
    from minicnn.autograd import Tensor, no_grad
    from minicnn.ops.autocast import autocast

    with no_grad(), autocast(precision):
        return ops.softmax(model.eval()(Tensor(images)), axis=1).numpy()
