"""One question of one submission."""


import pytest

from minicnn.course import verdict as judging
from minicnn.course.assignment import load_assignment
from minicnn.course.submission import read_submission
from tests.course import tiny

pytest.importorskip("jupytext")


@pytest.fixture(scope="module")
def assignment(tmp_path_factory):
    return load_assignment(tiny.write(tmp_path_factory.mktemp("course")))


def test_a_function_with_another_name(assignment, tmp_path):
    (tmp_path / "a.ipynb").write_text(tiny.notebook("def doubled(x):\n    return 2 * x", tiny.TOTAL))
    verdict = judging.judge(assignment.questions[0], read_submission(tmp_path / "a.ipynb"), assignment.questions)
    assert verdict.results[0].message == "not written yet: there is no double; there is doubled: has it been renamed?"
