"""Checks from within a notebook."""

import json

import pytest

from minicnn.course.assignment import load_assignment
from minicnn.course.notebook import check, latest
from minicnn.course.release import notebook
from minicnn.course.submission import cell
from minicnn.errors import ArgumentError
from tests.course import tiny


def test_a_cell_counts_as_it_was_run_last():
    cells = [cell(str(number), text) for number, text in enumerate(["x = 1", tiny.DOUBLE, "print(3)", "def double(x:", tiny.TOTAL, tiny.DOUBLE + "\n\ndef total(x):\n    pass"])]
    assert [each.name for each in latest(cells)] == ["0", "2", "5"]


def test_outside_of_a_notebook():
    with pytest.raises(ArgumentError, match="for the cells of a notebook; what a file has in it"):
        check("double")


def test_the_cell_under_an_answer_says_what_the_checks_find(tmp_path):
    pytest.importorskip("jupytext")
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    assignment = load_assignment(tiny.write(tmp_path))
    book = json.loads(notebook(assignment))
    right = next(each for each in book["cells"] if "double" in "".join(each["source"]))
    wrong = {**right, "id": "wrong", "source": "def double(x):\n    print('hm')\n    return 3 * x if x.ndim == 1 else 2 * x"}
    right["source"] = tiny.DOUBLE
    asked = {**right, "metadata": {"tags": ["raises-exception"]}}
    book["cells"] += [{**right, "id": "more"}, wrong, {**asked, "id": "again", "source": 'check("double")'}, {**asked, "id": "odd", "source": 'check("dubble")'}]
    done = nbformat.reads(json.dumps(book), as_version=4)
    nbclient.NotebookClient(done, kernel_name="python3", allow_error_names=["NotImplementedError"], extra_arguments=["--log-level=ERROR"], resources={"metadata": {"path": str(assignment.folder)}}).execute()
    said = {each["id"]: "".join(output.get("text", "") + output.get("evalue", "") for output in each["outputs"]) for each in done["cells"] if each["cell_type"] == "code"}
    first, second = (each["id"] for each in done["cells"] if each["metadata"].get("tags") == ["check"])
    assert said[first] == "double: 3 of 3 points\n  right: of numbers (1 of 1)\n  right: of a matrix (2 of 2)\n"
    assert said[second] == "total: 0 of 1 points\n  not yet: the sum (0 of 1)\n      not written yet: total() raises NotImplementedError\n"
    assert said["again"].startswith("double: 2 of 3 points\n  not yet: of numbers (0 of 1)\n      double(x)[0] is ")
    assert said["again"].endswith("  right: of a matrix (2 of 2)\n  your code printed:\n      hm\n      hm\n")
    assert "has no question 'dubble': did you mean double?" in said["odd"]
