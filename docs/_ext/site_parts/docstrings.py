"""Docstrings as Sphinx reads them. In the source they are plain text: formulas are indented, names stand in single backticks, and a star is a product.

So indented lines outside of a section become blocks of code, `name` becomes ``name``, and stars, bars and underscores stay what they are.
"""

import re
from collections.abc import Iterator
from typing import Any

from sphinx.application import Sphinx

SECTIONS = ("Args", "Returns", "Raises", "Shapes", "Source", "Example", "Examples", "Attributes", "Yields", "Note", "Notes")
SECTION = re.compile(rf"^({'|'.join(SECTIONS)}):\s*$")
NAME = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
SPECIAL = re.compile(r"([*|\\]|(?<=\w)_(?!\w))")


def setup(app: Sphinx) -> None:
    """Called by Sphinx. Before napoleon, which makes lists out of the sections."""
    app.connect("autodoc-process-docstring", _process, priority=400)


def _process(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = list(converted(lines))


def converted(lines: list[str]) -> Iterator[str]:
    """A docstring's lines, with the meaning of plain text.

    >>> list(converted(["Adds `a` * b.", "", "    y = a * b"]))
    ['Adds ``a`` \\\\* b.', '', '::', '', '    y = a * b']
    """
    section, block, before = "", False, ""
    for line in lines:
        if match := SECTION.match(line):
            section, block = match[1], False
            if before.strip():
                yield ""
        elif line and not line.startswith(" "):
            if section:
                section = ""
            if block:
                yield ""
            block = False
        literal = not section and line.startswith("    ")
        if literal and not block:
            if before.strip():
                yield ""
            yield "::"
            yield ""
            block = True
        code = literal or (section.startswith("Example")) or SECTION.match(line)
        yield line if code else _prose(line)
        before = line


def _prose(line: str) -> str:
    """A line of text, outside of `names`, with the characters that Sphinx would take for markup made harmless."""
    pieces = re.split(r"(``[^`]+``|`[^`\n]+`)", line)
    return "".join(NAME.sub(r"``\1``", piece) if piece.startswith("`") else SPECIAL.sub(r"\\\1", piece) for piece in pieces)
