"""Cases as large as in a network, for every operation: several blocks of threads, ragged ends, channels in multiples of four and not.

The cases of `minicnn.testing.cases` fit into one block of threads. What goes wrong between blocks, or in the vectorised middle of a row,
shows here. Each entry of `LARGE` draws one case from a generator of random numbers.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minicnn import ops
from minicnn.autograd import KernelFunction
from minicnn.testing.cases.case import Case, kernel_case

Random = np.random.Generator
Build = Callable[[Random], Case]

ELEMENTWISE = ("relu", "leaky_relu", "relu6", "sigmoid", "tanh", "silu", "hardswish")
LOSSES = ("mse_loss", "l1_loss", "smooth_l1_loss")


def function(op: str) -> type[KernelFunction]:
    """The node of an operation that has kernels."""
    return next(node for node in _nodes(KernelFunction) if getattr(node, "op", None) == op)


def _nodes(node: type[KernelFunction]) -> list[type[KernelFunction]]:
    assert ops  # its import defines them
    return [node, *(deeper for below in node.__subclasses__() for deeper in _nodes(below))]


def conv(op: str, N: int, C: int, H: int, W: int, O: int, k: int, stride: int = 1, padding: int = 0, groups: int = 1, dilation: int = 1, bias: bool = False) -> Build:
    """A convolution with square windows; weights as small as in a network."""

    def build(random: Random) -> Case:
        w = random.standard_normal((O, C // groups, k, k)) / math.sqrt(C // groups * k * k)
        inputs = {"x": random.standard_normal((N, C, H, W)), "w": w, "b": random.standard_normal(O) if bias else None}
        attributes: dict[str, Any] = {"stride": (stride,) * 2, "padding": (padding,) * 4, "dilation": (dilation,) * 2, "groups": groups}
        return kernel_case(function(op), inputs, **attributes, **({"ceiling": math.inf} if op == "conv2d_relu" else {}))

    return build


def images(op: str, *shape: int, **attributes: Any) -> Build:
    """An operation with one input and no parameters."""
    return lambda random: kernel_case(function(op), {"x": 2 * random.standard_normal(shape)}, **attributes)


def norm(op: str, *shape: int, training: bool = True, affine: bool = True, **attributes: Any) -> Build:
    """A normalisation; its parameters have an element for each channel, or for each element of the last axes."""

    def build(random: Random) -> Case:
        size = shape[-attributes["ndim"] :] if op == "layer_norm" else (shape[1],)
        inputs = {"x": 2 * random.standard_normal(shape) + 1, "gamma": random.standard_normal(size) if affine else None, "beta": random.standard_normal(size) if affine else None}
        if op == "batch_norm_add_relu":
            inputs["z"] = random.standard_normal(shape)
        if not op.startswith("batch"):
            return kernel_case(function(op), inputs, eps=1e-5, **attributes)
        constants = {
            "running_mean": None if training else random.standard_normal(size),
            "running_var": None if training else random.standard_normal(size) ** 2 + 0.5,
        }
        ceiling = {"ceiling": attributes.get("ceiling", math.inf)} if op.endswith("relu") else {}
        return kernel_case(function(op), inputs, constants=constants, training=training, eps=1e-5, **ceiling)

    return build


def linear(N: int, D: int, O: int, bias: bool = True) -> Build:
    """N vectors."""

    def build(random: Random) -> Case:
        w = random.standard_normal((O, D)) / math.sqrt(D)
        return kernel_case(function("linear"), {"x": random.standard_normal((N, D)), "w": w, "b": random.standard_normal(O) if bias else None})

    return build


def cross_entropy(*shape: int, **attributes: Any) -> Build:
    """Labels for (N, K) or (N, K, ...)."""

    def build(random: Random) -> Case:
        labels = random.integers(shape[1], size=(shape[0], *shape[2:]))
        return kernel_case(function("cross_entropy"), {"logits": 2 * random.standard_normal(shape), "labels": labels}, **attributes)

    return build


def difference(op: str, *shape: int, **attributes: Any) -> Build:
    """A loss of two arrays of one shape."""
    extra = {"beta": 1.0} if op == "smooth_l1_loss" else {}
    return lambda random: kernel_case(
        function(op), {"x": random.standard_normal(shape), "target": random.standard_normal(shape)}, **extra, **attributes
    )


def regions(op: str, K: int, *shape: int, spatial_scale: float = 1 / 16, **attributes: Any) -> Build:
    """K boxes on images (N, C, H, W), some of them partly outside: corners that are exact in 16 bits, and no sampling point on an edge."""

    def build(random: Random) -> Case:
        corners = np.sort(random.integers(-8, 4 * max(shape[2:]) + 8, (K, 2, 2)), axis=1) / 4
        if op == "roi_align":
            corners += 1 / 32
        boxes = np.concatenate([random.integers(shape[0], size=(K, 1)), corners.reshape(K, 4) / spatial_scale], axis=1)
        return kernel_case(function(op), {"x": random.standard_normal(shape)}, constants={"boxes": boxes}, spatial_scale=spatial_scale, **attributes)

    return build


def _convolutions(op: str) -> list[Build]:
    return [
        conv(op, 2, 3, 112, 112, 64, 7, 2, 3),
        conv(op, 4, 64, 28, 28, 64, 3, 1, 1, bias=True),
        conv(op, 2, 128, 28, 28, 128, 3, 2, 1),
        conv(op, 4, 256, 14, 14, 64, 1),
        conv(op, 3, 64, 15, 13, 200, 1, 2, bias=True),
        conv(op, 2, 512, 7, 7, 512, 3, 1, 1),
        conv(op, 3, 37, 19, 23, 45, 3, 1, 1, bias=True),  # no multiple of anything
        conv(op, 2, 24, 17, 17, 40, 5, 2, 2, dilation=2),
        conv(op, 2, 96, 28, 28, 96, 3, 1, 1, groups=96),
        conv(op, 2, 30, 15, 15, 60, 3, 2, 1, groups=30, bias=True),
        conv(op, 2, 64, 14, 14, 96, 3, 1, 1, groups=8),
        conv(op, 1, 1, 33, 35, 6, 5, bias=True),
        conv(op, 130, 16, 8, 8, 16, 3, 1, 1),
    ]


def _norms(op: str) -> list[Build]:
    return [
        norm(op, 8, 64, 56, 56),
        norm(op, 5, 37, 13, 11),
        norm(op, 4, 512, 7, 7),
        norm(op, 3, 2048, 4, 4, affine=False),
        norm(op, 1000, 70),
        norm(op, 2, 3, 224, 224),
        norm(op, 4, 32, 28, 28, training=False),
        norm(op, 4, 33, 9, 9, training=False),
    ]


def _pool(op: str, **attributes: Any) -> list[Build]:
    square = {"kernel_size": (3, 3), "stride": (2, 2), "padding": (1, 1, 1, 1), "ceil_mode": False}
    plain = {"kernel_size": (2, 2), "stride": (2, 2), "padding": (0, 0, 0, 0), "ceil_mode": False}
    odd = {"kernel_size": (3, 2), "stride": (1, 3), "padding": (1, 0, 0, 1), "ceil_mode": True}
    return [
        images(op, 4, 64, 56, 56, **square, **attributes),
        images(op, 3, 37, 29, 31, **square, **attributes),
        images(op, 4, 128, 28, 28, **plain, **attributes),
        images(op, 3, 5, 65, 63, **odd, **attributes),
    ]


LARGE: dict[str, list[Build]] = {
    "conv2d": _convolutions("conv2d"),
    "conv2d_relu": _convolutions("conv2d_relu"),
    "linear": [linear(128, 512, 1000), linear(100, 2048, 10), linear(33, 37, 41, bias=False), linear(1, 400, 120), linear(1000, 84, 10)],
    "batch_norm": _norms("batch_norm"),
    "batch_norm_add_relu": _norms("batch_norm_add_relu"),
    "batch_norm_relu": [*_norms("batch_norm_relu"), norm("batch_norm_relu", 4, 32, 28, 28, ceiling=6.0)],
    "group_norm": [norm("group_norm", 4, 64, 28, 28, groups=32), norm("group_norm", 3, 36, 13, 11, groups=4), norm("group_norm", 2, 33, 56, 56, groups=33)],
    "layer_norm": [norm("layer_norm", 512, 768, ndim=1), norm("layer_norm", 33, 37, 41, ndim=2), norm("layer_norm", 4, 64, 28, 28, ndim=3)],
    "local_response_norm": [
        images("local_response_norm", *shape, size=5, alpha=0.1, beta=0.75, k=2.0) for shape in ((4, 64, 28, 28), (2, 37, 13, 11), (16, 96))
    ],
    "max_pool2d": _pool("max_pool2d", dilation=(1, 1)),
    "avg_pool2d": [*_pool("avg_pool2d", count_include_pad=True), *_pool("avg_pool2d", count_include_pad=False)],
    "softmax": [images("softmax", *shape, axis=axis) for shape, axis in (((128, 1000), 1), ((4, 21, 65, 63), 1), ((5000, 10), 1), ((3, 5000), 1))],
    "log_softmax": [images("log_softmax", *shape, axis=axis) for shape, axis in (((128, 1000), 1), ((4, 21, 65, 63), 1), ((7, 33, 65), 0))],
    "dropout": [
        images("dropout", *shape, p=0.3, seed=2**62 + 12345, mask_axes=axes) for shape, axes in (((128, 4096), 2), ((4, 64, 28, 28), 2), ((3, 37, 13, 11), 4))
    ],
    "cross_entropy": [
        cross_entropy(128, 1000, label_smoothing=0.0, reduction="mean"),
        cross_entropy(256, 1000, label_smoothing=0.1, reduction="mean"),
        cross_entropy(4, 21, 65, 63, label_smoothing=0.0, reduction="mean"),
        cross_entropy(5000, 10, label_smoothing=0.1, reduction="none"),
    ],
    **{
        op: [images(op, *shape, output_size=size) for shape, size in (((4, 512, 7, 7), (1, 1)), ((3, 37, 29, 31), (7, 6)), ((2, 64, 56, 56), (7, 7)))]
        for op in ("adaptive_avg_pool2d", "adaptive_max_pool2d")
    },
    "roi_pool": [
        regions("roi_pool", 64, 2, 256, 25, 38, output_size=(7, 7)),
        regions("roi_pool", 130, 1, 37, 29, 31, output_size=(6, 5)),
    ],
    "roi_align": [
        regions("roi_align", 64, 2, 256, 25, 38, output_size=(7, 7), sampling_ratio=2, aligned=True),
        regions("roi_align", 130, 1, 37, 29, 31, output_size=(3, 3), sampling_ratio=0, aligned=False),
    ],
    **{
        op: [images(op, *shape, **({"negative_slope": 0.2} if op == "leaky_relu" else {})) for shape in ((8, 64, 28, 28), (3, 37, 13, 11), (1_000_003,))]
        for op in ELEMENTWISE
    },
    **{op: [difference(op, *shape, reduction=how) for shape, how in (((128, 1000), "mean"), ((1_000_003,), "sum"), ((37, 41), "none"))] for op in LOSSES},
}
