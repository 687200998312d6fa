"""Rows of words and numbers as a text."""

from collections.abc import Sequence


def columns(rows: Sequence[Sequence[str]], words: int = 1) -> str:
    """Columns of equal width under their names, which are the first row: the first `words` of them to the left, the others to the right.

    >>> print(columns([["layer", "bytes"], ["conv3", "86,528"]]))
    layer   bytes
    conv3  86,528
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(text.ljust(w) if i < words else text.rjust(w) for i, (text, w) in enumerate(zip(row, widths, strict=True))) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
