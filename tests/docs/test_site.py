"""The documentation as a site: it builds without a warning and without a network, every page runs, every link leads somewhere. And the checks can fail."""

import importlib.util
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from .site_checks import dead_links, fetched_from_elsewhere
from .site_seen import seen_in_a_browser

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("sphinx", "furo", "myst_nb", "sphinx_design", "sphinx_copybutton")


def test_the_site_builds_runs_and_is_whole(tmp_path, browser):
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        end = pytest.fail if os.environ.get("CI") else pytest.skip  # .ci/run installs them
        end(f'the site is built with pip install -e ".[docs]": no {missing[0]}')
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
    "object.html": ('<object data="gone.svg"></object>', dead_links, "gone.svg is not there"),
    "scheme.html": ('<a href="source:kernels/loops/conv.py">x</a>', dead_links, "source:kernels/loops/conv.py has the scheme source"),
    "settings.html": ('<a href="#size=6">x</a>', dead_links, "#size=6 has no such place"),
    "folder.html": ('<a href="../">x</a>', dead_links, "../ is a folder"),
    "script.html": ('<script src="https://example.org/x.js"></script>', fetched_from_elsewhere, "fetches https://example.org/x.js"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found(name, tmp_path):
    body, check, complaint = PLANTED[name]
    (tmp_path / name).write_text(f"<html><body>{body}</body></html>")
    assert list(check(tmp_path)) == [f"{name}: {complaint}"]


def test_an_address_with_settings_leads_to_the_playground(tmp_path):
    (tmp_path / "playground").mkdir()
    (tmp_path / "playground" / "convolution.html").write_text("<html></html>")
    (tmp_path / "index.html").write_text('<a href="playground/convolution.html#size=6">x</a> <a href="https://example.org">x</a> <a href="mailto:x@example.org">x</a>')
    assert list(dead_links(tmp_path)) == []


MATHS = ROOT / "docs" / "_static" / "mathjax" / "tex-svg.js"
TABS = '<div class="sd-tab-set"><input type="radio" name="t" checked><p>first</p><input type="radio" name="t"><p class="second">x</p></div>'
SEEN = {
    "macro.html": (r'<span class="math">\(\sigmaa\)</span>', "a formula is wrong: Undefined control sequence \\sigmaa"),
    "brace.html": (r'<div class="math">\[\frac{1}{2\]</div>', r"a formula is not typeset: \[\frac{1}{2\]"),
    "closed.html": (r'<div class="math">\[\frac{1}}{2}\]</div>', "a formula is wrong: Extra close brace or missing open brace"),
    "one_of_two.html": (r'<span class="math">\(x\)</span> <span class="math">y^2</span>', "a formula is not typeset: y^2"),
    "dollars.html": ("<p>text $x_1$ and <code>$y$</code></p>", "a formula is left in dollars: $x_1$"),
    "image.html": ('<img src="empty.png">', "an image does not load: empty.png"),
    "wide.html": ('<div style="width: 500px">x</div>', "500 pixels wide on a screen of 390"),
    "in_a_dropdown.html": ('<details><div style="width: 500px">x</div></details>', "500 pixels wide on a screen of 390"),
    "in_a_tab.html": (f"<style>.second {{ width: 500px; display: none }} :checked + .second {{ display: block }}</style>{TABS}", "500 pixels wide on a screen of 390"),
    "to_the_left.html": ('<p style="margin-left: -40px">x</p>', '-40 to 390 on a screen of 390: <p style="margin-left: -40px">x</p>'),
    "all_of_it_scrolls.html": ('<div class="content" style="overflow: auto"><p style="width: 500px">x</p></div>', '0 to 500 on a screen of 390: <p style="width: 500px">x</p>'),
    "cut_off.html": ('<div style="overflow: hidden"><p style="width: 500px">x</p></div>', '0 to 500 on a screen of 390: <p style="width: 500px">x</p>'),
    "source/x.py.html": ('<div style="width: 500px">x</div>', "500 pixels wide on a screen of 390"),
    "asks.html": ('<img src="https://example.org/x.png">', "asks for https://example.org/x.png"),
}


@pytest.fixture
def planted(tmp_path, browser, monkeypatch):
    """What is seen in a site of one page with a body, with the site's own MathJax and its settings."""
    monkeypatch.setattr(sys, "path", [*sys.path])  # to which conf.py adds
    settings = json.dumps(runpy.run_path(ROOT / "docs" / "conf.py")["mathjax3_config"])

    def planted(name, body):
        page = tmp_path / name
        page.parent.mkdir(exist_ok=True)
        (tmp_path / "empty.png").touch()
        page.write_text(f"<!DOCTYPE html><html><head><script>MathJax = {settings}</script><script defer src='{MATHS.as_uri()}'></script></head><body style='margin: 0'>{body}</body></html>")
        return list(seen_in_a_browser(tmp_path, browser))

    return planted


@pytest.mark.parametrize("name", SEEN)
def test_a_fault_that_only_a_browser_sees_is_found(name, planted):
    body, complaint = SEEN[name]
    assert f"{name}: {complaint}" in planted(name, body)


def test_a_page_without_a_fault_is_let_pass(planted):
    wide = '<div style="overflow-x: auto"><p style="width: 500px">x</p></div>'
    assert planted("good.html", rf'<span class="math">\(\sigma\)</span> costs $5, <code>$y$</code> {wide}') == []
