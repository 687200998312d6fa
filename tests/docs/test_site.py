"""The documentation as a site: it builds without a warning and without a network, every page runs, every link leads somewhere. And the checks can fail."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .site_checks import dead_links, fetched_from_elsewhere, seen_in_a_browser

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("sphinx", "furo", "myst_nb", "sphinx_design", "sphinx_copybutton")


@pytest.mark.skipif(not all(map(importlib.util.find_spec, NEEDED)), reason='the site is built with pip install -e ".[docs]"')
def test_the_site_builds_runs_and_is_whole(tmp_path, browser):
    site = tmp_path / "site"
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-d", str(tmp_path / "doctrees"), str(ROOT / "docs"), str(site)]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    built = subprocess.run(command, check=False, capture_output=True, text=True, env=os.environ | {"PATH": path, "MINICNN_SITE_CACHE": str(tmp_path / "cache")})
    assert built.returncode == 0, built.stderr[-5000:]
    complaints = [*dead_links(site), *fetched_from_elsewhere(site), *seen_in_a_browser(site, browser)]
    assert not complaints, "\n".join(complaints)


PLANTED = {
    "dead.html": ('<a href="nowhere.html">x</a>', dead_links, "nowhere.html is not there"),
    "place.html": ('<a href="#nowhere">x</a>', dead_links, "#nowhere has no such place"),
    "picture.html": ('<img src="gone.png">', dead_links, "gone.png is not there"),
    "script.html": ('<script src="https://example.org/x.js"></script>', fetched_from_elsewhere, "fetches https://example.org/x.js"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found(name, tmp_path):
    body, check, complaint = PLANTED[name]
    (tmp_path / name).write_text(f"<html><body>{body}</body></html>")
    assert list(check(tmp_path)) == [f"{name}: {complaint}"]


SEEN = {
    "formula.html": ('<span class="math">\\\\(x\\\\)</span>', "all formulas cannot be read"),
    "wide.html": ('<div style="width: 500px">x</div>', "500 pixels wide on a screen of 390"),
    "asks.html": ('<img src="https://example.org/x.png">', "asks for https://example.org/x.png"),
}


@pytest.mark.parametrize("name", SEEN)
def test_a_fault_that_only_a_browser_sees_is_found(name, tmp_path, browser):
    body, complaint = SEEN[name]
    (tmp_path / name).write_text(f"<!DOCTYPE html><html><body style='margin: 0'>{body}</body></html>")
    assert f"{name}: {complaint}" in list(seen_in_a_browser(tmp_path, browser))
