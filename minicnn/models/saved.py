"""Networks from checkpoints: built by the name that the file gives, and filled with its weights."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from minicnn.errors import CheckpointError, MinicnnError, StateDictError, listing
from minicnn.io import load_checkpoint
from minicnn.kernels.types import Array
from minicnn.models.registry import create
from minicnn.nn import Module


def load_model(path: str | os.PathLike[str]) -> tuple[Module, dict[str, Any]]:
    """The network in a checkpoint, built and with its weights, and the checkpoint's contents.

    Raises:
        CheckpointError: as `io.load_checkpoint`; or the network is unknown here; or the weights do not fit it, or are not finite.

    Example:
        >>> import tempfile
        >>> from minicnn.io import save_checkpoint
        >>> path = os.path.join(tempfile.mkdtemp(), "net.safetensors")
        >>> weights = create("LeNet5").state_dict()
        >>> save_checkpoint(path, {"model": weights, "network": {"name": "LeNet5", "kwargs": {}}})
        >>> load_model(path)[0].c1.weight.shape
        (6, 1, 5, 5)
    """
    contents = load_checkpoint(path)
    network, weights = contents["network"], contents["model"]
    try:
        model = create(network["name"], **network["kwargs"])
    except (MinicnnError, TypeError, ValueError, OverflowError, MemoryError) as error:
        raise CheckpointError(f"{path} holds a network that cannot be built here: {error}") from None
    _check_weights(path, weights, model.state_dict())
    try:
        model.load_state_dict(weights)
    except StateDictError as error:
        raise CheckpointError(f"{path} does not fit the network it names: {error}") from None
    return model, contents


def _check_weights(path: str | os.PathLike[str], weights: Mapping[str, Array], own: Mapping[str, Array]) -> None:
    """No number is NaN or Inf, and none was an integer where the network has none: its bits would mean another number."""
    for name, array in weights.items():
        if name in own and array.dtype.kind != own[name].dtype.kind:
            raise CheckpointError(f"{path} does not fit the network it names: {name} is {array.dtype} but should be {own[name].dtype}")
    if spoilt := [name for name, array in weights.items() if not np.isfinite(array).all()]:
        raise CheckpointError(f"{path} holds weights that are NaN or infinite, in {listing(spoilt)}: its training has failed")
