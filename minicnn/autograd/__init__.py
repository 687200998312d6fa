"""Automatic differentiation: tensors, the functions that made them, and the walk back through the graph."""

from minicnn.autograd.anomaly import detect_anomaly
from minicnn.autograd.backward import backward
from minicnn.autograd.function import Function, KernelFunction
from minicnn.autograd.grad_mode import enable_grad, is_grad_enabled, no_grad
from minicnn.autograd.tensor import Tensor, as_tensor

__all__ = [
    "Function",
    "KernelFunction",
    "Tensor",
    "as_tensor",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "is_grad_enabled",
    "no_grad",
]
