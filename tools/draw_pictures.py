"""Writes the pictures of the documentation, docs/images/drawn/*.svg: `python tools/draw_pictures.py [NAME ...]`, all without a name.

Every number in them is computed by minicnn's own kernels; tests/test_pictures.py compares the files with what this writes.
"""

import argparse
from pathlib import Path

from pictures import PICTURES

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "images" / "drawn"


def write(names: list[str], folder: Path) -> None:
    """Write some pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / f"{name}.svg").write_text(PICTURES[name](), encoding="utf-8", newline="\n")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PICTURES))
    parser.add_argument("--folder", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.names if name not in PICTURES]:
        parser.error(f"there is no picture {', '.join(unknown)}; there are {', '.join(PICTURES)}")
    write(arguments.names or list(PICTURES), arguments.folder)


if __name__ == "__main__":
    main()
