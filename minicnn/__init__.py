"""minicnn: a deep-learning framework from scratch on NumPy and CuPy, for teaching convolutional networks."""

from minicnn import nn, ops
from minicnn._version import __version__
from minicnn.autograd import Tensor, detect_anomaly, enable_grad, is_grad_enabled, no_grad
from minicnn.backend import get_backend, list_backends, manual_seed, set_backend, use_backend

__all__ = [
    "Tensor",
    "__version__",
    "detect_anomaly",
    "enable_grad",
    "get_backend",
    "is_grad_enabled",
    "list_backends",
    "manual_seed",
    "nn",
    "no_grad",
    "ops",
    "set_backend",
    "use_backend",
]
