"""Networks by name: what `minicnn train --model NAME` and a checkpoint look up."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from minicnn.errors import ArgumentError, nearest
from minicnn.nn import Module

Model = TypeVar("Model", bound=Callable[..., Module])

_models: dict[str, Callable[..., Module]] = {}


def register_model(model: Model) -> Model:
    """Decorator: make a class or function that builds a network known by its own name. Registering again replaces.

    Example:
        >>> @register_model
        ... class Tiny(Module):
        ...     pass
        >>> type(create("Tiny")).__name__
        'Tiny'
        >>> _ = _models.pop("Tiny")
    """
    _models[model.__name__] = model
    return model


def list_models() -> tuple[str, ...]:
    """Names that `create` accepts.

    >>> "LeNet5" in list_models()
    True
    """
    return tuple(sorted(_models))


def create(name: str, **kwargs: Any) -> Module:
    """The network called `name`, freshly initialised. Upper and lower case do not matter.

    Args:
        name: one of `list_models()`.
        kwargs: what the network's own constructor takes.

    Raises:
        ArgumentError: no such network, or it does not take these arguments.

    Example:
        >>> create("LeNet5", num_classes=26).output.weight.shape
        (26, 84)
    """
    if not isinstance(name, str):
        raise ArgumentError(f"a model is created by its name, a text such as 'LeNet5', not {name!r}")
    by_lower = {known.lower(): model for known, model in _models.items()}
    model = by_lower.get(name.lower())
    if model is None:
        raise ArgumentError(f"unknown model {name!r}: {nearest(name, _models)}")
    signature = inspect.signature(model)
    try:
        signature.bind(**kwargs)
    except TypeError as error:
        raise ArgumentError(f"{model.__name__}{signature.replace(return_annotation=signature.empty)}: {error}") from None
    return model(**kwargs)
