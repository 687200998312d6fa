"""Docstrings as Sphinx reads them. In the source they are plain text: formulas are indented, names stand in single backticks, and a star is a product.

So indented lines outside of a section become blocks of code, `name` becomes ``name`` or a link, and stars, bars and underscores stay what they are.
"""

import ast
import inspect
import re
import sys
from collections.abc import Collection, Iterator
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.domains.python import PythonDomain

SECTIONS = ("Args", "Returns", "Raises", "Shapes", "Source", "Example", "Examples", "Attributes", "Yields", "Note", "Notes")
SECTION = re.compile(rf"^({'|'.join(SECTIONS)}):\s*$")
NAME = re.compile(r"^`([^`\n]+)`$")
SPECIAL = re.compile(r"([*|\\]|(?<=\w)_(?!\w))")
SEVERAL = re.compile(r"^    \w+(, \w+)+:")
LABELS = {"parameter": "Arguments", "variable": "Attributes"}  # the source's words; "parameters" are what a network learns
ARRAY = re.compile(r"~?numpy\.ndarray\[~?typing\.Any, ~?typing\.Any\]")
NAMELESS = re.compile(r"<[a-z][^<>]*>")  # a default without a form in Python, such as <factory>
ALIAS = re.compile(r"TypeAliasForwardRef\('([\w.]+)'\)")  # what Sphinx shows of an alias that is one of several types
COMMA, COLON = "\ue000", "\ue001"  # stand for ", " between names that share an entry and for ":" in text, at which napoleon would split


def setup(app: Sphinx) -> None:
    """Called by Sphinx. Before napoleon, which makes lists out of the sections."""
    app.connect("autodoc-process-docstring", _process, priority=400)
    app.connect("autodoc-process-signature", _aliases)
    app.connect("autodoc-skip-member", _skipped)
    app.connect("doctree-read", _restore)
    for kind in PythonDomain.directives.values():
        for field in getattr(kind, "doc_field_types", ()):
            if field.name in LABELS:
                field.label, field.rolename = LABELS[field.name], ""  # no links: `size` is the name of many things


def _process(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = list(converted(lines, linked(name, obj)))
    if what in ("property", "attribute", "data") and lines:
        lines[0] = lines[0].replace(": ", f"{COLON} ", 1)


def _skipped(app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """The fields of a named tuple, which its docstring describes: "Alias for field number 0" says nothing."""
    return True if str(getattr(obj, "__doc__", "")).startswith("Alias for field number") else None


def _aliases(app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str | None, returns: str | None) -> tuple[str | None, str | None]:
    """Types by the names that they have in the source: `Array`, and the aliases of `autodoc_type_aliases`. And `...` for a default that cannot be written."""

    def as_written(text: str | None) -> str | None:
        return text and NAMELESS.sub("...", ALIAS.sub(r"~\1", ARRAY.sub("Array", text))).replace("~Array", "Array")

    return as_written(signature), as_written(returns)


def _restore(app: Sphinx, doctree: nodes.document) -> None:
    for text in list(doctree.findall(nodes.Text)):
        if COMMA in text or COLON in text:
            text.parent.replace(text, nodes.Text(text.replace(COMMA, ", ").replace(COLON, ":")))


def linked(name: str, obj: Any) -> set[str]:
    """The names that a docstring may mean things of its package by: all public ones, but not those of its arguments."""
    package = name if inspect.ismodule(obj) else name.rpartition(".")[0]  # many an operation has the name of its file
    while package not in sys.modules:
        package = package.rpartition(".")[0]
    try:
        arguments = set(inspect.signature(obj).parameters)
    except (TypeError, ValueError):
        arguments = set()
    return set(getattr(sys.modules[package], "__all__", ())) - arguments


def converted(lines: list[str], links: Collection[str] = ()) -> Iterator[str]:
    """A docstring's lines, with the meaning of plain text.

    >>> list(converted(["Adds `a` * b.", "", "    y = a * b"]))
    ['Adds ``a`` \\\\* b.', '', '.. code-block:: python', '', '    y = a * b', '']
    """
    section, block, before = "", list[str](), ""
    for line in lines:
        if match := SECTION.match(line):
            section = match[1]
        elif line and not line.startswith(" "):
            section = ""
        if not section and (line.startswith("    ") or (block and not line)):
            block.append(line)
            continue
        yield from _code(block, before)
        if match and not block and before.strip():
            yield ""
        block, before = [], line
        if section in ("Args", "Attributes", "Shapes") and (several := SEVERAL.match(line)):
            line = several[0].replace(", ", COMMA) + line[several.end() :]
        yield line if match or section.startswith("Example") else _prose(line, links)
    yield from _code(block, before)


def _code(block: list[str], before: str) -> Iterator[str]:
    """A block of indented lines: in the colours of Python if it is Python, as it stands if it is a formula, a table or a picture."""
    if not block:
        return
    if before.strip():
        yield ""
    yield f".. code-block:: {'python' if _is_python(block) else 'text'}"
    yield ""
    yield from block
    if block[-1].strip():
        yield ""


def _is_python(block: list[str]) -> bool:
    text = inspect.cleandoc("\n".join(["", *block]))
    if text.startswith(">>>"):
        return True
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def _prose(line: str, links: Collection[str]) -> str:
    """A line of text, outside of `names`, with the characters that Sphinx would take for markup made harmless."""
    pieces = re.split(r"(``[^`]+``|`[^`\n]+`)", line)
    return "".join(_name(piece, links) if piece.startswith("`") else SPECIAL.sub(r"\\\1", piece) for piece in pieces)


def _name(piece: str, links: Collection[str]) -> str:
    """`name` as a link, if it is one of `links`, or something in such a class, or has its path from minicnn on; otherwise as code."""
    match = NAME.match(piece)
    if match is None:
        return piece
    name = match[1]
    is_linked = re.fullmatch(r"minicnn(\.\w+)+", name) or (re.fullmatch(r"\w+(\.\w+)*", name) and name.partition(".")[0] in links)
    return f":py:obj:`{name}`" if is_linked else f"``{name}``"
