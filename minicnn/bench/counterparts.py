"""For each operation of minicnn, the same one in PyTorch, called as somebody who writes PyTorch would call it.

`COUNTERPARTS[kind](torch, attributes)` gives a function of tensors. PyTorch comes in as an argument, so that `rival` alone imports it.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from minicnn.errors import ArgumentError

Call = Callable[..., Any]
Attributes = dict[str, Any]
Counterpart = Callable[[Any, Attributes], Call]


def plain(name: str) -> Counterpart:
    """A function of PyTorch that takes the same inputs and no attributes."""
    return lambda torch, attributes: functools.reduce(getattr, name.split("."), torch)  # noqa: ARG005 - called as the others are


def conv2d(torch: Any, a: Attributes) -> Call:
    """PyTorch's convolution pads both sides alike; other padding is an operation of its own."""
    frame, padding = split_padding(a["padding"])
    options = {"stride": a["stride"], "padding": padding, "dilation": a["dilation"], "groups": a["groups"]}
    F = torch.nn.functional
    if frame is None:
        return lambda x, w, b: F.conv2d(x, w, b, **options)
    return lambda x, w, b: F.conv2d(F.pad(x, frame), w, b, **options)


def max_pool2d(torch: Any, a: Attributes) -> Call:
    """Unequal padding counts as -inf here, too."""
    frame, padding = split_padding(a["padding"])
    options = {"stride": a["stride"], "padding": padding, "dilation": a["dilation"], "ceil_mode": a["ceil_mode"]}
    F = torch.nn.functional
    if frame is None:
        return lambda x: F.max_pool2d(x, a["kernel_size"], **options)
    return lambda x: F.max_pool2d(F.pad(x, frame, value=-np.inf), a["kernel_size"], **options)


def avg_pool2d(torch: Any, a: Attributes) -> Call:
    """With unequal padding that does not count, sums are divided by how many pixels each window has: the pool of an image of ones."""
    frame, padding = split_padding(a["padding"])
    F = torch.nn.functional
    pool = functools.partial(F.avg_pool2d, kernel_size=a["kernel_size"], stride=a["stride"], padding=padding, ceil_mode=a["ceil_mode"])
    if frame is None:
        return lambda x: pool(x, count_include_pad=a["count_include_pad"])
    if a["count_include_pad"]:
        return lambda x: pool(F.pad(x, frame))

    @functools.cache
    def share(H: int, W: int, dtype: Any, device: Any) -> Any:
        return pool(F.pad(torch.ones(1, 1, H, W, dtype=dtype, device=device), frame))

    return lambda x: pool(F.pad(x, frame)) / share(*x.shape[2:], x.dtype, x.device)


def adaptive_pool2d(name: str) -> Counterpart:
    """Average or maximum."""
    return lambda torch, a: lambda x: getattr(torch.nn.functional, name)(x, a["output_size"])


def batch_norm(torch: Any, a: Attributes) -> Call:
    """In training it updates the running statistics, if there are any."""
    F, training, momentum, eps = torch.nn.functional, a["training"], a.get("momentum", 0.0), a["eps"]
    return lambda x, gamma, beta, mean, var: F.batch_norm(x, mean, var, gamma, beta, training, momentum, eps)


def group_norm(torch: Any, a: Attributes) -> Call:
    """Instance norm is the case of one group per channel."""
    return lambda x, gamma, beta: torch.nn.functional.group_norm(x, a["groups"], gamma, beta, a["eps"])


def layer_norm(torch: Any, a: Attributes) -> Call:
    """Over the last axes."""
    return lambda x, gamma, beta: torch.nn.functional.layer_norm(x, x.shape[-a["ndim"] :], gamma, beta, a["eps"])


def local_response_norm(torch: Any, a: Attributes) -> Call:
    """minicnn's kernels multiply the sum over the window, PyTorch the mean."""
    options = {"alpha": a["alpha"] * a["size"], "beta": a["beta"], "k": a["k"]}
    return lambda x: torch.nn.functional.local_response_norm(x, a["size"], **options)


def dropout(torch: Any, a: Attributes) -> Call:
    """Of elements, or, where the mask has fewer axes, of whole channels or samples."""
    F, p, axes = torch.nn.functional, a["p"], a["mask_axes"]

    def drop(x: Any) -> Any:
        if axes == x.ndim:
            return F.dropout(x, p)
        return x * F.dropout(x.new_ones(*x.shape[:axes], *(1,) * (x.ndim - axes)), p)

    return drop


def cross_entropy(torch: Any, a: Attributes) -> Call:
    """With the same options."""
    options = {"label_smoothing": a["label_smoothing"], "reduction": a["reduction"]}
    return lambda logits, labels: torch.nn.functional.cross_entropy(logits, labels, **options)


def leaky_relu(torch: Any, a: Attributes) -> Call:
    """With a slope."""
    return lambda x: torch.nn.functional.leaky_relu(x, a["negative_slope"])


def softmax(name: str) -> Counterpart:
    """Softmax or its logarithm."""
    return lambda torch, a: lambda x: getattr(torch, name)(x, a["axis"])


def reduction(name: str) -> Counterpart:
    """Over several axes; `amax` shares a gradient among equals, as minicnn does."""
    return lambda torch, a: lambda x: getattr(torch, name)(x, a["axes"], keepdim=a["keepdims"])


def variance(torch: Any, a: Attributes) -> Call:
    """With a correction."""
    return lambda x: torch.var(x, a["axes"], correction=a["correction"], keepdim=a["keepdims"])


def reshape(torch: Any, a: Attributes) -> Call:  # noqa: ARG001
    """The shape was recorded with the batch of the benchmark."""
    return lambda x: x.reshape(a["shape"])


def transpose(torch: Any, a: Attributes) -> Call:  # noqa: ARG001
    """Any order of axes."""
    return lambda x: x.permute(a["axes"])


def broadcast_to(torch: Any, a: Attributes) -> Call:  # noqa: ARG001
    """A view."""
    return lambda x: x.expand(a["shape"])


def channel_shuffle(torch: Any, a: Attributes) -> Call:  # noqa: ARG001
    """As torchvision's ShuffleNet has it."""
    groups = a["groups"]

    def shuffle(x: Any) -> Any:
        N, C, H, W = x.shape
        return x.reshape(N, groups, C // groups, H, W).transpose(1, 2).reshape(N, C, H, W)

    return shuffle


def get_item(torch: Any, a: Attributes) -> Call:
    """Arrays in the index become tensors once; PyTorch knows no slices that run backwards."""
    index = tuple(torch.as_tensor(np.asarray(i)) if isinstance(i, (list, np.ndarray)) else i for i in a["index"])
    if any(isinstance(i, slice) and i.step is not None and i.step < 0 for i in index):
        raise ArgumentError("an index that runs backwards (GetItem with a negative step) has no counterpart in PyTorch")
    return lambda x: x[index]


def pad(torch: Any, a: Attributes) -> Call:
    """PyTorch lists the last axis first."""
    frame = [side for pair in reversed(a["frame"]) for side in pair]
    return lambda x: torch.nn.functional.pad(x, frame, value=a["value"])


def concatenate(torch: Any, a: Attributes) -> Call:
    """Any number of inputs."""
    return lambda *parts: torch.cat(parts, a["axis"])


def clip(torch: Any, a: Attributes) -> Call:
    """Into [low, high]."""
    return lambda x: torch.clamp(x, a["low"], a["high"])


def as_type(torch: Any, a: Attributes) -> Call:
    """PyTorch's types bear NumPy's names."""
    dtype = getattr(torch, np.dtype(a["dtype"]).name)
    return lambda x: x.to(dtype)


def split_padding(padding: tuple[int, int, int, int]) -> tuple[tuple[int, ...] | None, tuple[int, int]]:
    """(top, bottom, left, right) as what F.pad must do before, None for nothing, and what the operation itself can do.

    >>> split_padding((1, 1, 2, 2)), split_padding((0, 1, 0, 1))
    ((None, (1, 2)), ((0, 1, 0, 1), (0, 0)))
    """
    top, bottom, left, right = padding
    if (top, left) == (bottom, right):
        return None, (top, left)
    return (left, right, top, bottom), (0, 0)


COUNTERPARTS: dict[str, Counterpart] = {
    "Conv2d": conv2d, "Linear": plain("nn.functional.linear"), "MatMul": plain("matmul"),
    "MaxPool2d": max_pool2d, "AvgPool2d": avg_pool2d,
    "AdaptiveAvgPool2d": adaptive_pool2d("adaptive_avg_pool2d"), "AdaptiveMaxPool2d": adaptive_pool2d("adaptive_max_pool2d"),
    "BatchNorm": batch_norm, "GroupNorm": group_norm, "LayerNorm": layer_norm, "LocalResponseNorm": local_response_norm,
    "ReLU": plain("relu"), "ReLU6": plain("nn.functional.relu6"), "LeakyReLU": leaky_relu, "Sigmoid": plain("sigmoid"),
    "Tanh": plain("tanh"), "SiLU": plain("nn.functional.silu"), "Hardswish": plain("nn.functional.hardswish"),
    "Softmax": softmax("softmax"), "LogSoftmax": softmax("log_softmax"), "CrossEntropy": cross_entropy, "Dropout": dropout,
    "Add": plain("add"), "Subtract": plain("sub"), "Multiply": plain("mul"), "Divide": plain("div"), "Power": plain("pow"),
    "Negative": plain("neg"), "Exp": plain("exp"), "Log": plain("log"), "Sqrt": plain("sqrt"), "Abs": plain("abs"), "Clip": clip,
    "Maximum": plain("maximum"), "Minimum": plain("minimum"), "Where": plain("where"), "AsType": as_type,
    "Sum": reduction("sum"), "Mean": reduction("mean"), "Max": reduction("amax"), "Min": reduction("amin"),
    "LogSumExp": reduction("logsumexp"), "Var": variance,
    "Reshape": reshape, "Transpose": transpose, "BroadcastTo": broadcast_to, "GetItem": get_item, "Pad": pad, "Concatenate": concatenate,
    "ChannelShuffle": channel_shuffle,
}  # fmt: skip

IN_PLACE: dict[str, Counterpart] = {  # what torchvision's networks write with `inplace=True` and `out += identity`
    "ReLU": plain("relu_"), "ReLU6": lambda torch, a: lambda x: torch.nn.functional.relu6(x, inplace=True),  # noqa: ARG005
    "SiLU": lambda torch, a: lambda x: torch.nn.functional.silu(x, inplace=True),  # noqa: ARG005
    "Hardswish": lambda torch, a: lambda x: torch.nn.functional.hardswish(x, inplace=True),  # noqa: ARG005
    "Add": lambda torch, a: lambda x, y: x.add_(y),  # noqa: ARG005
}  # fmt: skip
MAY_BE_OVERWRITTEN = {"Conv2d", "Linear", "BatchNorm", "Add", "Concatenate", "MaxPool2d", "AvgPool2d"}
"""Operations whose backward does not need their own result."""


def counterpart(torch: Any, kind: str, attributes: Attributes, *, in_place: bool = False) -> Call:
    """The function of PyTorch for an operation.

    Raises:
        ArgumentError: it has none here.
    """
    table = IN_PLACE if in_place else COUNTERPARTS
    if kind not in table:
        raise ArgumentError(f"the operation {kind} has no counterpart in PyTorch yet: enter it in minicnn/bench/counterparts.py")
    return table[kind](torch, attributes)
