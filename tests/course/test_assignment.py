"""From the source to the notebook, and the proof that an assignment is sound."""

import ast
import json
import re
from pathlib import Path

import pytest

from minicnn.cli import main
from minicnn.course.assignment import load_assignment
from minicnn.course.jupyter import run_in_kernel
from minicnn.course.release import notebook, release
from minicnn.course.trial import load_mutants, try_out
from minicnn.errors import ArgumentError
from tests.course import tiny

pytest.importorskip("jupytext")
COURSE = sorted(path.parent for path in (Path(__file__).parents[2] / "assignments").glob("*/checks.py"))


def test_what_students_get(tmp_path):
    assignment = load_assignment(tiny.write(tmp_path))
    assert (assignment.name, assignment.title, assignment.points) == ("tiny", "Doubles and sums", 4)
    text = notebook(assignment).decode()
    book = json.loads(text)
    assert [cell["cell_type"] for cell in book["cells"]] == ["markdown", "code", "code", "code", "code", "code", "code"]
    double = "".join(book["cells"][2]["source"])
    assert double == 'def double(x):\n    """2 x."""\n    # YOUR CODE HERE\n    raise NotImplementedError'
    assert book["cells"][2]["metadata"] == {"minicnn": {"question": "double"}}
    for secret in ("SOLUTION", "2 * x", "thrice", "rng", str(tmp_path)):
        assert secret not in text
    assert len({cell["id"] for cell in book["cells"]}) == 7
    assert "".join(book["cells"][3]["source"]) == 'from minicnn.course.notebook import check\n\ncheck("double")'
    assert text == notebook(load_assignment(tiny.write(tmp_path / "elsewhere"))).decode()
    answers = notebook(assignment, solution=True).decode()
    assert "return 2 * x" in answers
    assert "SOLUTION" not in answers


def test_headings(tmp_path):
    source = tiny.SOURCE.replace('# %% question="double"', '# %% [markdown]\n# ## 1 Twice (3 points)\n# Write it.\n\n# %% question="double"')
    assert load_assignment(tiny.write(tmp_path, source=source)).headings == {"double": "1 Twice (3 points)", "total": "total"}


def test_release_brings_what_is_needed_and_no_more(tmp_path):
    folder = tiny.write(tmp_path)
    (folder / "picture.png").write_bytes(b"png")
    release(load_assignment(folder), tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out" / "tiny").iterdir()) == ["checks.py", "picture.png", "tiny.ipynb"]


@pytest.mark.parametrize(("changed", "said"), [
    ({"source": tiny.SOURCE.replace('question="total"', 'question="sum"')}, "the same are needed, in the same order"),
    ({"source": tiny.SOURCE.replace("    ### END SOLUTION\n", "", 1)}, "has no partner|has nothing to write|is asked for"),
    ({"source": tiny.SOURCE.replace(' question="double"', "")}, "belongs to no question"),
    ({"source": re.sub(r"    ### (BEGIN|END) SOLUTION\n", "", tiny.SOURCE)}, "has nothing to write"),
    ({"source": tiny.SOURCE.replace("def total", "def sum_up")}, "asks for total, which no cell of it defines"),
    ({"checks": "1 / 0"}, "does not run: ZeroDivisionError"),
    ({"checks": "x = 1"}, "has no questions"),
    ({"checks": tiny.CHECKS.replace('Question("total"', 'Question("double"')}, "two questions are called 'double'"),
    ({"checks": tiny.CHECKS.replace("points=1", "points=0")}, "must be worth something"),
    ({"checks": tiny.CHECKS.replace('"of a matrix"', '"of numbers"')}, "two checks are called 'of numbers'"),
    ({"checks": tiny.CHECKS.partition("two = ")[0] + 'two = Question("total", asks=("total",))'}, "has no checks: nothing could be wrong"),
    ({"checks": tiny.CHECKS.replace("def _(student, rng)", "def _(student)")}, "must take two arguments"),
], ids=range(12))  # fmt: skip
def test_text_and_checks_must_fit(tmp_path, changed, said):
    with pytest.raises(ArgumentError, match=said):
        load_assignment(tiny.write(tmp_path, **changed))


def test_no_assignment(tmp_path):
    with pytest.raises(ArgumentError, match="is no assignment: it has no"):
        load_assignment(tmp_path)


@pytest.mark.parametrize(("mutants", "said"), [
    ("", "must have tables"), ("[[mutant]]\nname = 'a'", "must have tables"), (tiny.MUTANTS.replace('"2 * x"', '"4 * x"'), "has '4 \\* x' 0 times"),
    (tiny.MUTANTS.replace('"total"', '"sum"'), "has no question 'sum'"), (tiny.MUTANTS.partition('[[mutant]]\nname = "the mean"')[0], "has no wrong answer to total"),
], ids=range(5))  # fmt: skip
def test_wrong_answers_must_fit_too(tmp_path, mutants, said):
    with pytest.raises(ArgumentError, match=said):
        load_mutants(load_assignment(tiny.write(tmp_path, mutants=mutants)))


def faults(folder):
    return {row.what: row.fault for row in try_out(load_assignment(folder))}


def test_the_command_tells_a_fault(tmp_path, capsys):
    folder = tiny.write(tmp_path)
    assert main(["course", "check", str(folder), "--no-kernel"]) == 0
    assert "4 points, of double, total" in capsys.readouterr().out
    tiny.write(tmp_path, mutants=tiny.MUTANTS.replace("3 * x", "x + x"))
    assert main(["course", "check", str(folder), "--no-kernel"]) == 1
    assert "FAULT  double: thrice" in capsys.readouterr().out


def test_a_mutant_that_spoils_another_question_is_a_fault(tmp_path):
    """Here the second question borrows a constant from the cell of the first."""
    source = tiny.SOURCE.replace('# %% question="total"\ndef total(x):', '# %% question="total"\ndef total(x, double=double):').replace("def double(x):", "FACTOR = 2\n\n\ndef double(x):")
    checks = tiny.CHECKS.replace(', given="def double(x):\\n    return 2 * x"', "")
    found = faults(tiny.write(tmp_path, source=source, checks=checks))
    assert "total, the sum: " in found["double: thrice"]


def test_a_mutant_must_be_python(tmp_path):
    with pytest.raises(ArgumentError, match="'thrice' is no Python any more"):
        load_mutants(load_assignment(tiny.write(tmp_path, mutants=tiny.MUTANTS.replace("3 * x", "3 * * x"))))


def test_a_sound_assignment(tmp_path):
    found = faults(tiny.write(tmp_path))
    assert list(found) == ["the solution", "the release, untouched", "only double solved", "only total solved", "double: thrice", "total: the mean"]
    assert set(found.values()) == {""}


def test_a_check_that_always_holds_is_found(tmp_path):
    checks = tiny.CHECKS.replace('equal(student.total(x), 2 * x.sum(), "total(x)")', "pass")
    found = faults(tiny.write(tmp_path, checks=checks))
    assert "total, the sum: holds, though nothing is written" in found["the release, untouched"]
    assert found["total: the mean"] == "nobody has noticed it"


def test_a_check_that_compares_a_thing_with_itself_is_found(tmp_path):
    checks = tiny.CHECKS.replace('equal(student.double(x), 2 * x, "double(x)")', 'equal(student.double(x), student.double(x), "double(x)")')
    assert faults(tiny.write(tmp_path, checks=checks))["double: thrice"] == "nobody has noticed it"


def test_a_question_that_needs_another_is_found(tmp_path):
    checks = tiny.CHECKS.replace(', given="def double(x):\\n    return 2 * x"', "")
    assert "NameError: name 'double' is not defined" in faults(tiny.write(tmp_path, checks=checks))["only total solved"]


def test_a_solution_that_fails_is_found(tmp_path):
    assert "double, of numbers: double(x)[0] is" in faults(tiny.write(tmp_path, source=tiny.SOURCE.replace("return 2 * x", "return 2 * x + 1"), mutants=tiny.MUTANTS))["the solution"]


def test_a_notebook_in_a_kernel(tmp_path):
    pytest.importorskip("ipykernel")
    pytest.importorskip("nbclient")
    assignment = load_assignment(tiny.write(tmp_path, source=tiny.SOURCE.replace('print("here one looks")', "assert double(1) == 2")))
    assert run_in_kernel(notebook(assignment, solution=True), assignment.folder) == ""
    wrong = notebook(assignment, solution=True).replace(b"return double(x).sum()", b"return double(x).mean()")
    assert run_in_kernel(wrong, assignment.folder).startswith("total: 0 of 1 points\n  not yet: the sum")
    assert "NotImplementedError" in run_in_kernel(notebook(assignment), assignment.folder)


@pytest.mark.parametrize("folder", COURSE, ids=lambda folder: folder.name)
def test_the_notebooks_in_the_course_are_those_of_the_sources(folder):
    assignment = load_assignment(folder)
    assert (folder / f"{folder.name}.ipynb").read_bytes() == notebook(assignment), f"minicnn course release assignments/{folder.name}"


def functions(text):
    """By name, without their docstrings."""
    found = {node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
    for node in found.values():
        if ast.get_docstring(node):
            del node.body[0]
    return {name: ast.unparse(node) for name, node in found.items()}


@pytest.mark.parametrize("folder", COURSE, ids=lambda folder: folder.name)
def test_what_the_checks_give_is_what_the_notebook_gives(folder):
    """A function that stands in a cell for everybody and once more in the checks is the same twice."""
    assignment = load_assignment(folder)
    in_cells = {name: text for each in assignment.cells if each.kind == "provided" for name, text in functions(each.source).items()}
    for question in assignment.questions:
        for name, text in functions(question.given).items():
            assert in_cells.get(name, text) == text, f"{question.name}: {name}"


