"""A new assignment; one for nbgrader; results for Gradescope."""

import json

import pytest

from minicnn.cli import main
from minicnn.course.assignment import load_assignment
from minicnn.course.export import gradescope, nbgrader_source
from minicnn.course.grade import grade_one
from minicnn.course.notebook import check_in_notebook
from minicnn.course.trial import try_out
from minicnn.errors import ArgumentError
from tests.course import tiny

pytest.importorskip("jupytext")


def test_a_new_assignment_is_sound(tmp_path, capsys):
    assert main(["course", "new", str(tmp_path / "a8"), "--title", "Assignment 8: squares"]) == 0
    assignment = load_assignment(tmp_path / "a8")
    assert (assignment.title, assignment.points) == ("Assignment 8: squares", 3)
    assert {row.fault for row in try_out(assignment)} == {""}
    assert main(["course", "new", str(tmp_path / "a8")]) == 2
    assert main(["course", "new", str(tmp_path / "8-a")]) == 2
    err = capsys.readouterr().err
    assert "is there already, and nothing is overwritten" in err
    assert "letters, digits and _" in err


def test_what_nbgrader_gets(tmp_path):
    book = json.loads(nbgrader_source(load_assignment(tiny.write(tmp_path))))
    marks = [cell["metadata"].get("nbgrader") for cell in book["cells"]]
    assert len({mark["grade_id"] for mark in marks if mark}) == 5
    assert [(mark["solution"], mark["grade"], mark.get("points")) for mark in marks if mark] == [(True, False, None), (False, True, 1), (False, True, 2), (True, False, None), (False, True, 1)]
    solution, test = ("".join(cell["source"]) for cell in book["cells"][2:4])
    assert "### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION" in solution
    assert "check_in_notebook('double', 'of numbers')" in test


def test_checks_in_a_notebook(tmp_path):
    checks = str(tiny.write(tmp_path) / "checks.py")
    check_in_notebook("double", "of a matrix", ["", tiny.DOUBLE, "%%time\nx = 3", tiny.TOTAL], checks)
    with pytest.raises(AssertionError, match="should be"):
        check_in_notebook("double", "of a matrix", ["", tiny.DOUBLE.replace("2", "3")], checks)
    with pytest.raises(AssertionError, match="not written yet: there is no total"):
        check_in_notebook("total", "the sum", ["", tiny.DOUBLE], checks)
    with pytest.raises(ArgumentError, match="has no check 'another'"):
        check_in_notebook("double", "another", [], checks)


def test_results_for_gradescope(tmp_path):
    assignment = load_assignment(tiny.write(tmp_path))
    (tmp_path / "x.ipynb").write_text(tiny.notebook(tiny.TOTAL))
    results = gradescope(grade_one(assignment, "x", tmp_path / "x.ipynb", "s"))
    assert results["score"] == 1
    assert [(test["name"], test["score"], test["max_score"], test["status"]) for test in results["tests"]] == [
        ("double: of numbers", 0, 1, "failed"), ("double: of a matrix", 0, 2, "failed"), ("total: the sum", 1, 1, "passed"),
    ]  # fmt: skip
    assert "there is no double" in results["tests"][0]["output"]


def test_the_export_command(tmp_path, capsys):
    assert main(["course", "export", str(tiny.write(tmp_path)), "--out", str(tmp_path / "source")]) == 0
    assert sorted(path.name for path in (tmp_path / "source" / "tiny").iterdir()) == ["checks.py", "tiny.ipynb"]
    assert "nbgrader generate_assignment tiny" in capsys.readouterr().out
