"""CITATION.cff and CHANGELOG.md say of the release what the package says of itself."""

import re
import tomllib
from pathlib import Path

from minicnn._version import __version__

ROOT = Path(__file__).resolve().parents[1]
CITATION = (ROOT / "CITATION.cff").read_text()
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
RELEASES = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)$", CHANGELOG, re.MULTILINE)


def cited(key):
    """The value of a key at the top of the file, which is plain enough to be read without YAML."""
    (value,) = re.findall(rf'^{key}: "?(.*?)"?$', CITATION, re.MULTILINE)
    return value


def test_the_citation_is_of_this_version_and_licence():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert cited("version") == __version__
    assert cited("license") == project["license"]
    assert (ROOT / "LICENSE").read_text().startswith(f"{project['license']} License")


def test_the_citation_has_what_its_format_demands():
    assert cited("cff-version") == "1.2.0"
    assert cited("message")
    assert cited("title") == "minicnn"
    assert re.search(r'^authors:\n  - name: "The minicnn authors"$', CITATION, re.MULTILINE)


def test_the_authors_are_those_of_the_licence():
    assert "The minicnn authors" in (ROOT / "LICENSE").read_text()


def test_the_changelog_ends_in_this_version():
    assert "## [Unreleased]" in CHANGELOG
    assert RELEASES[0] == (__version__, cited("date-released"))
