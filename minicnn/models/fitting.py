"""Whether a file of weights can be a network's: by its numbers, and by the form of the network for which it was published."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from minicnn import nn
from minicnn.backend import use_backend
from minicnn.errors import ArgumentError, CheckpointError, listing
from minicnn.kernels.types import Array
from minicnn.models.registry import create
from minicnn.models.weight_files import WeightFile

HEADS = ("aux1.", "aux2.", "AuxLogits.", "aux_head.")  # what only training needs; a network may be built without
SETTINGS = ("kernel_size", "stride", "padding", "dilation", "groups", "ceil_mode", "count_include_pad", "output_size", "eps")
ONLY_TRAINING = (nn.Dropout, nn.Identity)  # with their subclasses, the layers that do nothing in evaluation mode


def check_numbers(path: str | os.PathLike[str], network: str, weights: Mapping[str, Array], own: Mapping[str, Array]) -> None:
    """No number is NaN or Inf, and none was an integer where the network has none: its bits would mean another number.

    Args:
        path: the file, for the message.
        network: what it should fit, for the message.
        weights: the arrays in the file.
        own: the network's state dict.

    Raises:
        CheckpointError: they cannot.
    """
    for name, array in weights.items():
        if name in own and array.dtype.kind != own[name].dtype.kind:
            raise CheckpointError(f"{path} does not fit {network}: {name} is {array.dtype} but should be {own[name].dtype}")
    with np.errstate(over="ignore"):  # what is too large for float32 is as good as infinite
        as_used = {name: array.astype(own[name].dtype) if name in own else array for name, array in weights.items()}
    if spoilt := [name for name, array in as_used.items() if not np.isfinite(array).all()]:
        raise CheckpointError(f"{path} holds weights that are NaN or infinite, in {listing(spoilt)}: its training has failed")


def check_form(model: nn.Module, wanted: WeightFile) -> None:
    """The network computes what the one does for which a file was published, whose weights may have the same names and shapes all the same.

    Compared are the kinds of layers, and the strides, paddings, eps and so on of each. Dropout and auxiliary classifiers may differ.

    Args:
        model: a network of the file's class, with as many parameters.
        wanted: the file.

    Raises:
        ArgumentError: it does not; the message names the first layer that differs.
    """
    with use_backend("meta"):
        published = _form(create(wanted.network, **wanted.kwargs))
    own = _form(model)
    for layer, setting in {**published, **own}:
        ours, theirs = own.get((layer, setting)), published.get((layer, setting))
        if ours != theirs:
            raise ArgumentError(
                f"the weights of {wanted.call} for ImageNet are for another form of {wanted.kind}: its layer {layer} has "
                f"{setting} {theirs}, and here {ours}: build {wanted.call}, or give a file"
            )


def _form(model: nn.Module) -> dict[tuple[str, str], Any]:
    """(layer, setting): its value."""
    form: dict[tuple[str, str], Any] = {}
    for name, layer in model.named_modules():
        if not (f"{name}.".startswith(HEADS) or isinstance(layer, ONLY_TRAINING)):
            form |= {(name, setting): getattr(layer, setting) for setting in SETTINGS if hasattr(layer, setting)}
            form[name, "kind"] = type(layer).__name__
    return form
