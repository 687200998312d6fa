"""Links from the documents to files of the repository lead to pages of the site, so that a reader offline can follow them.

A document says `[conv.py](../kernels/loops/conv.py)`, which works on a repository's page. Here the link is rewritten to `source:kernels/loops/conv.py`
when the document is read; every file that is linked becomes a page with its lines numbered and coloured, and a link to a folder a page that lists it.
"""

import ast
import os
import re
import shutil
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import TextLexer, get_lexer_for_filename
from pygments.util import ClassNotFound
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[3]
LINK = re.compile(  # a fence's line or code within a line, which stay as they are, or a link
    r"^ *(?:`{3,}|~{3,}).*$|(?<!`)(?P<ticks>`+)(?!`)(?:(?!\n\n)[\s\S])+?(?<!`)(?P=ticks)(?!`)|\]\((?P<path>[^)\s#:]+)(?P<place>#[^)\s]*)?\)",
    re.MULTILINE,
)
CODE = ("{code-cell}", "{code-block}", "{code}")  # directives that hold code
FENCE = re.compile(r"^ *(`{3,}|~{3,})", re.MULTILINE)
AT_THE_ROOT = {"README.md": "index", "CONTRIBUTING.md": "contributing", "CHANGELOG.md": "changelog"}  # documents of the repository that are pages here
SHOWN = {page: file for file, page in AT_THE_ROOT.items() if page != "index"}  # pages whose text stands at the root
PLAYED = "playground"  # pages that are made by hand, in HTML
PICTURES = (".png", ".jpg", ".svg")


def page_of(path: str) -> str:
    """The name of the page that shows a file or folder."""
    return f"source/{path}"


def note(env: Any, docname: str, path: str) -> str:
    """Remember that a page links to a file of the repository; returns the link's address."""
    _linked(env).setdefault(docname, set()).add(path)
    return f"source:{path}"


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", _rewrite)
    app.connect("env-purge-doc", lambda app, env, docname: _linked(env).pop(docname, None))
    app.connect("env-merge-info", lambda app, env, names, other: _linked(env).update(_linked(other)))
    app.connect("doctree-resolved", _resolve)
    app.connect("html-collect-pages", _pages)
    app.connect("build-finished", _copy_played)


def _linked(env: Any) -> dict[str, set[str]]:
    if not hasattr(env, "linked_sources"):
        env.linked_sources = {}
    return env.linked_sources


def _rewrite(app: Sphinx, docname: str, source: list[str]) -> None:
    """Rewrite the links of a document, but not in its code."""
    here = Path(app.env.doc2path(docname)).parent
    if docname in SHOWN:
        here = ROOT
        source[0] = (ROOT / SHOWN[docname]).read_text()
        app.env.note_dependency(str(ROOT / SHOWN[docname]), docname=docname)

    def target(match: re.Match[str]) -> str:
        if not match["path"]:
            return match[0]
        place, mark = Path(os.path.normpath(here / match["path"])), match["place"] or ""
        if not place.is_relative_to(ROOT) or not place.exists():
            return match[0]
        path = place.relative_to(ROOT).as_posix()
        if path in AT_THE_ROOT:
            return f"](/{AT_THE_ROOT[path]}.md{mark})"
        if not place.is_relative_to(app.srcdir):
            return f"]({note(app.env, docname, path)}{mark})"
        inside = place.relative_to(app.srcdir).as_posix()
        if place.suffix == ".html":
            return f"](page:{inside.removesuffix('.html')}{mark})"
        if place.suffix == ".md" or place.suffix in PICTURES:
            return f"](/{inside}{mark})"
        return f"]({note(app.env, docname, path)}{mark})"

    source[0] = "".join(part if code else LINK.sub(target, part) for part, code in _parts(source[0]))


def _ends(line: str, fence: str) -> bool:
    """Whether a line closes the block that a fence opened: at least as many of its characters, and nothing else."""
    line = line.strip()
    return bool(fence) and len(line) >= len(fence) and set(line) == {fence[0]}


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """A document in pieces: (text, is it a block of code?). A block of MyST that holds text ({note} ...) counts as text, {code-cell} as code."""
    piece: list[str] = []
    code, around = "", [""]  # the fence that ends a block of code; those that end the blocks of text around
    for line in text.splitlines(keepends=True):
        mark, word = FENCE.match(line), line.strip().lstrip("`~")
        if mark and not code and word.startswith("{") and not word.startswith(CODE):
            around.append(mark[1])
        elif mark and not code and _ends(line, around[-1]):
            around.pop()
        elif mark and not code:
            yield "".join(piece), False
            piece, code = [], mark[1]
        elif _ends(line, code):
            yield "".join([*piece, line]), True
            piece, code = [], ""
            continue
        piece.append(line)
    yield "".join(piece), bool(code)


def _resolve(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    for link in doctree.findall(nodes.reference):
        scheme, _, address = link.get("refuri", "").partition(":")
        if scheme in ("source", "page"):
            name, mark, place = address.partition("#")
            link["refuri"] = app.builder.get_relative_uri(docname, page_of(name) if scheme == "source" else name) + mark + place
            link["internal"] = True
            link["classes"] = [kind for kind in link["classes"] if kind != "external"]


def _copy_played(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        for page in (Path(app.srcdir) / PLAYED).glob("*.html"):
            shutil.copy(page, Path(app.outdir) / PLAYED / page.name)


def _pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    wanted = set().union(*_linked(app.env).values()) if _linked(app.env) else set()
    for folder in [path for path in wanted if (ROOT / path).is_dir()]:
        wanted |= {file.relative_to(ROOT).as_posix() for file in _listed(ROOT / folder)}
    for path in sorted(wanted):
        body = _folder(app, path) if (ROOT / path).is_dir() else _file(ROOT / path)
        yield page_of(path), {"title": path, "body": f"<h1>{escape(path)}</h1>\n{body}"}, "page.html"


def _file(path: Path) -> str:
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        lexer = get_lexer_for_filename({".cuh": "x.cu"}.get(path.suffix, path.name))
    except ClassNotFound:
        lexer = TextLexer()
    coloured = highlight(text, lexer, HtmlFormatter(linenos="inline", lineanchors="line", anchorlinenos=True, wrapcode=True))
    return f'<div class="highlight-source notranslate">{coloured}</div>'


def _listed(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_file() and p.suffix in (".py", ".cu", ".cuh", ".toml", ".md"))


def _folder(app: Sphinx, path: str) -> str:
    rows = []
    for file in _listed(ROOT / path):
        address = app.builder.get_relative_uri(page_of(path), page_of(file.relative_to(ROOT).as_posix()))
        rows.append(f'<tr><td><a href="{address}"><code>{escape(file.name)}</code></a></td><td>{escape(_first_sentence(file))}</td></tr>')
    return f'<table class="docutils"><tbody>{"".join(rows)}</tbody></table>'


def _first_sentence(file: Path) -> str:
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".py":
        text = ast.get_docstring(ast.parse(text)) or ""
    return re.split(r"(?<=\.)\s", text.strip().lstrip("/*# ").strip(), maxsplit=1)[0].replace("\n", " ")[:200]
