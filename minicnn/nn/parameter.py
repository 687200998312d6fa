"""The tensors of a module's state: parameters, which are learned, and buffers, which are not."""

from typing import Any

from minicnn.autograd import Tensor
from minicnn.errors import ArgumentError


class Parameter(Tensor):
    """A tensor that a module learns: it requires a gradient, and optimisers update it.

    Raises:
        DtypeError: the values are no real numbers, or no floating-point numbers, which alone have gradients.

    Example:
        >>> from minicnn import nn
        >>> layer = nn.Module()
        >>> layer.scale = Parameter([1.0, 2.0])
        >>> [name for name, _ in layer.named_parameters()]
        ['scale']
    """

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True) -> None:
        super().__init__(data, requires_grad=requires_grad)


class Buffer(Tensor):
    """A tensor that belongs to a module's state but is not learned, such as the running mean of batch norm.

    Raises:
        DtypeError: the values are no real numbers, or it is to require a gradient and they are integers.

    Example:
        >>> from minicnn import nn
        >>> layer = nn.Module()
        >>> layer.mean = Buffer([0.0, 0.0])
        >>> list(layer.state_dict()), len(list(layer.parameters()))
        (['mean'], 0)
    """

    __slots__ = ()


def check_assignment(now: Any, value: Any, where: str) -> None:
    """Refuse to assign what would silently take a parameter out of a module, or never be trained.

    Args:
        now: what the attribute holds so far, or None.
        value: what it is to hold.
        where: the attribute, for the message.

    Raises:
        ArgumentError: says what to assign instead.
    """
    name = where.rpartition(".")[2]
    for kind in (Parameter, Buffer):
        if isinstance(now, kind) and value is not None and not isinstance(value, kind):
            raise ArgumentError(
                f"{where} is a {kind.__name__}, and would be none any more: overwrite its values with {name}.copy_(...) inside "
                f"no_grad(), or assign nn.{kind.__name__}(...)"
            )
    if isinstance(value, Tensor) and value.requires_grad and value.is_leaf and not isinstance(value, Parameter):
        raise ArgumentError(
            f"{where}: a plain tensor that requires a gradient would not be found by parameters(), nor trained: make it nn.Parameter(...)"
        )
