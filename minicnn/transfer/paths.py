"""Parts of a network by path or pattern."""

import fnmatch
from collections.abc import Iterable

from minicnn.errors import ArgumentError
from minicnn.nn import Module
from minicnn.nn.watch import layer_at


def parts_at(model: Module, paths: Iterable[str], place: str) -> dict[str, Module]:
    """The modules at dotted paths, such as "layer1", or that a pattern matches, such as "features.[0-3]" or "*.norm1"; the network itself is none.

    Args:
        place: who asks, for the message.

    Raises:
        ArgumentError: a path or a pattern leads to none; names the nearest paths.

    Example:
        >>> from minicnn.models import LeNet5
        >>> list(parts_at(LeNet5(), ["c1", "s*"], "example"))
        ['c1', 's2', 's4']
    """
    found: dict[str, Module] = {}
    for path in paths:
        if not isinstance(path, str) or not path:
            raise ArgumentError(f'{place}: a part of the network is named by its path, a text such as "layer1", or by a pattern such as "layer*", not {path!r}')
        if any(sign in path for sign in "*?["):
            matching = {name: module for name, module in model.named_modules() if name and fnmatch.fnmatchcase(name, path)}
            if not matching:
                raise ArgumentError(f"{place}: no path in {type(model).__name__} is like {path!r}; `named_modules()` has all")
            found |= matching
        else:
            found[path] = layer_at(model, path)
    return found
