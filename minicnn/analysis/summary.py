"""A network's layers with their output shapes and costs, found without any arithmetic: on the backend `meta`."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from minicnn.autograd import Tensor
from minicnn.nn import (
    AdaptiveAvgPool2d,
    AdaptiveMaxPool2d,
    AvgPool2d,
    Conv2d,
    GlobalAvgPool2d,
    GlobalMaxPool2d,
    Linear,
    MaxPool2d,
    Module,
    Parameter,
)
from minicnn.nn.trace import image_shape, trace

POOLS = (AvgPool2d, MaxPool2d, AdaptiveAvgPool2d, AdaptiveMaxPool2d, GlobalAvgPool2d, GlobalMaxPool2d)
COUNTED = (Conv2d, Linear, *POOLS)  # whose outputs are called activations
FLOAT = 4  # bytes of a float32


@dataclass(frozen=True)
class Layer:
    """One layer as it ran on one image.

    Attributes:
        path: dotted path in the network, such as `features.3`.
        kind: the layer as its repr shows it.
        output: shape of its output, with the batch axis.
        parameters: numbers it learns; 0 when it runs a second time.
        macs: multiply-adds of its convolution or matrix product; biases, norms, poolings and activations count nothing.
        activations: numbers of its output, if it is a convolution, a linear layer or a pooling; else 0.
    """

    path: str
    kind: str
    output: tuple[int, ...]
    parameters: int
    macs: int
    activations: int

    @property
    def elements(self) -> int:
        """Numbers of its output."""
        return math.prod(self.output)

    @property
    def forward_bytes(self) -> int:
        """Memory of its output in float32."""
        return FLOAT * self.elements

    @property
    def training_bytes(self) -> int:
        """Memory in training: its output, kept for the backward pass, and the gradient of it."""
        return 2 * self.forward_bytes

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {**vars(self), "elements": self.elements, "forward_bytes": self.forward_bytes, "training_bytes": self.training_bytes}


@dataclass(frozen=True)
class Summary:
    """All layers in the order in which they ran on one image, and the totals over the whole network.

    Attributes:
        model: name of the network's class.
        input: shape of the image, with the batch axis.
        layers: as they ran.
        outputs: for every module that ran, by its path, the shape of its (last) output.
        parameters: numbers that are learned, also in parts that only run in training.
        buffers: numbers in the running statistics of batch norm.
        macs: multiply-adds of convolutions and linear layers.
        activations: numbers in the outputs of convolutions, linear layers and poolings.
    """

    model: str
    input: tuple[int, ...]
    layers: tuple[Layer, ...]
    outputs: dict[str, tuple[int, ...]]
    parameters: int
    buffers: int
    macs: int
    activations: int

    @property
    def forward_bytes(self) -> int:
        """Memory of all outputs in float32, if none is given back before the end."""
        return sum(layer.forward_bytes for layer in self.layers)

    @property
    def training_bytes(self) -> int:
        """Memory of all outputs and their gradients."""
        return sum(layer.training_bytes for layer in self.layers)

    def as_dict(self) -> dict[str, Any]:
        """Plain dicts and lists, ready for JSON."""
        return {
            "model": self.model,
            "input": self.input,
            "layers": [layer.as_dict() for layer in self.layers],
            "parameters": self.parameters,
            "buffers": self.buffers,
            "macs": self.macs,
            "activations": self.activations,
            "forward_bytes": self.forward_bytes,
            "training_bytes": self.training_bytes,
        }


def summarize(model: Module, input_shape: Sequence[int] | None = None) -> Summary:
    """What every layer puts out for one image in evaluation mode, and what it costs. Nothing is computed but shapes.

    A layer is a module without modules inside, or one with parameters of its own. The network's mode is as before
    afterwards. To summarise a network without giving its weights memory, build it inside `use_backend("meta")`, too.

    Args:
        model: any network of layers.
        input_shape: (C, H, W) of one image; by default the network's own, `model.input_shape`.

    Raises:
        ShapeError: `input_shape` is not three integers >= 1, or too large, or the network cannot take such an image.
        ArgumentError: no shape is given and the network has none of its own.

    Example:
        >>> from minicnn.models import LeNet5
        >>> summary = summarize(LeNet5())
        >>> summary.parameters, summary.macs
        (61706, 416520)
        >>> summary.layers[0].output
        (1, 6, 28, 28)
    """
    image = image_shape(model, input_shape, "summarize")
    layers: list[Layer] = []
    outputs: dict[str, tuple[int, ...]] = {}
    seen: set[int] = set()

    def note(path: str, is_layer: bool) -> Callable[[Module, tuple[Any, ...], Any], None]:
        def hook(module: Module, _inputs: tuple[Any, ...], output: Any) -> None:
            shape = outputs[path] = output.shape if isinstance(output, Tensor) else ()
            if is_layer:
                own = [p for p in _own_parameters(module) if id(p) not in seen]
                seen.update(map(id, own))
                activations = math.prod(shape) if isinstance(module, COUNTED) else 0
                kind = repr(module).partition("\n")[0]
                layers.append(Layer(path, kind, shape, sum(p.size for p in own), _macs(module, shape), activations))

        return hook

    removers = [
        m.register_forward_hook(note(path, bool(_own_parameters(m) or not list(m.children())))) for path, m in model.named_modules()
    ]
    try:
        trace(model, image)
    finally:
        for remove in removers:
            remove()
    return Summary(
        type(model).__name__,
        (1, *image),
        tuple(layers),
        outputs,
        sum(p.size for p in model.parameters()),
        sum(b.size for b in model.buffers() if b.dtype.kind == "f"),
        sum(layer.macs for layer in layers),
        sum(layer.activations for layer in layers),
    )


def _own_parameters(module: Module) -> list[Parameter]:
    return [value for value in vars(module).values() if isinstance(value, Parameter)]


def _macs(module: Module, output: tuple[int, ...]) -> int:
    """A product per weight and output position: w (O, C/G, kh, kw) is used P Q times, w (O, I) once per row."""
    if isinstance(module, Conv2d):
        return module.weight.size * output[2] * output[3]
    if isinstance(module, Linear):
        return module.weight.size * math.prod(output[1:-1])
    return 0
