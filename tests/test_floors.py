"""A folder imports only from floors below it, and no line of the package imports PyTorch."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# From the ground up. Rooms that share a floor do not see each other.
FLOORS = [
    ["errors", "_version"],
    ["kernels"],
    ["backend"],
    ["autograd"],
    ["ops", "creation"],
    ["nn"],
    ["optim", "data"],
    ["models"],
    ["io", "analysis"],
    ["train"],
    ["testing"],
    ["cli"],
]
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


@pytest.mark.parametrize(("path", "parts"), [pytest.param(p, m, id=".".join(m[1:])) for p, m in sources()])
def test_imports_go_down(path, parts):
    here = room(parts)
    if here in ("", "__init__", "__main__"):
        return  # the front door sees the whole house
    assert here in HEIGHT, f"{here} has no floor: enter it in FLOORS"
    for name in imports(path):
        there = room(name.split(".")) if name.startswith("minicnn.") else None
        if there is None or there == here:
            continue
        assert there in HEIGHT, f"{path.name} imports {name}: import from the room it stands in"
        assert HEIGHT[there] < HEIGHT[here], f"{path.name} ({here}) imports {name}, which is not on a floor below"


def test_the_package_never_imports_pytorch():
    for path, _ in sources():
        assert not any(name.split(".")[0] in ("torch", "kernels") for name in imports(path)), path


def test_a_wrong_import_would_be_seen(tmp_path):
    bad = tmp_path / "bad.py"
    bad.write_text("def f():\n    from minicnn.cli import main\n")
    assert list(imports(bad)) == ["minicnn.cli.main"]
    assert HEIGHT["cli"] > HEIGHT["ops"]


def test_files_are_rooms_not_halls():
    long = {str(p.relative_to(ROOT)): n for p, _ in sources() if (n := len(p.read_text().splitlines())) > 350}
    assert not long, f"over 350 lines: {long}"
