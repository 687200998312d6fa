"""How well captions of drawn figures fit: as a whole, word by word, and in what they say of colour, shape and place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from minicnn.data.shapes.caption import RELATIONS
from minicnn.data.shapes.colours import COLOURS
from minicnn.data.shapes.figures import FIGURES
from minicnn.errors import ShapeError

OPPOSITE = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
KINDS = {
    "size": ("large", "small"),
    "colour": tuple(COLOURS),
    "fill": ("filled", "outlined"),
    "shape": tuple(figure.name for figure in FIGURES),
}


@dataclass(frozen=True)
class CaptionScores:
    """How many captions, words and figures are right, as shares from 0 to 1.

    Attributes:
        exact: share of captions that are right as a whole.
        words: share of the words of the true captions that stand in their place in those found.
        size, colour, fill, shape: share of figures of which it is said rightly.
        relation: share of pictures of two figures or more in which all relations are right; None if there is no such picture.
    """

    exact: float
    words: float
    size: float
    colour: float
    fill: float
    shape: float
    relation: float | None


def references(caption: str) -> tuple[str, ...]:
    """All captions that are as true as this one.

    Of two figures that hardly overlap, nobody can see which was drawn last: "A left of B" says the same as "B right of A". Captions of one figure, of
    three or more, and with "in front of" are taken as they are.

    Example:
        >>> references("a small red filled star left of a large blue outlined ring")
        ('a small red filled star left of a large blue outlined ring', 'a large blue outlined ring right of a small red filled star')
    """
    found = relations(caption)
    if len(found) != 1 or found[0] not in OPPOSITE:
        return (caption,)
    one, other = caption.split(f" {found[0]} ")
    return caption, f"{other} {OPPOSITE[found[0]]} {one}"


def relations(caption: str) -> list[str]:
    """The relations that a caption names, in their order.

    >>> relations("a small red filled star in front of a large blue outlined ring")
    ['in front of']
    """
    return re.findall("|".join(RELATIONS), caption)


def score_captions(found: Sequence[str], true: Sequence[str]) -> CaptionScores:
    """Compare captions with the true ones. Where a picture has two that are equally true, that counts which has more words in common with the one found.

    Raises:
        ShapeError: there is not one for each, or none at all.

    Example:
        >>> scores = score_captions(["a small red filled star"], ["a large red filled star"])
        >>> scores.exact, scores.words, scores.size, scores.colour, scores.relation
        (0.0, 0.8, 0.0, 1.0, None)
    """
    if len(found) != len(true) or not true:
        raise ShapeError(f"score_captions: {len(found)} captions were found of {len(true)} pictures: one is needed for each, of one picture at least")
    pairs = [(caption, nearest_reference(caption, reference)) for caption, reference in zip(found, true, strict=True)]
    placed = [(relations(caption), asked) for caption, reference in pairs if (asked := relations(reference))]
    return CaptionScores(
        exact=_share(caption == reference for caption, reference in pairs),
        words=_share(right for pair in pairs for right in words_right(*pair)),
        **{kind: _share(right for pair in pairs for right in _named(kind, *pair)) for kind in KINDS},
        relation=_share(said == asked for said, asked in placed) if placed else None,
    )


def nearest_reference(found: str, true: str) -> str:
    """Of the captions as true as `true`, the one that has more words in common with `found`; `true` itself, if none has more."""
    return max(references(true), key=lambda reference: sum(words_right(found, reference)))


def words_right(found: str, true: str) -> list[bool]:
    """For each word of the true caption: does the same stand in its place?

    >>> words_right("a small star", "a large star above a ring")
    [True, False, True, False, False, False]
    """
    return _same(found.split(), true.split())


def _named(kind: str, found: str, true: str) -> list[bool]:
    """For each figure of the true caption: is its size, colour, fill or shape said rightly?"""
    said, asked = ([word for word in caption.split() if word in KINDS[kind]] for caption in (found, true))
    return _same(said, asked)


def _same(said: Sequence[str], asked: Sequence[str]) -> list[bool]:
    return [i < len(said) and said[i] == word for i, word in enumerate(asked)]


def _share(right: Iterable[bool]) -> float:
    values = list(right)
    return sum(values) / len(values)
