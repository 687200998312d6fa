"""Writes the tables of stages into the docstrings of the networks: `python tools/tables.py [NAME ...]`, all without a name.

A table begins with a line whose first word is `stage` and ends with the next whose first word is `total`.
"""

import inspect
import re
import sys
from pathlib import Path

from minicnn import models, use_backend
from minicnn.analysis.stages import table
from minicnn.models import registry

TABLE = re.compile(r"^( *)stage\b.*?^ *total\b[^\n]*\n", re.MULTILINE | re.DOTALL)


def write(name: str) -> None:
    """Bring the table in the docstring of one network up to date, if it has a place for one."""
    path = Path(inspect.getsourcefile(registry._models[name]))
    text = path.read_text()
    start = re.search(rf"^(def|class) {name}\b", text, re.MULTILINE).end()
    end = text.find('"""', text.find('"""', start) + 3)
    found = TABLE.search(text, start, end)
    if found is None:
        print(f"{name}: no table in its docstring")
        return
    with use_backend("meta"):
        lines = table(models.create(name))
    new = text[: found.start()] + "".join(f"{found[1]}{line}\n" for line in lines) + text[found.end() :]
    if new != text:
        path.write_text(new)
        print(f"{name}: written")


if __name__ == "__main__":
    for name in sys.argv[1:] or models.list_models():
        write(name)
