"""What docs/_ext does when the site is built: links to files of the repository are rewritten, all in the text and none in code; claims; kernels in tabs."""

import doctest
import importlib
import os
import pkgutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

SITE_LEFT_OUT = 'the site is built with pip install -e ".[docs]"'
DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = """
text [a](a.py)
```{code-cell} python
f[0](b.py)
```
text [c](c.py)
````{dropdown} Solution
text [d](d.py)
```python
f[0](e.py)
```
text [g](g.py)
````
```
f[0](h.py)
````
text [i](i.py)
"""
HERE = "docs/howto/page.md"
LINKS = {  # in a document of docs/howto: in the site
    "[a](../../kernels/loops/conv.py#L3)": "[a](source:kernels/loops/conv.py#L3)",
    "[`a`](../../kernels/loops)": "[`a`](source:kernels/loops)",
    "[a](../../README.md#install)": "[a](/index.md#install)",
    "[a](../../CONTRIBUTING.md)": "[a](/contributing.md)",
    "[a](../design.md#why)": "[a](/design.md#why)",
    "[a](../playground/convolution.html#size=6)": "[a](page:playground/convolution#size=6)",
    "[a](nowhere.py)": "[a](nowhere.py)",
    "`f[0](../design.md)` and [a](../design.md)": "`f[0](../design.md)` and [a](/design.md)",
    "``f`[0](../design.md)``": "``f`[0](../design.md)``",
    "```\nf[0](../design.md)\n```\n": "```\nf[0](../design.md)\n```\n",
    "```{note}\n[a](../design.md)\n```\n[a](../design.md)": "```{note}\n[a](/design.md)\n```\n[a](/design.md)",
}


@pytest.fixture
def extension(monkeypatch):
    """A module of docs/_ext/site_parts, by its name."""
    if not os.environ.get("CI"):
        pytest.importorskip("sphinx", reason=SITE_LEFT_OUT)
    monkeypatch.syspath_prepend(DOCS / "_ext")
    yield lambda name: importlib.import_module(f"site_parts.{name}")
    for name in [name for name in sys.modules if name.split(".")[0] == "site_parts"]:
        del sys.modules[name]


def test_code_is_told_from_text(extension):
    pieces = list(extension("source_pages")._parts(PAGE))
    assert "".join(piece for piece, _ in pieces) == PAGE
    text, code = ("".join(piece for piece, is_code in pieces if is_code == wanted) for wanted in (False, True))
    assert [letter for letter in "abcdeghi" if f"({letter}.py)" in text] == list("acdgi")
    assert [letter for letter in "abcdeghi" if f"({letter}.py)" in code] == list("beh")


@pytest.mark.parametrize("link", LINKS)
def test_a_link_is_rewritten(extension, link):
    env, source = SimpleNamespace(doc2path=lambda name: str(DOCS.parent / HERE)), [link]
    extension("source_pages")._rewrite(SimpleNamespace(env=env, srcdir=str(DOCS)), "howto/page", source)
    assert source == [LINKS[link]]


def directive(kind, arguments):
    """A directive that gives back the Markdown that it would parse, with an environment that remembers nothing of use."""
    found = object.__new__(kind)
    found.arguments, found.options = arguments, {}
    env = SimpleNamespace(docname="page", note_dependency=lambda path: None)
    found.state = SimpleNamespace(document=SimpleNamespace(settings=SimpleNamespace(env=env)))
    found.parse_text_to_nodes = lambda text: text
    return found


def test_a_claim_that_disagrees_is_shown(extension, monkeypatch):
    from minicnn.analysis import lecture

    def claim(agrees):
        return SimpleNamespace(topic="Net", what="weights", lecture="60M", here="61M", agrees=agrees, reason="" if agrees else "rounded", looked_up=False)

    monkeypatch.setattr(lecture, "claims", lambda: [claim(True), claim(False)])
    lines = directive(extension("claims").Claims, ["Net"]).run().splitlines()
    assert lines[2:] == ["| ✓ | weights | 60M | 61M |", "| ≠ | weights | 60M | 61M |", "", "- weights: rounded"]


def test_each_tab_shows_its_own_folder(extension):
    text = directive(extension("kernel_tabs").Kernels, ["relu"]).run()
    tabs = {tab.split("\n", 1)[0]: tab for tab in text.split("{tab-item} ")[1:]}
    assert list(tabs) == ["loops", "array", "cpu", "cuda"]
    for folder, tab in tabs.items():
        source = (DOCS.parent / "kernels" / folder / "activation.py").read_text()
        assert f"](source:kernels/{folder}/activation.py)" in tab
        shown = tab.partition("````python\n")[2].partition("\n````")[0]
        assert shown.count("def relu_") == source.count("def relu_")
        assert all(piece in source for piece in shown.split("\n\n\n"))
    assert len({tab.split("\n", 1)[1].replace(folder, "") for folder, tab in tabs.items()}) == len(tabs)


def test_a_network_is_drawn_with_the_options_of_draw(extension, monkeypatch):
    from minicnn import draw

    asked = []
    monkeypatch.setattr(draw, "architecture", lambda model, **options: asked.append(options) or SimpleNamespace(_repr_svg_=lambda: "<svg></svg>"))
    kind = extension("pictures").Network
    network = directive(kind, ["LeNet5"])
    network.content = []
    network.run()
    network.options = {name: kind.option_spec[name](value) for name, value in {"depth": "1", "block": "features", "name": "A net"}.items()}
    network.run()
    assert asked == [{"name": "LeNet5"}, {"name": "A net", "depth": 1, "block": "features"}]


@pytest.mark.parametrize("name", ["minicnn/a.py", "kernels/cuda/a.cu", "kernels/cuda/a.cuh", "minicnn/data/a.toml"])
def test_a_changed_source_file_makes_the_pages_run_again(extension, name, tmp_path):
    source_hash, file = extension("source_hash").source_hash, tmp_path / name
    file.parent.mkdir(parents=True)
    hashes = set()
    for text in ("a", "b"):
        file.write_text(text)
        hashes.add(source_hash(tmp_path))
    file.rename(file.with_stem("c"))
    hashes.add(source_hash(tmp_path))
    (tmp_path / "minicnn" / "notes.md").parent.mkdir(exist_ok=True)
    (tmp_path / "minicnn" / "notes.md").write_text("no source")
    assert source_hash(tmp_path) in hashes
    assert len(hashes) == 3


def test_the_examples_in_docstrings(extension):
    names = [module.name for module in pkgutil.iter_modules([str(DOCS / "_ext" / "site_parts")])]
    found = [doctest.testmod(extension(name)) for name in names]
    assert sum(result.attempted for result in found) > 0
    assert sum(result.failed for result in found) == 0
