"""Whether the numbers in a file of weights can be a network's."""

import os
from collections.abc import Mapping

import numpy as np

from minicnn.errors import CheckpointError, listing
from minicnn.kernels.types import Array


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
    if spoilt := [name for name, array in weights.items() if not np.isfinite(array).all()]:
        raise CheckpointError(f"{path} holds weights that are NaN or infinite, in {listing(spoilt)}: its training has failed")
