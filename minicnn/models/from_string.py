"""Networks from strings: what an architecture search writes down, built. The first word says in which language."""

import hashlib
from collections.abc import Callable
from typing import Any

from minicnn.errors import ArgumentError, nearest
from minicnn.models.registry import build
from minicnn.models.searched_cells import SearchedCells, read_cells, write_cells
from minicnn.models.searched_chain import SearchedChain, read_chain, write_chain
from minicnn.nn import Module

LANGUAGES: dict[str, tuple[Callable[..., Module], Callable[[str], str]]] = {  # by the first word: the network, and how its string is spelled
    "chain": (SearchedChain, lambda string: write_chain(read_chain(string))),
    "cells": (SearchedCells, lambda string: write_cells(*read_cells(string))),
}


def is_string(name: object) -> bool:
    """Whether a network's name is in truth its description: the first word says so.

    >>> is_string("chain 3x3x24"), is_string("LeNet5")
    (True, False)
    """
    return isinstance(name, str) and name.lower().split()[:1] in [[word] for word in LANGUAGES]


def create_from_string(string: str, num_classes: int = 10, in_channels: int = 1, **sizes: Any) -> Module:
    """The network that a string describes, freshly initialised. Wherever a network's name is taken, such a string is, too.

        chain 3x5x24 7x3x36/2+0 5x5x48+0+1             a chain of convolutions: see `SearchedChain`
        cells sep3:0+id:1 avg3:2+sep5:0 / max3:0+id:1  a normal and a reduction cell, stacked: see `SearchedCells`

    Args:
        string: the description.
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        sizes: what else the network is made with, such as the `cells` and `filters` of `SearchedCells`.

    Returns:
        a network whose attribute `string` is its description in the usual spelling.

    Raises:
        ArgumentError: the string is in no known language, or has a mistake in it, which the message quotes; or the network does not take
            these sizes.

    Example:
        >>> net = create_from_string("chain 3x3x8 3x3x8/2+0", num_classes=26)
        >>> net.classifier.weight.shape, net.string
        ((26, 8), 'chain 3x3x8 3x3x8/2+0')
    """
    network, _ = LANGUAGES[_language(string)]
    return build(network, string, num_classes=num_classes, in_channels=in_channels, **sizes)


def normalised(string: str) -> str:
    """The string in its usual spelling: small letters, single spaces, inputs in order.

    Raises:
        ArgumentError: as `create_from_string`.

    Example:
        >>> normalised("Chain  3x3x8/1 3x3x8+0")
        'chain 3x3x8 3x3x8+0'
    """
    _, spelled = LANGUAGES[_language(string)]
    return spelled(string)


def short_name(name: str) -> str:
    """A network's name as files are called: of a string, the first word and six hexadecimal digits that stand for the whole.

    >>> short_name("ResNet20"), short_name("chain 3x3x8")
    ('ResNet20', 'chain-caff02')
    """
    if not is_string(name):
        return name
    return f"{_language(name)}-{hashlib.sha256(normalised(name).encode()).hexdigest()[:6]}"


def _language(string: str) -> str:
    if not isinstance(string, str):
        raise ArgumentError(f"a network is described by a string such as 'chain 3x3x24 3x3x36+0', not {string!r}")
    word = (string.lower().split() or [""])[0]
    if word not in LANGUAGES:
        raise ArgumentError(f"a network's string begins with what it is, as in 'chain 3x3x24 3x3x36+0', not with {word!r}: {nearest(word, LANGUAGES)}")
    return word
