"""What a docstring holds, by section, and which errors the code under it raises: read from the source, nothing is run."""

import ast
import builtins
import dataclasses
import importlib
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

from minicnn import errors
from minicnn.errors import MinicnnError

ORDER = ("Args", "Attributes", "Shapes", "Returns", "Raises", "Source", "Example")
SECTION = re.compile(rf"^({'|'.join(ORDER)}):$", re.MULTILINE)
SEE = re.compile(r"\bSee (?:also )?`(?:minicnn\.)?([\w.]+)`")
# Sizes between brackets, such as (N, C, H, W), (..., in_features), (5,) or (num_classes + 1, 4); one of them is a letter, a number, dots or a name of two words.
SHAPE = re.compile(r"\bshapes?\b|\((?=[^()]*,)(?=[^()]*(?:\.\.\.|\b[A-Za-z]\d?\b|\b\d+\b|_))(?:\.\.\.|[\w*/+ -]+),(?:\s*(?:\.\.\.|[\w*/+ -]+),?)*\s*\)")
DOORS = ("minicnn.checks", "minicnn.ops.checks", "minicnn.ops.axis", "minicnn.ops.broadcasting")  # files of checks, which raise for those who call them


def parts(thing: Any) -> dict[str, str]:
    """The docstring by section; what stands before the first one is under ""."""
    pieces = SECTION.split(inspect.getdoc(thing) or "")
    return {"": pieces[0]} | {name: textwrap.dedent(body).strip("\n") for name, body in zip(pieces[1::2], pieces[2::2], strict=True)}


def says_a_shape(thing: Any) -> bool:
    """Outside of examples, where it would be that of one case."""
    return any(name == "Shapes" or SHAPE.search(text) for name, text in parts(thing).items() if name not in ("Example", "Raises", "Source"))


def has(thing: Any, section: str) -> bool:
    """It has the section, or says "See `x`" of something that has it."""
    return any(parts(one).get(section) for one in (thing, *referred(thing)))


def referred(thing: Any) -> Iterator[Any]:
    """What the docstring sends its reader to: a name of the same file or package, or one with its path. One that leads nowhere is an error."""
    for name in SEE.findall(inspect.getdoc(thing) or ""):
        package, _, last = f"minicnn.{name}".rpartition(".")
        yield vars(importlib.import_module(package))[last] if "." in name else at_hand(thing)[name]


def at_hand(thing: Any) -> dict[str, Any]:
    """The names that the thing's file and its package know."""
    return vars(sys.modules[thing.__module__.rpartition(".")[0]]) | vars(sys.modules[thing.__module__])


def fields(kind: type) -> dict[str, Any]:
    """Names and types of the public fields of a dataclass or a named tuple; none of other classes."""
    if dataclasses.is_dataclass(kind):
        return {field.name: field.type for field in dataclasses.fields(kind) if not field.name.startswith("_")}
    return inspect.get_annotations(kind) if hasattr(kind, "_fields") else {}


def attributes(kind: type) -> dict[str, str]:
    """The text of each entry of `Attributes:`; of "rows, columns: ..." each name gets the whole."""
    entries = re.split(r"^(?=\S)", parts(kind).get("Attributes", ""), flags=re.MULTILINE)
    pairs = [entry.partition(":")[::2] for entry in entries if entry.strip()]
    return {name.strip(): text for names, text in pairs for name in names.split(",")}


def listed_errors(thing: Any) -> list[type[BaseException]]:
    """The exceptions under `Raises:`. A name of none is an error."""
    names = re.findall(r"^(\w[\w, ]*):", parts(thing).get("Raises", ""), re.MULTILINE)
    known = vars(builtins) | vars(errors) | at_hand(thing)
    return [known[name.strip()] for many in names for name in many.split(",")]


def raised(function: Any, seen: set[Any] | None = None) -> set[type[MinicnnError]]:
    """The errors of minicnn in the `raise` statements of a function, of the functions of its file that it calls, and of the checks at its door.

    Methods are followed where they are called as `self.x(...)`, if they stand in the same file, or as `super().x(...)`. An `except` that catches is not seen.
    """
    function = inspect.unwrap(function) if callable(function) else function
    seen = set() if seen is None else seen
    if not isinstance(function, FunctionType) or function in seen or not function.__module__.startswith("minicnn."):
        return set()
    seen.add(function)
    found: set[type[MinicnnError]] = set()
    names = inspect.getclosurevars(function).globals | vars(sys.modules[function.__module__])
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))):
        if isinstance(node, ast.Raise) and node.exc is not None:
            error = named(node.exc.func if isinstance(node.exc, ast.Call) else node.exc, names)
            if inspect.isclass(error) and issubclass(error, MinicnnError):
                found.add(error)
        if isinstance(node, ast.Call):
            called = named(node.func, names) or own_method(node.func, function)
            if getattr(called, "__module__", None) in (function.__module__, *DOORS) and not inspect.isclass(called):
                found |= raised(called, seen)
            found |= raised(inherited(node.func, function), seen)
    return found


def named(node: ast.expr, names: dict[str, Any]) -> Any:
    """What `f` or `module.f` stands for in a file."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and isinstance(module := names.get(node.value.id), ModuleType):
        return getattr(module, node.attr, None)
    return None


def owner_of(function: FunctionType) -> Any:
    """The class that a method is written in; None if it is none."""
    return getattr(sys.modules[function.__module__], function.__qualname__.rpartition(".")[0], None)


def own_method(node: ast.expr, function: FunctionType) -> Any:
    """The method that `self.x` stands for."""
    if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"):
        return None
    owner = owner_of(function)
    return inspect.getattr_static(owner, node.attr, None) if inspect.isclass(owner) else None


def inherited(node: ast.expr, function: FunctionType) -> Any:
    """The method that `super().x` stands for."""
    is_super = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name) and node.value.func.id == "super"
    return getattr(super(owner := owner_of(function), owner), node.attr, None) if is_super and isinstance(node, ast.Attribute) else None


def raised_by(thing: Any) -> set[type[MinicnnError]]:
    """What a function raises; what a class raises when it is made."""
    if not inspect.isclass(thing):
        return raised(thing)
    return raised(getattr(thing, "__post_init__", None) if fields(thing) else thing.__init__)


def not_listed(thing: Any, *others: Any) -> list[str]:
    """Errors that the code raises and `Raises:` (of the thing, or of others that describe it) does not say."""
    said = tuple(error for one in (thing, *others) for error in listed_errors(one))
    return sorted(error.__name__ for error in raised_by(thing) if not issubclass(error, said))
