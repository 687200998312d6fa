"""Reads the arithmetic of indices out of a .cu file, so that a picture shows what the kernel does and not what somebody believes it does."""

import re
from pathlib import Path
from types import SimpleNamespace

from minicnn import kernels

FOLDER = Path(kernels.__file__).parent / "cuda"


class Kernel:
    """One function of a .cu file."""

    def __init__(self, file: str, name: str) -> None:
        text = (FOLDER / file).read_text()
        start = re.search(rf"\b{name}\(", text)
        assert start, f"there is no {name} in {file}"
        self.text = text[start.start() : text.index("\n}", start.start())]

    def constants(self, **known: int | SimpleNamespace) -> dict[str, int]:
        """All integer constants that can be computed from those that are known, in the order of the file."""
        found = dict(known)
        for statement in re.findall(r"const (?:int|long long) ([^;]+);", self.text):
            for definition in re.split(r", (?=\w+ = )", statement):
                name, _, formula = definition.partition(" = ")
                value = evaluate(formula, found)
                if value is not None:
                    found[name] = value
        return {name: value for name, value in found.items() if isinstance(value, int)}

    def address(self, array: str, **known: int | SimpleNamespace) -> int:
        """Where in an array the kernel reads: what stands between the brackets of its last `array[...]`."""
        formula = re.findall(rf"\b{array}\[([^\[\]]+)\]", self.text)[-1]
        value = evaluate(formula, known)
        assert value is not None, f"{array}[{formula}] cannot be computed"
        return value


def evaluate(formula: str, known: dict) -> int | None:
    """The value of an integer formula of C, or None where it needs something unknown.

    >>> evaluate("t / n % 3", {"t": 17, "n": 2}), evaluate("a == 1 ? b : 7", {"a": 1, "b": 5}), evaluate("z", {})
    (2, 5, None)
    """
    python = re.sub(r"\((?:long long|size_t|int)\)", "", formula).replace("/", "//")
    python = re.sub(r"^(.+) \? (.+) : (.+)$", r"(\2) if (\1) else (\3)", python)
    try:
        return int(eval(python, {"__builtins__": {}}, known))
    except (NameError, AttributeError, TypeError):
        return None
