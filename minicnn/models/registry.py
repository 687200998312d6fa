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

    Example:
        >>> "LeNet5" in list_models()
        True
    """
    return tuple(sorted(_models))


def create(name: str, **kwargs: Any) -> Module:
    """The network called `name`, freshly initialised. Upper and lower case do not matter.

    Args:
        name: one of `list_models()`, or a string that describes a network: see `create_from_string`.
        kwargs: what the network's own constructor takes.

    Raises:
        ArgumentError: no such network, or it does not take these arguments.

    Example:
        >>> create("LeNet5", num_classes=26).output.weight.shape
        (26, 84)
    """
    from minicnn.models.from_string import create_from_string  # whose networks are built on this file

    name = model_name(name)
    return build(_models[name], **kwargs) if name in _models else create_from_string(name, **kwargs)


def build(model: Callable[..., Module], *args: Any, **kwargs: Any) -> Module:
    """What the class or function makes of the arguments.

    Raises:
        ArgumentError: it does not take them.
    """
    signature = inspect.signature(model)
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        raise ArgumentError(f"{model.__name__}{signature.replace(return_annotation=signature.empty)}: {error}") from None
    return model(*args, **kwargs)


def defaults(name: str) -> dict[str, Any]:
    """What a network is built with if nothing else is said: the arguments of its constructor that have a default.

    >>> defaults("ResNet18")["depths"]
    (2, 2, 2, 2)

    Raises:
        ArgumentError: no such network.
    """
    parameters = inspect.signature(_models[model_name(name)]).parameters
    return {known: parameter.default for known, parameter in parameters.items() if parameter.default is not parameter.empty}


def model_name(name: str) -> str:
    """The name as it is listed, however it is capitalised; of a string that describes a network, its usual spelling.

    >>> model_name("resnet18"), model_name("chain 3x3x8/1")
    ('ResNet18', 'chain 3x3x8')

    Raises:
        ArgumentError: no such network, the nearest name is suggested; or a string with a mistake in it.
    """
    from minicnn.models.from_string import is_string, normalised

    if not isinstance(name, str):
        raise ArgumentError(f"a model is created by its name, a text such as 'LeNet5', not {name!r}")
    if is_string(name):
        return normalised(name)
    known = {known.lower(): known for known in _models}
    if name.lower() not in known:
        searched = "; the description of a searched network begins with the word chain or cells" if " " in name.strip() else ""
        raise ArgumentError(f"unknown model {name!r}{searched}: {nearest(name, _models)}")
    return known[name.lower()]
