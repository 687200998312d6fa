"""What a student has handed in, in whatever state: the cells with code in it, and those that belong to a question."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from minicnn.errors import DataError

LARGEST = 100 * 2**20  # bytes of a file
MOST_CELLS, MOST_CODE = 1000, 2**19  # cells with code, and characters in them: a parser takes a thousand times as much memory
MAGIC = re.compile(r"\s*[%!?]|[\w.]+\?{1,2}\s*$")  # a line for IPython
PLAIN = (ast.Constant, ast.Name, ast.Load, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop, ast.Tuple, ast.List, ast.Dict)
CELL = re.compile(r"^# (?:%%|In\[[\d ]*\]:).*$", re.MULTILINE)  # the second one is that of a notebook saved as a Python file


@dataclass(frozen=True)
class Cell:
    """A cell with code: what it is called in messages, its text, and the names that it defines at its top."""

    name: str
    source: str
    defines: tuple[str, ...]


@dataclass(frozen=True)
class Submission:
    """Cells in their order. `notes` says what was repaired."""

    path: Path
    cells: Sequence[Cell]
    notes: Sequence[str] = ()

    def answer(self, asks: Collection[str], others: Collection[str]) -> list[tuple[str, str]]:
        """The cells that belong to a question, (name, source) of each: those that define one of the names asked for, whatever became of their marks.

        Cells that have nothing to do with any question lend it what it uses of their functions, classes, imports and constants: nothing else of them is run.

        Args:
            others: names that other questions ask for.
        """
        own = {cell.name for cell in self.cells if set(cell.defines) & set(asks)}
        lending = [cell for cell in self.cells if cell.name not in own and not set(cell.defines) & set(others)]
        wanted = _wanted([cell.source for cell in self.cells if cell.name in own], [cell.source for cell in lending])
        found = []
        for cell in self.cells:
            if cell.name in own:
                found.append((cell.name, cell.source))
            elif cell in lending and (helpers := definitions(cell.source, wanted)):
                found.append((cell.name, helpers))
        return found


def read_submission(path: str | Path) -> Submission:
    """Read a notebook, or a Python file with cells that begin with `# %%`, or as Jupyter exports it.

    Raises:
        DataError: it is neither: says what it is instead.
    """
    path = Path(path)
    try:
        if path.stat().st_size > LARGEST:
            raise DataError(f"{path.name} has {path.stat().st_size / 2**20:.0f} MiB; a notebook that is handed in has less than {LARGEST // 2**20}: clear its outputs")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise DataError(f"{path.name} is no text: hand in the notebook (.ipynb) or a Python file (.py)") from None
    if path.suffix == ".ipynb":
        return _notebook(path, text)
    if path.suffix == ".py":
        return Submission(path, _cells(path, [(f"cell {i}", source) for i, source in enumerate(CELL.split(text), 1) if source.strip()]))
    raise DataError(f"{path.name} is neither a notebook (.ipynb) nor a Python file (.py)")


def _notebook(path: Path, text: str) -> Submission:
    try:
        cells = json.loads(text)["cells"]
        found = [(str(each["cell_type"]), _text(each.get("source", ""))) for each in cells]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise DataError(f"{path.name} is no notebook: is it cut off, or a page that a browser has saved? Download it again, as .ipynb") from None
    _at_most(path, len(found), sum(len(source) for _, source in found))
    kept, notes = [], []
    for number, (kind, source) in enumerate(found, 1):
        if kind != "code" and not _looks_like_code(source):
            continue
        if kind != "code":
            notes.append(f"cell {number} is a {clean(kind)[:20]} cell with code in it; it was taken as code")
        kept.append((f"cell {number}", source))
    return Submission(path, _cells(path, kept), notes)


def _cells(path: Path, sources: Sequence[tuple[str, str]]) -> list[Cell]:
    """By name and text."""
    _at_most(path, len(sources), sum(len(source) for _, source in sources))
    return [cell(name, source) for name, source in sources]


def _at_most(path: Path, cells: int, characters: int) -> None:
    if cells > MOST_CELLS or characters > MOST_CODE:
        raise DataError(f"{path.name} has {cells:,} cells with {characters:,} characters; up to {MOST_CELLS:,} cells and {MOST_CODE:,} characters are read")


def clean(text: str) -> str:
    """The text, with what cannot be written as UTF-8 spelt out, and what a terminal would obey."""
    return "".join(each if each.isprintable() or each in "\n\t" else repr(each)[1:-1] for each in text.encode("utf-8", "backslashreplace").decode())


def _text(source: object) -> str:
    return "".join(map(str, source)) if isinstance(source, list) else str(source)


def _looks_like_code(source: str) -> bool:
    """A definition at the beginning of a line, in a text that Python understands."""
    return len(source) <= MOST_CODE and bool(re.search(r"^(def|class) \w+", source, re.MULTILINE)) and _tree(source) is not None


def cell(name: str, source: str) -> Cell:
    """A cell with the names that it defines; of one that Python does not understand, those of its lines that begin with def or class.

    Lines for IPython are looked for only there: in a cell that is Python, one such as `? a : b` stands in a text.
    """
    if (tree := _tree(source)) is None:
        source = without_magic(source)
        tree = _tree(source)
    if tree is None:
        names = re.findall(r"^(?:def|class)\s+(\w+)", source, re.MULTILINE)
    else:
        names = [name for node in tree.body if not isinstance(node, (ast.Import, ast.ImportFrom)) for name in _names(node)]
    return Cell(name, source, tuple(dict.fromkeys(names)))


def without_magic(source: str) -> str:
    """Lines for IPython become comments, so that line numbers stay."""
    return "\n".join("pass  # " + line if MAGIC.match(line) else line for line in source.split("\n"))


def definitions(source: str, wanted: Collection[str]) -> str:
    """The imports, functions, classes and constants of a cell that bind a name that is wanted, at their lines; everything else is left out."""
    lines, kept = source.split("\n"), [""] * len(source.split("\n"))
    for node in _lendable(source):
        if set(_names(node)) & set(wanted):
            first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
            kept[first - 1 : node.end_lineno] = lines[first - 1 : node.end_lineno]
    return "\n".join(kept) if any(kept) else ""


def _wanted(answers: Sequence[str], lending: Sequence[str]) -> set[str]:
    """Names that answers use, and that what they borrow uses in its turn."""
    uses: dict[str, set[str]] = {}
    for node in [node for source in lending for node in _lendable(source)]:
        for name in _names(node):
            uses.setdefault(name, set()).update(_used(node))
    waiting = [name for source in answers if (tree := _tree(source)) for name in _used(tree)]
    wanted: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += uses.get(name, ())
    return wanted


def _lendable(source: str) -> list[ast.stmt]:
    tree = _tree(source)
    kinds = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    return [node for node in tree.body if isinstance(node, kinds) or _is_constant(node)] if tree else []


def _used(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _is_constant(node: ast.stmt) -> bool:
    """NAME = something of numbers, texts and other names, without a call."""
    return isinstance(node, ast.Assign) and all(isinstance(part, PLAIN) for part in ast.walk(node.value))


def _names(node: ast.stmt) -> list[str]:
    """That it binds, also in the branches of an `if` or a `try`."""
    if isinstance(node, (ast.If, ast.Try, ast.With)):
        branches = [*node.body, *getattr(node, "orelse", []), *getattr(node, "finalbody", []), *(each for handler in getattr(node, "handlers", []) for each in handler.body)]
        return [name for each in branches for name in _names(each)]
    if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
        return [node.name]
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name.partition(".")[0] for alias in node.names]
    return []


def _tree(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
