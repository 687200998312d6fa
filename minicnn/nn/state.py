"""Loading a state dict: everything is checked first, and a message lists all that does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.backend import get_backend
from minicnn.errors import StateDictError, listing

if TYPE_CHECKING:
    from minicnn.nn.module import Module

MAY_BE_MISSING = "num_batches_tracked"  # a counter that files from before PyTorch 0.4.1 do not have


def load_into(module: Module, state: Mapping[str, Any], strict: bool) -> None:
    """Overwrite the parameters and buffers of `module`. See `Module.load_state_dict`."""
    own = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    shared = {name for name in module.state_dict() if name not in own}  # second names of a tensor that is used twice
    given = {name: np.asarray(value) for name, value in state.items()}
    missing = [name for name in own if name not in given and not name.endswith(MAY_BE_MISSING)]
    unexpected = [name for name in given if name not in own and name not in shared]
    wrong = [
        f"{name} is {given[name].shape} but should be {tensor.shape}"
        for name, tensor in own.items()
        if name in given and given[name].shape != tensor.shape
    ]
    problems = [f"wrong shape: {listing(wrong)}"] if wrong else []
    if strict and missing:
        problems.append(f"missing: {listing(missing)}")
    if strict and unexpected:
        problems.append(f"unexpected: {listing(unexpected)}")
    if problems:
        raise StateDictError(f"the state dict does not fit {type(module).__name__}: {'; '.join(problems)}")
    for name, tensor in own.items():
        if name in given:
            tensor.data = get_backend().asarray(given[name].astype(tensor.dtype, copy=True))
            tensor.version.count += 1
