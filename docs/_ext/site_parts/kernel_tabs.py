"""`{kernels} conv2d`: the forward and backward of an operation from each kernel folder, side by side, taken from the source when the site is built."""

import ast
import re
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from .source_pages import ROOT, note

MOST = 150  # lines of one tab


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.add_directive("kernels", Kernels)


class Kernels(SphinxDirective):
    """Tabs named loops, array, cpu and cuda. The option :cuda: names what to show of CUDA C++: `conv_direct.cu: conv2d_direct, ...`; several files by `;`."""

    required_arguments = 1
    option_spec: ClassVar = {"cuda": directives.unchanged, "cpu": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """The tabs, as nodes."""
        from minicnn.kernels.registry import FILES, FOLDERS

        (op,) = self.arguments
        if op not in FILES:
            raise self.error(f"{{kernels}} {op}: there is no such operation; see FILES in kernels/registry.py")
        tabs = [self._tab(folder, op, f"kernels/{folder}/{FILES[op]}.py") for folder in FOLDERS]
        return self.parse_text_to_nodes("\n".join(["``````{tab-set}", *tabs, "``````"]))

    def _tab(self, folder: str, op: str, path: str) -> str:
        extra = self._extra(folder, self.options.get(folder, ""))
        parts = [f"`````{{tab-item}} {folder}", self._python(path, op), *extra, "`````"]
        return "\n\n".join(parts)

    def _python(self, path: str, op: str) -> str:
        self._watch(path)
        link, text = f"[{path}]({note(self.env, self.env.docname, path)})", (ROOT / path).read_text()
        if f"def {op}_forward(" not in text:
            return f"{link} takes the functions of `array/`."
        return f"{link}\n\n````python\n{functions(text, [f'{op}_forward', f'{op}_backward'])}\n````"

    def _extra(self, folder: str, wanted: str) -> list[str]:
        """More of a folder: `file: name, name; file: name`."""
        found = []
        for entry in filter(None, (entry.strip() for entry in wanted.split(";"))):
            file, names = (part.strip() for part in entry.split(":"))
            path, each = f"kernels/{folder}/{file}", [name.strip() for name in names.split(",")]
            self._watch(path)
            text = (ROOT / path).read_text()
            code = functions(text, each) if path.endswith(".py") else cuda_functions(text, each)
            language = "python" if path.endswith(".py") else "cuda"
            found.append(f"[{path}]({note(self.env, self.env.docname, path)})\n\n````{language}\n{code}\n````")
        return found

    def _watch(self, path: str) -> None:
        self.env.note_dependency(str(ROOT / path))


def functions(text: str, names: list[str]) -> str:
    """Some functions of a Python file and the private ones that they call, in the file's order, as long as there is room."""
    tree = {node.name: node for node in ast.parse(text).body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    missing = [name for name in names if name not in tree]
    if missing:
        raise ValueError(f"{{kernels}}: no function {missing[0]} in the file")
    wanted, queue = [], list(names)
    while queue:
        name = queue.pop(0)
        if name in wanted or (sum(_length(tree[n]) for n in [*wanted, name]) > MOST and name not in names):
            continue
        wanted.append(name)
        called = {node.id for node in ast.walk(tree[name]) if isinstance(node, ast.Name)}
        queue += [other for other in tree if other in called and other.startswith("_")]
    lines = text.splitlines()
    return "\n\n\n".join("\n".join(lines[_first(node) - 1 : node.end_lineno]) for name, node in tree.items() if name in wanted)


def _first(node: ast.FunctionDef | ast.ClassDef) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _length(node: ast.FunctionDef | ast.ClassDef) -> int:
    return (node.end_lineno or 0) - _first(node) + 1


def cuda_functions(text: str, names: list[str]) -> str:
    """Some functions of a CUDA file, each with the comment above it: from the line of its name back to the last empty line, on to its closing brace."""
    lines, found = text.splitlines(), []
    for name in names:
        at = next((i for i in range(len(lines)) if _begins(lines, i, name)), None)
        if at is None:
            raise ValueError(f"{{kernels}}: no function {name} in the CUDA file")
        start = at
        while start > 0 and lines[start - 1].strip() and not lines[start - 1].rstrip().endswith("}"):
            start -= 1
        in_one_line = lines[at].rstrip().endswith("}")
        end = at if in_one_line else next(i for i in range(at, len(lines)) if lines[i].startswith("}"))
        found.append("\n".join(lines[start : end + 1]))
    return "\n\n".join(found)


def _begins(lines: list[str], i: int, name: str) -> bool:
    """Whether line i has the name of a function where it is defined; `__launch_bounds__(...)` and the name may stand on a second, indented line."""
    line, before = lines[i], lines[i - 1] if i else ""
    if line.startswith(f"    {name}("):
        return before.startswith("extern")
    return re.search(rf"\b{name}\(", line) is not None and not line.startswith((" ", "/", "\t")) and not line.rstrip().endswith(";")
