"""A network's layers with their output shapes, parameters and multiply-adds, seen while one image runs through."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minicnn.autograd import Tensor, no_grad
from minicnn.errors import ShapeError
from minicnn.nn import Conv2d, Linear, Module, Parameter
from minicnn.nn.mode import evaluating

MOST = 1_000_000_000  # numbers of an image: 4 GB


@dataclass(frozen=True)
class Layer:
    """One layer as it ran.

    Attributes:
        path: dotted path in the network, such as `features.3`.
        kind: the layer as its repr shows it.
        output: shape of its output, with the batch axis.
        parameters: numbers it learns; 0 when it runs a second time.
        multiply_adds: of its convolution or matrix product for one image; biases, poolings and activations count nothing.
    """

    path: str
    kind: str
    output: tuple[int, ...]
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class Summary:
    """All layers in the order in which they ran, and the totals over the whole network."""

    model: str
    input: tuple[int, ...]
    layers: tuple[Layer, ...]
    parameters: int
    multiply_adds: int

    def as_dict(self) -> dict[str, Any]:
        """Plain dicts and lists, ready for JSON."""
        return dataclasses.asdict(self)


def summarize(model: Module, input_shape: Sequence[int]) -> Summary:
    """Run one black image through the network in evaluation mode and note what every layer puts out.

    A layer is a module without modules inside, or one with parameters of its own. The network's mode is as before
    afterwards.

    Args:
        model: any network of layers.
        input_shape: (C, H, W) of one image.

    Raises:
        ShapeError: `input_shape` is not three sizes >= 1, or more numbers than memory holds, or the network cannot take
            such an image.

    Example:
        >>> from minicnn.models import LeNet5
        >>> summary = summarize(LeNet5(), (1, 32, 32))
        >>> summary.parameters, summary.multiply_adds
        (61706, 416520)
        >>> summary.layers[0].output
        (1, 6, 28, 28)
    """
    if len(input_shape) != 3 or min(input_shape) < 1:
        raise ShapeError(f"summarize: the input must be (C, H, W), all at least 1, not {tuple(input_shape)}")
    if math.prod(input_shape) > MOST:
        raise ShapeError(f"summarize: an image of {' x '.join(map(str, input_shape))} is too large: it has more than {MOST:,} numbers")
    layers: list[Layer] = []
    seen: set[int] = set()

    def note(path: str) -> Callable[[Module, tuple[Any, ...], Any], None]:
        def hook(module: Module, _inputs: tuple[Any, ...], output: Any) -> None:
            own = [p for p in _own_parameters(module) if id(p) not in seen]
            seen.update(map(id, own))
            shape = output.shape if isinstance(output, Tensor) else ()
            layers.append(Layer(path, repr(module).partition("\n")[0], shape, sum(p.size for p in own), _multiply_adds(module, shape)))

        return hook

    removers = [m.register_forward_hook(note(path)) for path, m in model.named_modules() if _own_parameters(m) or not list(m.children())]
    try:
        with evaluating(model), no_grad():
            model(Tensor.wrap(np.zeros((1, *input_shape), np.float32)))  # without a copy, zeros take no memory yet
    finally:
        for remove in removers:
            remove()
    return Summary(
        type(model).__name__,
        (1, *input_shape),
        tuple(layers),
        sum(p.size for p in model.parameters()),
        sum(layer.multiply_adds for layer in layers),
    )


def _own_parameters(module: Module) -> list[Parameter]:
    return [value for value in vars(module).values() if isinstance(value, Parameter)]


def _multiply_adds(module: Module, output: tuple[int, ...]) -> int:
    """A product per weight and output position: w (O, C/G, kh, kw) is used P Q times, w (O, I) once per row."""
    if isinstance(module, Conv2d):
        return module.weight.size * output[2] * output[3]
    if isinstance(module, Linear):
        return module.weight.size * math.prod(output[1:-1])
    return 0
