"""The running statistics of a network, put back where a step came to nothing."""

from collections.abc import Callable

from minicnn.autograd import Tensor
from minicnn.kernels.types import Array
from minicnn.nn import Module


def kept_statistics(model: Module) -> Callable[[], None]:
    """Keeps the buffers of a network, such as the running mean and variance of batch norm; what it returns puts them back.

    Example:
        >>> from minicnn import nn
        >>> model = nn.BatchNorm2d(1)
        >>> restore = kept_statistics(model)
        >>> _ = model(Tensor([[[[2.0, 4.0]]]]))
        >>> restore()
        >>> model.running_mean.tolist()
        [0.0]
    """
    before = [(buffer, buffer.data.copy()) for buffer in model.buffers()]

    def restore() -> None:
        for buffer, array in before:
            put(buffer, array.copy())

    return restore


def put(tensor: Tensor, array: Array) -> None:
    """Give a tensor other values."""
    tensor.data = array
    tensor.version.count += 1
