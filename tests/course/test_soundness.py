"""The assignments of the course are sound: their solutions earn all points, also in a kernel, every wrong answer loses some, and nothing else earns any."""

from pathlib import Path

import pytest

from minicnn.course.assignment import load_assignment
from minicnn.course.jupyter import run_in_kernel
from minicnn.course.release import notebook
from minicnn.course.sandbox import process
from minicnn.course.sandbox.student import walls_here
from minicnn.course.trial import load_mutants, try_out
from tests.course import tiny
from tests.course.forked import Forked

pytest.importorskip("jupytext")
START = process.start
COURSE = sorted(path.parent for path in (Path(__file__).parents[2] / "assignments").glob("*/checks.py"))

# Experiments under the last question, on which no check depends: the same with less to learn from.
LESS = {
    "a1": {"np.linspace(0.25, 1, 30)": "np.linspace(0.25, 1, 10)", "[1, -1], 30": "[1, -1], 10", "range(60)": "range(20)", "1.2, 25)": "1.2, 9)"},
    "a2": {"range(320)": "range(64)", "epochs=4": "epochs=1"},
    "a4": {"for _epoch in range(3)": "for _epoch in range(1)"},
    "a6": {"size, count = 32, 12_800": "size, count = 32, 3_200"},
    "a7": {"epochs=3": "epochs=1"},
}


@pytest.fixture
def judged_in_forks(tmp_path_factory, monkeypatch):
    """Judging takes long for the many processes that it starts; one server has imported what they need."""
    forked = Forked(tmp_path_factory.mktemp("library"))
    monkeypatch.setattr(process, "start", forked.start)
    yield
    forked.server.close()


@pytest.mark.parametrize("folder", COURSE, ids=lambda folder: folder.name)
def test_nothing_but_the_solution_earns_all_points(folder, judged_in_forks):
    assignment = load_assignment(folder)
    rows = list(try_out(assignment))
    assert {row.what: row.fault for row in rows if row.fault} == {}
    assert len(rows) >= len(load_mutants(assignment)) + len(assignment.questions)


def test_a_wrong_answer_that_nobody_notices_is_found_in_forks_too(tmp_path, judged_in_forks):
    found = {row.what: row.fault for row in try_out(load_assignment(tiny.write(tmp_path, mutants=tiny.MUTANTS.replace("3 * x", "x + x")))) if row.fault}
    assert found == {"double: thrice": "nobody has noticed it"}


def test_the_walls_of_forks_are_those_of_other_processes(judged_in_forks):
    forked = walls_here()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "start", START)
        assert forked == walls_here()


def shorter(name, text):
    """A notebook with small experiments."""
    for much, little in LESS.get(name, {}).items():
        assert text.count(much) == 1, much
        text = text.replace(much, little)
    return text


@pytest.mark.parametrize("folder", COURSE, ids=lambda folder: folder.name)
def test_the_solution_in_a_kernel(folder):
    pytest.importorskip("ipykernel")
    pytest.importorskip("nbclient")
    assert run_in_kernel(shorter(folder.name, notebook(load_assignment(folder), solution=True).decode()).encode(), folder) == ""


def test_what_a_kernel_says_is_a_fault(tmp_path):
    assert next(iter(try_out(load_assignment(tiny.write(tmp_path)), lambda contents, folder: f"{folder.name} breaks off"))).fault == "tiny breaks off"
