"""Maps of activations: where in the image each channel of a layer finds what it looks for."""

from minicnn.autograd import Tensor
from minicnn.autograd.tensor import as_tensor
from minicnn.errors import ArgumentError
from minicnn.kernels.types import Array
from minicnn.nn import Module
from minicnn.nn.watch import values_at


def activations(model: Module, x: Tensor | Array, layer: str) -> Array:
    """What a layer puts out for images, in evaluation mode.

    Args:
        model: any network. Its modes are as before afterwards.
        x: images (N, C, H, W), prepared as the network needs them.
        layer: path of the layer, such as "features.3".

    Returns:
        Maps (N, C', h, w).

    Raises:
        ArgumentError: there is no such layer, it does not run, or it puts out no maps.

    Source:
        Yosinski et al. 2015, "Understanding neural networks through deep visualization", sec. 2.

    Example:
        >>> import minicnn
        >>> from minicnn.models import LeNet5
        >>> activations(LeNet5(), minicnn.ones(1, 1, 32, 32), "c1").shape
        (1, 6, 28, 28)
    """
    y = values_at(model, as_tensor(x), [layer])[layer].numpy()
    if y.ndim != 4:
        raise ArgumentError(f"activations: the layer {layer!r} puts out {y.shape}, no maps (N, C, H, W): choose a layer before")
    return y
