"""Layers: modules with parameters and modes, one family a file."""

from minicnn.nn import init
from minicnn.nn.conv import Conv2d
from minicnn.nn.module import Buffer, Module, Parameter

__all__ = ["Buffer", "Conv2d", "Module", "Parameter", "init"]
