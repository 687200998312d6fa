"""minicnn: a deep-learning framework from scratch on NumPy and CuPy, for teaching convolutional networks."""

from minicnn import data, models, nn, ops, optim
from minicnn._version import __version__
from minicnn.analysis.graph import graph
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
from minicnn.ops.autocast import autocast
from minicnn.optim import GradScaler
from minicnn.place import empty_cache, memory_stats
from minicnn.profiling import profile
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
    "use_backend",
    "zeros",
    "zeros_like",
]
