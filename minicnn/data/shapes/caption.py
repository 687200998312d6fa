"""Captions: a picture in words, the few words there are, and captions as numbers for a network."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from minicnn.data.shapes.colours import COLOURS
from minicnn.data.shapes.figures import FIGURES
from minicnn.errors import ArgumentError, nearest
from minicnn.kernels.types import Array

if TYPE_CHECKING:
    from minicnn.data.shapes.scene import Scene

PAD, START, END = 0, 1, 2
MARKS = "<pad>", "<start>", "<end>"
RELATIONS = "in front of", "left of", "right of", "above", "below"
WORDS = (
    *MARKS,
    "a",
    *("large", "small"),
    *COLOURS,
    *("filled", "outlined"),
    *(figure.name for figure in FIGURES),
    *("in", "front", "of", "left", "right", "above", "below"),
)
"""Every word of every caption; a token is the place of its word in here."""
OVERLAP = 0.05  # a figure is said to be in front of another if it hides at least this share of it


def describe(scene: Scene) -> str:
    """A scene in words, from the foremost figure to the rearmost: what each is, and how it is placed to the next."""
    order = range(len(scene) - 1, -1, -1)
    said = [_figure(scene, len(scene) - 1)]
    for front, back in pairwise(order):
        said += [relation(scene, front, back), _figure(scene, back)]
    return " ".join(said)


def relation(scene: Scene, front: int, back: int) -> str:
    """How one figure is placed to another behind it: in front of it, if it hides some of it; else on which side its centre is."""
    if (scene.whole[front] & scene.whole[back]).sum() >= OVERLAP * scene.whole[back].sum():
        return "in front of"
    one, other = scene.figures[front], scene.figures[back]
    if abs(one.x - other.x) >= abs(one.y - other.y):
        return "left of" if one.x < other.x else "right of"
    return "above" if one.y < other.y else "below"


def _figure(scene: Scene, i: int) -> str:
    large, filled = "large" if scene.large[i] else "small", "filled" if scene.filled[i] else "outlined"
    return f"a {large} {scene.colours[i]} {filled} {scene.names[i]}"


def longest(count: int) -> int:
    """Tokens of the longest caption of so many figures, start and end included.

    >>> longest(1), longest(2)
    (7, 15)
    """
    return 2 + 5 * count + 3 * (count - 1)


def encode_caption(caption: str, length: int) -> Array:
    """A caption as tokens (length,) int64: start, its words, end, padding.

    Raises:
        ArgumentError: a word is unknown, or the caption is too long.

    Example:
        >>> encode_caption("a large red filled star", 9).tolist()
        [1, 3, 4, 6, 14, 20, 2, 0, 0]
    """
    words = caption.split()
    if unknown := [word for word in words if word not in WORDS[len(MARKS) :]]:
        raise ArgumentError(f"encode_caption: captions have no word {unknown[0]!r}; {nearest(unknown[0], WORDS[len(MARKS) :])}")
    if len(words) + 2 > length:
        raise ArgumentError(f"encode_caption: {len(words)} words with start and end need a length of {len(words) + 2}, not {length}")
    tokens = np.full(length, PAD, np.int64)
    tokens[: len(words) + 2] = [START, *map(WORDS.index, words), END]
    return tokens


def decode_caption(tokens: Iterable[int]) -> str:
    """The words of tokens up to the first end, without start and padding.

    Raises:
        ArgumentError: a number is no token.

    Example:
        >>> decode_caption([1, 3, 4, 6, 14, 20, 2, 0, 0])
        'a large red filled star'
    """
    words: list[str] = []
    for token in map(int, tokens):
        if not 0 <= token < len(WORDS):
            raise ArgumentError(f"decode_caption: a token is an integer from 0 to {len(WORDS) - 1}, not {token}")
        if token == END:
            break
        if token not in (PAD, START):
            words.append(WORDS[token])
    return " ".join(words)
