"""What is handed in, in whatever state: which cells belong to a question."""

import json

import pytest

from minicnn.course.submission import cell, read_submission
from minicnn.errors import DataError
from tests.course.tiny import DOUBLE, TOTAL, notebook


def read(tmp_path, text, name="a.ipynb"):
    (tmp_path / name).write_text(text)
    return read_submission(tmp_path / name)


def sources(submission, asks=("double",), others=("total",)):
    return [source for _, source in submission.answer(asks, others)]


def test_cells_are_known_by_what_they_define(tmp_path):
    submission = read(tmp_path, notebook("%matplotlib inline\nimport math", DOUBLE, "plot = 1 / 0\nwhile True: pass", TOTAL))
    assert sources(submission) == [DOUBLE]
    assert sources(submission, ("total",), ("double",)) == [TOTAL]


def test_a_duplicated_cell_is_run_too_and_the_last_counts(tmp_path):
    later = DOUBLE.replace("2 * x", "x + x")
    assert sources(read(tmp_path, notebook(DOUBLE, later))) == [DOUBLE, later]


def test_code_in_a_cell_of_another_kind_is_taken_and_said(tmp_path):
    submission = read(tmp_path, notebook(DOUBLE, "def is a word", kind="raw"))
    assert sources(submission) == [DOUBLE]
    assert submission.notes == ["cell 1 is a raw cell with code in it; it was taken as code"]


def test_helpers_are_lent_with_what_they_need_and_nothing_else(tmp_path):
    answer = "def double(x):\n    return times(FACTOR, x)"
    helpers = "import math\nimport matplotlib\nFACTOR = 2\nprint('run')\nunused = 3\n@wraps\ndef times(a, b):\n    return math.prod([a, b])\ntrained = train()"
    lent, own = sources(read(tmp_path, notebook(helpers, answer, "from functools import wraps")))[:2]
    assert lent == "import math\n\nFACTOR = 2\n\n\n@wraps\ndef times(a, b):\n    return math.prod([a, b])\n"
    assert own == answer
    assert sources(read(tmp_path, notebook(helpers, answer, "from functools import wraps")))[2] == "from functools import wraps"


def test_cells_of_other_questions_lend_nothing(tmp_path):
    assert sources(read(tmp_path, notebook(DOUBLE, TOTAL)), ("total",), ("double",)) == [TOTAL]


def test_lines_keep_their_numbers():
    found = cell("cell 1", "%pip list\n!ls\n?help\ndef f():\n    return 5 % 3")
    assert found.source.split("\n")[3] == "def f():"
    assert found.defines == ("f",)
    compile(found.source, "cell", "exec")


def test_a_cell_that_python_does_not_understand_is_still_somebodys():
    assert cell("cell 1", "def double(x:\n  return 2x").defines == ("double",)


def test_a_python_file(tmp_path):
    exported = read(tmp_path, f"#!/usr/bin/env python\n# coding: utf-8\n\n# # Title\n\n# In[ ]:\n\n\n{DOUBLE}\n\n\n# In[12]:\n\n\n{TOTAL}\n", "exported.py")
    assert [source.strip() for source in sources(exported)] == [DOUBLE]
    submission = read(tmp_path, f"# %% [markdown]\n# # Title\n\n# %%\n{DOUBLE}\n\n# %%\n{TOTAL}\n", "a.py")
    assert [source.strip() for source in sources(submission)] == [DOUBLE]
    assert [source.strip() for source in sources(read(tmp_path, DOUBLE, "b.py"))] == [DOUBLE]


@pytest.mark.parametrize(("text", "name", "said"), [
    ("", "a.ipynb", "is no notebook: is it cut off"), (notebook(DOUBLE)[:50], "a.ipynb", "is no notebook"), ("<html>", "a.ipynb", "is no notebook"), ('{"cells": 3}', "a.ipynb", "is no notebook"),
    ('{"cells": [3]}', "a.ipynb", "is no notebook"), ("[" * 100_000, "a.ipynb", "is no notebook"), ("x", "a.docx", "is neither a notebook"),
], ids=range(7))  # fmt: skip
def test_what_is_no_submission(tmp_path, text, name, said):
    with pytest.raises(DataError, match=said):
        read(tmp_path, text, name)


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "b.ipynb").write_bytes(bytes(range(256)))
    with pytest.raises(DataError, match="is no text"):
        read_submission(tmp_path / "b.ipynb")
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read_submission(tmp_path / "none.ipynb")
    with (tmp_path / "c.ipynb").open("wb") as file:
        file.truncate(130 * 2**20)
    with pytest.raises(DataError, match="has 130 MiB"):
        read_submission(tmp_path / "c.ipynb")


@pytest.mark.parametrize(("name", "text"), [("a.ipynb", notebook(*["x = 1"] * 1001)), ("b.ipynb", notebook("a\n" * 300_000)), ("c.py", "# %%\nx = 1\n" * 1001)], ids=range(3))
def test_more_code_than_a_student_writes_is_not_parsed(tmp_path, name, text):
    with pytest.raises(DataError, match=r"characters; up to 1,000 cells and 524,288 characters are read"):
        read(tmp_path, text, name)


def test_sources_as_lists_of_lines(tmp_path):
    book = json.loads(notebook(DOUBLE))
    book["cells"][0]["source"] = DOUBLE.splitlines(keepends=True)
    assert sources(read(tmp_path, json.dumps(book))) == [DOUBLE]
