"""What operations are called in a picture: in words, with numbers, and in which colour."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from minicnn.autograd import Function

ACTIVATIONS = {"ReLU", "ReLU6", "LeakyReLU", "Sigmoid", "Tanh", "SiLU", "Hardswish", "Softmax", "LogSoftmax"}
NORMS = {"BatchNorm": "BN", "LocalResponseNorm": "LRN", "GroupNorm": "group norm", "LayerNorm": "layer norm"}
JOINS = {"Add": "+", "Multiply": "×", "Subtract": "−", "Divide": "÷", "Maximum": "max", "Minimum": "min", "Concatenate": "concat"}
WITH_NUMBERS = {"Add": "shift", "Subtract": "shift", "Multiply": "scale", "Divide": "scale"}  # where the other input is no feature map
OTHERS = {"ChannelShuffle": "channel shuffle", "GetItem": "slice", "Pad": "pad", "Mean": "mean", "Sum": "sum", "Max": "max", "Transpose": "transpose"}
LAYERS = ("conv", "linear", "pool")  # kinds that a box is named after; norms and activations that follow are joined with it


@dataclass(frozen=True)
class Words:
    """How an operation is shown.

    Attributes:
        kind: its colour, one of `svg.KINDS`.
        family: what it is, without numbers.
        text: what it is, with its numbers.
        after: what follows it in the same box.
        window: (kh, kw) of a convolution.
    """

    kind: str
    family: str
    text: str
    after: tuple[str, ...] = ()
    window: tuple[int, int] = (1, 1)


def words_of(node: Function, sources: int) -> tuple[Words, int]:
    """How an operation that reads `sources` results is shown, and its multiply-adds."""
    name = type(node).__name__
    if name in ("Conv2d", "Conv2dReLU"):
        return _convolution(node)
    if name == "Linear":
        O, D = node.input_shapes[1]
        return Words("linear", "linear", f"linear, {O}"), O * D * math.prod(node.shape[1:-1])
    return _other(node, name, sources), 0


def _convolution(node: Function) -> tuple[Words, int]:
    O, channels, kh, kw = node.input_shapes[1]
    groups, dilation = node.attributes["groups"], node.attributes["dilation"]
    family, text = "conv", f"conv {_window(node)}"
    if groups > 1:
        family = "depthwise conv" if channels == 1 else "grouped conv"
        text = f"depthwise {_window(node)}" if channels == 1 else text
    text += f", {O} filter{'s' * (O > 1)}"
    text += f", {groups} groups" if family == "grouped conv" else ""
    dh, dw = dilation
    text += "" if (dh, dw) == (1, 1) else f", dilation {dh}" if dh == dw else f", dilation {dh}x{dw}"
    after = ("ReLU",) if type(node).__name__ == "Conv2dReLU" else ()
    return Words("conv", family, text, after, (kh, kw)), O * channels * kh * kw * math.prod(node.shape[2:])


def _other(node: Function, name: str, sources: int) -> Words:
    if name in ("MaxPool2d", "AvgPool2d"):
        pool = f"{name[:3].lower()} pool"
        return Words("pool", pool, f"{pool} {_window(node)}")
    if name in ("AdaptiveAvgPool2d", "AdaptiveMaxPool2d"):
        pool, size = f"{name[8:11].lower()} pool", node.shape[2:]
        return Words("pool", f"{pool} to a size", f"global {pool}" if size == (1, 1) else f"{pool} to {size[0]}x{size[1]}")
    if name == "Mean" and len(node.input_shapes[0]) == 4 and math.prod(node.shape[2:]) == 1 and node.shape[1] == node.input_shapes[0][1]:
        return Words("pool", "avg pool to a size", "global avg pool")
    if name in NORMS:
        return Words("norm", NORMS[name], NORMS[name])
    if name in ACTIVATIONS:
        return Words("act", name, name)
    if name in JOINS:
        if sources > 1:
            return Words("join", JOINS[name], JOINS[name])
        return Words("act", WITH_NUMBERS.get(name, name.lower()), WITH_NUMBERS.get(name, name.lower()))
    if name == "Reshape":
        text = "flatten" if len(node.shape) == 2 else "reshape"
        return Words("plain", text, text)
    text = OTHERS.get(name, name)
    return Words("plain", text, text)


def _window(node: Function) -> str:
    """The window and, unless it is 1, the stride: 3x3 / 2."""
    attributes: dict[str, Any] = node.attributes
    kh, kw = attributes["kernel_size"] if "kernel_size" in attributes else node.input_shapes[1][2:]
    sh, sw = attributes["stride"]
    stride = "" if (sh, sw) == (1, 1) else f" / {sh}" if sh == sw else f" / {sh}x{sw}"
    return f"{kh}x{kw}{stride}"
