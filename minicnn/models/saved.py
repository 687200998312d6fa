"""Networks from checkpoints: built by the name that the file gives, and filled with its weights."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from minicnn.errors import CheckpointError, MinicnnError, StateDictError
from minicnn.io import load_checkpoint
from minicnn.models.fitting import check_numbers
from minicnn.models.registry import create
from minicnn.nn import Module


def load_model(path: str | os.PathLike[str]) -> tuple[Module, dict[str, Any]]:
    """The network in a checkpoint, built and with its weights, and the checkpoint's contents. Weights that were averaged over the steps are preferred.

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
    network, weights = contents["network"], {**contents["model"], **_averages(path, contents)}
    try:
        model = create(network["name"], **network["kwargs"])
    except (MinicnnError, TypeError, ValueError, OverflowError, MemoryError) as error:
        raise CheckpointError(f"{path} holds a network that cannot be built here: {error}") from None
    check_numbers(path, "the network it names", weights, model.state_dict())
    try:
        model.load_state_dict(weights)
    except StateDictError as error:
        raise CheckpointError(f"{path} does not fit the network it names: {error}") from None
    return model, contents


def _averages(path: str | os.PathLike[str], contents: Mapping[str, Any]) -> Mapping[str, Any]:
    average = contents.get("average")
    averages = average.get("averages") if isinstance(average, Mapping) else None
    if average is None or (isinstance(averages, Mapping) and all(isinstance(array, np.ndarray) for array in averages.values())):
        return averages or {}
    raise CheckpointError(f"{path} is a damaged checkpoint: the averages of its weights must be a dict of arrays")
