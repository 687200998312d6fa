"""Recipes in files: those of the papers, which come with the package, and one's own. They are TOML, with the names of `Recipe`."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from minicnn.errors import ArgumentError, listing, nearest
from minicnn.io.atomic import write_atomically
from minicnn.train.recipe import Recipe

FIELDS = [field.name for field in dataclasses.fields(Recipe)]
TABLES = [name for name in FIELDS if name.endswith("_options")]
FOLDER = Path(__file__).parent / "recipes"


def list_recipes() -> dict[str, str]:
    """The recipes of the papers by name, and what each is for.

    Example:
        >>> list_recipes()["resnet-cifar"]
        'ResNet on CIFAR: He et al. 2016, "Deep residual learning for image recognition", sec. 4.2'
    """
    files = sorted(FOLDER.glob("*.toml"))
    return {file.stem: tomllib.loads(file.read_text("utf-8"))["about"] for file in files}


def read_recipe(name: str) -> dict[str, Any]:
    """The settings of a recipe that comes with the package, or of a file ending in .toml; those that it leaves open are not in it.

    Raises:
        ArgumentError: there is none, the file is no TOML, or a setting is unknown.

    Example:
        >>> read_recipe("resnet-cifar")["schedule_options"]
        {'milestones': [82, 123]}
    """
    if name.endswith(".toml"):
        return _parsed(name, _read(Path(name)))
    if name not in (known := list_recipes()):
        raise ArgumentError(f"unknown recipe {name!r}: {nearest(name, known)}; or name a file that ends in .toml")
    return _parsed(f"the recipe {name}", (FOLDER / f"{name}.toml").read_text("utf-8"))


def write_recipe(recipe: Recipe, path: Path) -> None:
    """Write all settings, so that `read_recipe` gives the same recipe again.

    Raises:
        CheckpointError: the file cannot be written.
    """
    lines = [f"{name} = {_toml(value)}\n" for name, value in dataclasses.asdict(recipe).items() if value is not None]
    write_atomically(path, "recipe", ["".join(lines).encode()])


def with_settings(settings: Mapping[str, Any], changes: Iterable[str]) -> dict[str, Any]:
    """Settings with changes as on the command line: `lr=0.05`, `optimizer_options.momentum=0.8`. Values are TOML; a text needs no quotes.

    With no value, as in `weights=`, a setting is taken out, so that it is the usual one again.

    Raises:
        ArgumentError: a change has no =, or an unknown name.

    Example:
        >>> with_settings({"lr": 0.1}, ["lr=0.05", "optimizer_options.nesterov=true", "schedule=cosine"])
        {'lr': 0.05, 'optimizer_options': {'nesterov': True}, 'schedule': 'cosine'}
    """
    changed = dict(settings)
    for change in changes:
        name, equals, text = change.partition("=")
        table, _, option = name.strip().partition(".")
        if not equals:
            raise ArgumentError(f"--set {change}: write NAME=VALUE, such as lr=0.05 or optimizer_options.momentum=0.8")
        if table not in FIELDS or (option and table not in TABLES) or (table in TABLES and not option):
            raise ArgumentError(f"--set {change}: {_no_setting(name)}")
        if option:
            changed[table] = _with(changed.get(table, {}), option, text)
        else:
            changed = _with(changed, table, text)
    return changed


def _with(settings: Mapping[str, Any], name: str, text: str) -> dict[str, Any]:
    others = {known: value for known, value in settings.items() if known != name}
    return {**others, name: _value(text)} if text.strip() else others


def _no_setting(name: str) -> str:
    if name in TABLES:
        return f"{name} is a table: write {name}.OPTION=VALUE"
    return f"a recipe has no setting {name!r}: {nearest(name, FIELDS)}"


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text.strip()


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ArgumentError(f"the recipe {path} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}") from None


def _parsed(where: str, text: str) -> dict[str, Any]:
    try:
        settings = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ArgumentError(f"{where} is no TOML: {error}") from None
    settings.pop("about", None)
    if unknown := [name for name in settings if name not in FIELDS]:
        raise ArgumentError(f"{where}: {_no_setting(unknown[0])} (settings: {listing(FIELDS)})")
    return settings


def _toml(value: Any) -> str:
    """A number, a text, a list or a table of them as TOML."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(name)} = {_toml(item)}" for name, item in value.items()) + " }" if value else "{}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, (bool, str)):
        return json.dumps(value, ensure_ascii=False)
    return repr(value)
