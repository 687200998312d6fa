"""Weights for a network: from a file, or those that are published for it."""

import os
import re
from pathlib import Path
from typing import Any, TypeAlias

from minicnn.backend import META, use_backend
from minicnn.errors import ArgumentError, CheckpointError, StateDictError, listing
from minicnn.io import load_weights
from minicnn.kernels.types import Array
from minicnn.models.fitting import HEADS, check_form, check_numbers
from minicnn.models.registry import create, model_name
from minicnn.models.weight_files import FILES, weights_for
from minicnn.models.weight_store import how_to_get, locate
from minicnn.nn import Module

Weights: TypeAlias = str | os.PathLike[str] | None
"""A file of weights; "imagenet" for those that are published for the network; None to start from random ones."""

IMAGENET = "imagenet"
OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.(\d\.)")  # since PyTorch 0.4.1, no module's name has a dot in it


def is_imagenet(weights: Weights) -> bool:
    """Whether the published weights are asked for, rather than a file."""
    return isinstance(weights, str) and weights.lower() == IMAGENET


def load_pretrained(model: Module, weights: Weights) -> None:
    """Fill a network that was just made. Every network's `__init__` ends with this.

    Names in old files of DenseNet, `denselayer1.norm.1.weight`, are read as `denselayer1.norm1.weight`, as torchvision reads them.
    Auxiliary classifiers in the file that the network is built without are left out.

    Args:
        model: the network.
        weights: see `Weights`.

    Raises:
        ArgumentError: `weights` is of another type, or "imagenet" for a network for which nothing is published, or in a form for which it was not.
        CheckpointError: the file is not here, cannot be read, does not fit the network, or holds NaN or infinite numbers.
    """
    if weights is None:
        return
    if not isinstance(weights, (str, os.PathLike)):
        raise ArgumentError(f"weights are a file, 'imagenet', or None to start from random ones, not {weights!r:.80}")
    path = _published(model) if is_imagenet(weights) else Path(weights)
    own = model.state_dict()
    state = {OLD_DENSENET.sub(r"\1\2", name): array for name, array in load_weights(path).items()}
    needless = tuple(head for head in HEADS if not any(name.startswith(head) for name in own))
    state = {name: array for name, array in state.items() if not name.startswith(needless)}
    kind = type(model).__name__
    _check_classes(path, kind, state, own)
    check_numbers(path, f"this {kind}", state, own)
    try:
        model.load_state_dict(state)
    except StateDictError as error:
        raise CheckpointError(f"{path} does not fit this {kind}: {error.message.partition(': ')[2]}") from None


def check_published(name: str, **kwargs: Any) -> None:
    """There are published weights for the network called so; nothing is loaded. (A network of the same class may have none.)

    Raises:
        ArgumentError: there are none.
    """
    with use_backend(META):
        model = create(name, **kwargs)
    if weights_for(model) is None:
        raise ArgumentError(_why_none(model, model_name(name)))


def _published(model: Module) -> Path:
    """The file that is published for the network."""
    wanted = weights_for(model)
    if wanted is None:
        raise ArgumentError(_why_none(model, type(model).__name__))
    check_form(model, wanted)
    path = locate(wanted)
    if path is None:
        raise CheckpointError(f"the weights of {wanted.call} for ImageNet are not on this computer: {how_to_get(wanted)}")
    return path


def _why_none(model: Module, name: str) -> str:
    kind, count = type(model).__name__, sum(p.size for p in model.parameters())
    known = [f"{found.call} with {found.parameters[0]:,}" for found in FILES if found.kind == kind]
    if not known:
        return f"no weights for ImageNet are published for {name} that this version knows: weights takes a file, too"
    return (
        f"no weights for ImageNet are published for a {name} with {count:,} parameters, only for {listing(known, 20)}: build one of these, "
        f"with 1000 classes, colour images and its usual width; then its last layer can be replaced"
    )


def _check_classes(path: Path, kind: str, state: dict[str, Array], own: dict[str, Array]) -> None:
    """Explain the one misfit that is no mistake: a file for another number of classes, in which the last layer alone is of another size."""
    wrong = {name: (state[name].shape, own[name].shape) for name in own if name in state and state[name].shape != own[name].shape}
    ends = {next((head for head in HEADS if name.startswith(head)), ""): name.rpartition(".")[0] for name in own}  # last layers
    of_ends = {name for name in own if name.rpartition(".")[0] in ends.values()}
    counts = {(theirs[:1], ours[:1]) for theirs, ours in wrong.values()}
    if set(wrong) == of_ends and len(counts) == 1 and all(theirs and theirs[1:] == ours[1:] for theirs, ours in wrong.values()):
        (((theirs,), (ours,)),) = counts
        raise CheckpointError(
            f"{path} is for {theirs} classes, and this {kind} was built for {ours}: build it with num_classes={theirs} to load the file, "
            f"then replace its last layer, {ends['']}"
        )
