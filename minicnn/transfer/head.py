"""The head of a network: its last layer, which gives the scores, and which another task needs anew."""

from minicnn import checks
from minicnn.errors import ArgumentError
from minicnn.models.fitting import HEADS
from minicnn.nn import Conv2d, Linear, Module
from minicnn.nn.trace import image_shape, replace, trace
from minicnn.transfer.features import last_layer


def head_path(model: Module, input_shape: tuple[int, int, int] | None = None) -> str:
    """The path of the layer that gives the scores: the linear layer, or the 1x1 convolution, that runs last.

    Args:
        model: any network.
        input_shape: (C, H, W) of an image; by default the network's own `input_shape`.

    Raises:
        ArgumentError: the network has no such layer.

    Example:
        >>> from minicnn.models import SqueezeNet1_1
        >>> head_path(SqueezeNet1_1(num_classes=10))
        'classifier.1'
    """
    shape = image_shape(model, input_shape, "head_path")
    path = last_layer(model, shape)
    layer, scores = model.get_submodule(path), trace(model, shape)[1].shape[-1]
    if outputs(layer) != scores or (isinstance(layer, Conv2d) and layer.kernel_size != (1, 1)):
        raise ArgumentError(f"{type(model).__name__} has no head that could be replaced: its last layer, {path} {layer!r}, does not give its {scores} scores")
    return path


def replace_head(model: Module, num_classes: int, input_shape: tuple[int, int, int] | None = None) -> str:
    """Put a freshly initialised layer in the place of the one that gives the scores, and of those of auxiliary classifiers.

    The new layer is of the same kind, for another number of classes: `model.state_dict()` then has the names and the shapes of a network that was
    built with `num_classes`.

    Args:
        model: any network; it is changed.
        num_classes: of the new task.
        input_shape: (C, H, W) of an image; by default the network's own `input_shape`.

    Returns:
        The path of the new layer.

    Raises:
        ArgumentError: the network has no such layer, or `num_classes` is below 1.

    Example:
        >>> from minicnn.models import ResNet18
        >>> net = ResNet18(width=4)
        >>> replace_head(net, 10), net.fc
        ('fc', Linear(32, 10))
    """
    checks.integer(num_classes, "replace_head: num_classes")
    path = head_path(model, input_shape)
    for old in (path, *_auxiliary_heads(model, outputs(model.get_submodule(path)))):
        layer = model.get_submodule(old)
        replace(model, layer, renewed(layer, num_classes))
    return path


def outputs(layer: Module) -> int:
    """How many numbers, or maps, a layer puts out."""
    if isinstance(layer, Linear):
        return layer.out_features
    return layer.out_channels if isinstance(layer, Conv2d) else 0


def renewed(layer: Module, num_classes: int) -> Module:
    """A fresh layer like this one, with another number of outputs."""
    if isinstance(layer, Conv2d):
        return Conv2d(layer.in_channels, num_classes, 1, bias=layer.bias is not None)
    assert isinstance(layer, Linear)
    return Linear(layer.in_features, num_classes, bias=layer.bias is not None)


def _auxiliary_heads(model: Module, scores: int) -> list[str]:
    """The last layer of each auxiliary classifier."""
    last: dict[str, str] = {}
    for path, layer in model.named_modules():
        if path.startswith(HEADS) and isinstance(layer, (Conv2d, Linear)) and outputs(layer) == scores:
            last[path.partition(".")[0]] = path
    return list(last.values())
