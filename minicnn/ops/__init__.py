"""Differentiable operations on tensors, one family a file."""

from minicnn.ops.conv import conv2d

__all__ = ["conv2d"]
