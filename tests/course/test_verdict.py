"""One question of one submission."""

from dataclasses import replace

import pytest

from minicnn.course import verdict as judging
from minicnn.course.assignment import load_assignment
from minicnn.course.questions import Check
from minicnn.course.sandbox.student import Limits
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


def test_every_seed_and_check_has_random_numbers_of_its_own(assignment, tmp_path):
    (tmp_path / "both.ipynb").write_text(tiny.notebook(tiny.DOUBLE, tiny.TOTAL))

    def numbers(seed):
        found = []
        question = replace(assignment.questions[0], checks=[Check(title, 1, lambda student, rng: found.append(rng.random())) for title in ("a", "b")])
        judging.judge(question, read_submission(tmp_path / "both.ipynb"), assignment.questions, seed)
        return found

    assert numbers("s") == numbers("s")
    assert len({*numbers("s"), *numbers("t"), *numbers(judging.PUBLIC)}) == 6


@pytest.mark.parametrize(("text", "seconds"), [("def double(x):\n    while True: pass", [3, 1]), (f"{tiny.DOUBLE}\nwhile True: pass", [3])], ids=["function", "cell"])
def test_what_never_ends_costs_less_the_second_time(assignment, tmp_path, monkeypatch, text, seconds):
    """And cells that never end are run once."""
    given = []
    real = judging.start
    monkeypatch.setattr(judging, "LATER", 1)
    monkeypatch.setattr(judging, "start", lambda question, cells, file, limits: given.append(limits.seconds) or real(question, cells, file, limits))
    (tmp_path / "a.ipynb").write_text(tiny.notebook(text))
    question = replace(assignment.questions[0], limits=Limits(seconds=3, memory=2**29))
    verdict = judging.judge(question, read_submission(tmp_path / "a.ipynb"), assignment.questions)
    assert [("took longer than" in result.message or "processor time" in result.message) for result in verdict.results] == [True, True]
    assert given == seconds

