"""Loading a state dict: everything is checked first, and a message lists all that does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.checks import kind
from minicnn.errors import StateDictError, listing
from minicnn.kernels.array.module import array_module

if TYPE_CHECKING:
    from minicnn.nn.module import Module

MAY_BE_MISSING = "num_batches_tracked"  # a counter that files from before PyTorch 0.4.1 do not have

FITTING = {"f": "fiub", "i": "iub", "u": "iub", "b": "b"}  # kinds of elements that one kind can take without losing a part


def load_into(module: Module, state: Mapping[str, Any], strict: bool) -> None:
    """Overwrite the parameters and buffers of `module`. See `Module.load_state_dict`."""
    own = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    shared = {name for name in module.state_dict() if name not in own}  # second names of a tensor that is used twice
    given = {name: _array(value) for name, value in state.items()}
    missing = [name for name in own if name not in given and not name.endswith(MAY_BE_MISSING)]
    unexpected = [name for name in given if name not in own and name not in shared]
    wrong = [
        f"{name} is {given[name].shape} but should be {tensor.shape}"
        for name, tensor in own.items()
        if name in given and given[name].shape != tensor.shape and given[name].dtype != object
    ]
    types = [
        f"{name} is {_type_name(given[name], state[name])} but should be {tensor.dtype}"
        for name, tensor in own.items()
        if name in given and kind(given[name].dtype) not in FITTING[kind(tensor.dtype)]
    ]
    problems = [f"wrong shape: {listing(wrong)}"] if wrong else []
    if types:
        problems.append(f"wrong element type: {listing(types)}")
    if strict and missing:
        problems.append(f"missing: {listing(missing)}")
    if strict and unexpected:
        problems.append(f"unexpected: {listing(unexpected)}")
    if problems:
        raise StateDictError(f"the state dict does not fit {type(module).__name__}: {'; '.join(problems)}")
    for name, tensor in own.items():
        if name in given:
            tensor.data = array_module(tensor.data).asarray(given[name].astype(tensor.dtype, copy=True))
            tensor.version.count += 1


def _array(value: Any) -> np.ndarray[Any, Any]:
    """The value as an array; an array of one object if it is none, which no tensor can take."""
    try:
        return np.asarray(value)
    except (TypeError, ValueError, RuntimeError):  # rows of unequal length, arrays of a GPU, tensors of other libraries
        return np.array(None, object)


def _type_name(array: np.ndarray[Any, Any], value: Any) -> str:
    return "text" if array.dtype.kind in "US" else str(array.dtype) if array.dtype.kind != "O" else type(value).__name__
