"""Names and options that a recipe gives: found in a table, or refused with the nearest that there is."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from minicnn.errors import ArgumentError, nearest

T = TypeVar("T")


def look_up(name: object, table: Mapping[str, T], what: str, shown: Iterable[str] | None = None) -> T:
    """The entry of that name, written in capitals or not.

    Raises:
        ArgumentError: there is none.

    Example:
        >>> look_up("SGD", {"sgd": 1}, "optimizer")
        1
    """
    if not isinstance(name, str):
        raise ArgumentError(f"the {what} is chosen by its name, a text, not {name!r}")
    if name.lower() not in table:
        raise ArgumentError(f"unknown {what} {name!r}: {nearest(name, list(shown or table))}")
    return table[name.lower()]


def checked_options(what: str, function: Callable[..., Any], options: Mapping[str, Any], without: Iterable[str] = ()) -> None:
    """A function takes these options by name.

    Raises:
        ArgumentError: it does not know one: says which it has.
    """
    known = [name for name, parameter in inspect.signature(function).parameters.items() if name not in without and parameter.kind != parameter.VAR_KEYWORD]
    for name in options:
        if name not in known:
            raise ArgumentError(f"{what} has no option {name!r}: {nearest(name, known) if known else 'it has none'}")
