"""What the pages that run depend on beside their own code: the source of minicnn and of its kernels."""

import hashlib
from pathlib import Path

FOLDERS = ("minicnn", "kernels")
KINDS = (".py", ".cu", ".cuh", ".toml")


def source_hash(root: Path) -> str:
    """Sixteen hexadecimal digits that change with the name or the text of any source file."""
    found = hashlib.sha256()
    for file in sorted(file for folder in FOLDERS for file in (root / folder).rglob("*") if file.suffix in KINDS):
        text = file.read_bytes()
        found.update(f"{file.relative_to(root).as_posix()} {len(text)}\n".encode() + text)
    return found.hexdigest()[:16]
