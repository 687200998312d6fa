"""The site rewrites links of documents to files of the repository: all in the text, none in code."""

import importlib
import sys
from pathlib import Path

import pytest

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
```
text [i](i.py)
"""


@pytest.fixture
def parts(monkeypatch):
    pytest.importorskip("sphinx")
    monkeypatch.syspath_prepend(DOCS / "_ext")
    yield importlib.import_module("site_parts.source_pages")._parts
    for name in [name for name in sys.modules if name.split(".")[0] == "site_parts"]:
        del sys.modules[name]


def test_code_is_told_from_text(parts):
    pieces = list(parts(PAGE))
    assert "".join(piece for piece, _ in pieces) == PAGE
    text, code = ("".join(piece for piece, is_code in pieces if is_code == wanted) for wanted in (False, True))
    assert [letter for letter in "abcdeghi" if f"({letter}.py)" in text] == list("acdgi")
    assert [letter for letter in "abcdeghi" if f"({letter}.py)" in code] == list("beh")
