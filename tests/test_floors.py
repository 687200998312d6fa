"""A folder imports only from floors below it, and no line of the package imports PyTorch."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# From the ground up. Rooms that share a floor do not see each other.
FLOORS = [
    ["errors", "_version"],
    ["checks", "cuda"],
    ["kernels"],
    ["capture"],
    ["backend"],
    ["place"],
    ["autograd"],
    ["ops", "creation"],
    ["nn"],
    ["optim", "io"],
    ["data"],
    ["models"],
    ["analysis", "captioning", "profiling", "detection", "visualise", "distributed"],
    ["draw"],
    ["transfer"],
    ["train"],
    ["dashboard", "search"],
    ["experiments"],
    ["testing", "bench"],
    ["course"],
    ["cli"],
]
# Inside kernels: which other folders each may see. What stands beside the folders is for all of them.
SEEN_BY_KERNELS = {"loops": [], "array": [], "cpu": ["array"], "cuda": ["array"]}
HEIGHT = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}


def sources():
    for top, prefix in (("kernels", "minicnn.kernels"), ("minicnn", "minicnn")):
        for path in sorted((ROOT / top).rglob("*.py")):
            relative = path.relative_to(ROOT / top)
            if top == "minicnn" and relative.parts[0] == "kernels":
                continue
            yield path, [*prefix.split("."), *relative.with_suffix("").parts]


def imports(path):
    """Modules that a file imports, without those that only a type checker sees."""
    tree = ast.parse(path.read_text())
    hidden = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            hidden |= {id(child) for child in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(parts):
    return parts[1] if len(parts) > 1 else ""


def folder(parts):
    """The kernel folder that a module is in: loops, array, cpu; None for what they share."""
    return parts[2] if room(parts) == "kernels" and len(parts) > 2 and parts[2] in SEEN_BY_KERNELS else None


def objection(path, parts):
    """What is wrong with a file's imports, or ''."""
    here = room(parts)
    if here in ("", "__init__", "__main__"):
        return ""  # the front door sees the whole house
    if here not in HEIGHT:
        return f"{here} has no floor: enter it in FLOORS"
    for name in imports(path):
        there = name.split(".")
        if there[0] != "minicnn":
            continue
        if room(there) not in HEIGHT:
            return f"{path.name} imports {name}: import from the room it stands in"
        if room(there) == here:
            if folder(parts) and folder(there) not in (None, folder(parts), *SEEN_BY_KERNELS[folder(parts)]):
                return f"{path.name} ({folder(parts)}) imports {name}: it may see {SEEN_BY_KERNELS[folder(parts)]}"
        elif HEIGHT[room(there)] >= HEIGHT[here]:
            return f"{path.name} ({here}) imports {name}, which is not on a floor below"
    return ""


@pytest.mark.parametrize(("path", "parts"), [pytest.param(p, m, id=".".join(m[1:])) for p, m in sources()])
def test_imports_go_down(path, parts):
    assert not objection(path, parts)


@pytest.mark.parametrize(
    ("module", "text", "part"),
    [
        ("ops.bad", "def f():\n    from minicnn.cli import main\n", "imports minicnn.cli.main, which is not on a floor below"),
        ("ops.bad", "import minicnn.nn.conv\n", "imports minicnn.nn.conv, which is not on a floor below"),
        ("optim.bad", "from minicnn import data\n", "imports minicnn.data, which is not on a floor below"),
        ("nn.bad", "import minicnn\n", "imports minicnn: import from the room"),
        ("nn.bad", "import numpy, minicnn as m\n", "imports minicnn: import from the room"),
        ("nn.bad", "from minicnn import Tensor\n", "imports minicnn.Tensor: import from the room"),
        ("nn.bad", "from minicnn import *\n", "imports minicnn.*: import from the room"),
        ("attic.bad", "", "attic has no floor"),
        ("kernels.bad", "from minicnn import backend\n", "imports minicnn.backend, which is not on a floor below"),
        ("kernels.cpu.bad", "from minicnn.kernels.loops.conv import conv2d_forward\n", "(cpu) imports minicnn.kernels.loops"),
        ("kernels.cpu.bad", "from minicnn.kernels import loops\n", "(cpu) imports minicnn.kernels.loops"),
        ("kernels.array.bad", "from minicnn.kernels.cpu import jit\n", "(array) imports minicnn.kernels.cpu"),
        ("kernels.array.bad", "import minicnn.kernels.loops\n", "(array) imports minicnn.kernels.loops"),
        ("kernels.loops.bad", "from minicnn.kernels.array.module import array_module\n", "(loops) imports minicnn.kernels.array"),
        ("nn.bad", "from minicnn import ops\nfrom minicnn.nn.module import Module\nimport numpy\n", ""),
        ("kernels.cpu.bad", "from minicnn.kernels.array import conv\nfrom minicnn.kernels.types import Array\n", ""),
        ("__init__", "import minicnn\nfrom minicnn import cli\n", ""),
    ],
)
def test_a_wrong_import_is_seen(module, text, part, tmp_path):
    bad = tmp_path / "bad.py"
    bad.write_text(text)
    said = objection(bad, ["minicnn", *module.split(".")])
    assert part in said
    assert bool(said) == bool(part)


def test_the_design_names_every_room_from_the_top_down():
    table = (ROOT / "docs" / "design.md").read_text().partition("| floor |")[2].partition("\n\n")[0]
    named = [room for line in table.splitlines() for room in re.findall(r"`(\w+)(?:/|\.py)`", line.split(" | ")[0])]
    assert sorted(named) == sorted(HEIGHT)
    assert [HEIGHT[room] for room in named] == sorted((HEIGHT[room] for room in named), reverse=True)


RIVAL = "minicnn/bench/rival"  # what `minicnn bench --against torch` measures; imported by nothing else, and torch only when it is called


def test_the_package_never_imports_pytorch():
    for path, _ in sources():
        names = {name.split(".")[0] for name in imports(path)}
        assert "kernels" not in names, path
        assert "torch" not in names or str(path.relative_to(ROOT)).startswith(RIVAL), path


def test_files_are_rooms_not_halls():
    files = [path for path, _ in sources()] + sorted(path for folder in ("tests", "tools", "docs/_ext") for path in (ROOT / folder).rglob("*.py"))
    long = {str(path.relative_to(ROOT)): n for path in files if (n := len(path.read_text().splitlines())) > 300}
    assert not long, f"over 300 lines: {long}"
