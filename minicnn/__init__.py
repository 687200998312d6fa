"""minicnn: a deep-learning framework from scratch on NumPy and CuPy, for teaching convolutional networks."""

import importlib
from typing import TYPE_CHECKING, Any

from minicnn import data, models, nn, ops, optim
from minicnn._version import __version__
from minicnn.autograd import Tensor, detect_anomaly, enable_grad, is_grad_enabled, no_grad
from minicnn.backend import (
    get_backend,
    get_num_threads,
    list_backends,
    manual_seed,
    set_backend,
    set_conv_algorithm,
    set_num_threads,
    use_backend,
)
from minicnn.creation import arange, full, ones, ones_like, rand, randn, tensor, zeros, zeros_like
from minicnn.draw.graph import graph
from minicnn.ops.autocast import autocast
from minicnn.optim import GradScaler
from minicnn.place import empty_cache, memory_stats
from minicnn.profiling import profile

if TYPE_CHECKING:
    from minicnn import detection, train, transfer, visualise
    from minicnn.train.compile_step import compile_step

__all__ = [
    "GradScaler",
    "Tensor",
    "__version__",
    "arange",
    "autocast",
    "compile_step",
    "data",
    "detect_anomaly",
    "detection",
    "empty_cache",
    "enable_grad",
    "full",
    "get_backend",
    "get_num_threads",
    "graph",
    "is_grad_enabled",
    "list_backends",
    "manual_seed",
    "memory_stats",
    "models",
    "nn",
    "no_grad",
    "ones",
    "ones_like",
    "ops",
    "optim",
    "profile",
    "rand",
    "randn",
    "set_backend",
    "set_conv_algorithm",
    "set_num_threads",
    "tensor",
    "train",
    "transfer",
    "use_backend",
    "visualise",
    "zeros",
    "zeros_like",
]

_WHEN_ASKED_FOR = ("detection", "train", "transfer", "visualise")  # what people do with networks: not everybody, and not at once


def __getattr__(name: str) -> Any:
    """A package that is imported when it is asked for first."""
    if name == "compile_step":
        return importlib.import_module("minicnn.train.compile_step").compile_step
    if name in _WHEN_ASKED_FOR:
        return importlib.import_module(f"minicnn.{name}")
    raise AttributeError(f"module 'minicnn' has no attribute {name!r}")
