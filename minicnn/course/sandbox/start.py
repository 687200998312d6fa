"""Starts the process of a student: `python start.py`, with messages on its standard input and output.

minicnn itself is not imported, as `import minicnn` would do: two empty packages stand in its place, so that nothing of the library is in the memory of the process.
"""

import sys
import types
from pathlib import Path

if __name__ == "__main__":
    course = Path(__file__).resolve().parents[1]
    for name, folder in (("minicnn", course.parent), ("minicnn.course", course)):
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = [str(folder)]

    from minicnn.course.sandbox.served import main

    main()
