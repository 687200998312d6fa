"""Grading a folder: everybody gets what is theirs, twice the same, and an interrupted run goes on."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from minicnn.cli import main
from minicnn.course import grade as grading
from minicnn.course.assignment import load_assignment
from minicnn.course.feedback import as_html, feedback, write_feedback
from minicnn.course.grade import find_submissions, grade, table
from minicnn.course.release import notebook
from minicnn.course.sandbox import student as outside
from minicnn.errors import ArgumentError
from tests.course import tiny

pytest.importorskip("jupytext")
EXPECTED = {"both": ("3", "1"), "only_total": ("0", "1"), "crash": ("0", "1"), "cut": ("0", "0"), "half": ("1", "1"), "in_a_folder": ("3", "1"), "nothing": ("0", "0"), "letter.txt": ("0", "0"), "'=1+1": ("3", "1")}


@pytest.fixture(scope="module")
def assignment(tmp_path_factory):
    return load_assignment(tiny.write(tmp_path_factory.mktemp("course")))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("submissions")
    both = tiny.notebook(tiny.DOUBLE, tiny.TOTAL)
    files = {
        "both.ipynb": both, "only_total.ipynb": tiny.notebook(tiny.TOTAL), "crash.ipynb": tiny.notebook("import os\nos._exit(1)\ndef double(x): pass", tiny.TOTAL), "cut.ipynb": both[:40],
        "half.py": "def double(x):\n    return x + x if x.ndim == 1 else x\n\n# %%\n" + tiny.TOTAL, "letter.txt": "Dear teacher", "=1+1.ipynb": both,
    }  # fmt: skip
    for name, text in files.items():
        (where / name).write_text(text)
    (where / "in_a_folder" / "deeper").mkdir(parents=True)
    (where / "in_a_folder" / "deeper" / "tiny.ipynb").write_text(both)
    (where / "in_a_folder" / "other.ipynb").write_text(tiny.notebook())
    (where / "nothing").mkdir()
    (where / ".DS_Store").write_text("")
    return where


@pytest.fixture(scope="module")
def graded(assignment, folder, tmp_path_factory):
    kept = tmp_path_factory.mktemp("kept")
    return kept, grade(assignment, find_submissions(folder, "tiny"), kept, seed="s", workers=2, done=lambda each: None)


def rows(assignment, graded):
    return list(csv.DictReader(io.StringIO(table(assignment, graded).decode())))


def test_everybody_gets_their_points(assignment, graded):
    found = rows(assignment, graded[1])
    assert {row["student"]: (row["double"], row["total"]) for row in found} == EXPECTED
    assert all(float(row["points"]) == float(row["double"]) + float(row["total"]) for row in found)
    assert {row["of"] for row in found} == {"4"}
    notes = {row["student"]: row["notes"] for row in found}
    assert notes["nothing"] == "nothing has no notebook in it"
    assert "is no notebook" in notes["cut"]


def test_what_is_done_is_not_done_again(assignment, folder, graded, monkeypatch):
    kept, before = graded
    asked = []
    real = grading.judge
    monkeypatch.setattr(grading, "judge", lambda *args: asked.append(args[1].path.name) or real(*args))
    submissions = find_submissions(folder, "tiny")
    assert grade(assignment, submissions, kept, seed="s", workers=1, done=asked.append) == before
    assert [each for each in asked if isinstance(each, str)] == []
    (one,) = [path for path in kept.iterdir() if json.loads(path.read_text())["student"] == "both"]
    one.write_text(one.read_text()[:30])  # cut off
    again = grade(assignment, {"both": submissions["both"]}, kept, seed="s", workers=1, done=lambda each: None)
    assert asked[-2:] == ["both.ipynb"] * 2
    assert again == [each for each in before if each.student == "both"]


def test_another_seed_is_judged_anew(assignment, folder, graded, monkeypatch):
    asked = []
    real = grading.judge
    monkeypatch.setattr(grading, "judge", lambda *args: asked.append(args[3]) or real(*args))
    grade(assignment, {"both": folder / "both.ipynb"}, graded[0], seed="t", workers=1, done=lambda each: None)
    assert asked == ["t/tiny"] * 2


def test_feedback_tells_what_is_wrong_and_nothing_of_the_checks(assignment, graded):
    pages = {each.student: feedback(each, assignment.title, assignment.headings) for each in graded[1]}
    assert "**2 of 4 points**" in pages["half"]
    assert "- right: of numbers (1 of 1)" in pages["half"]
    assert "double(x)[0, 0] is" in pages["half"]
    assert "with exit code 1" in pages["crash"]
    for page in pages.values():
        for secret in ("rng", "standard_normal", "seed", "### ", str(assignment.folder)):
            assert secret not in page


def test_what_a_student_says_stays_inside_its_block(assignment, folder, tmp_path):
    (tmp_path / "loud.ipynb").write_text(tiny.notebook("def double(x):\n    print('secret', x)\n    raise ValueError('```\\n# 4 of 4')", tiny.TOTAL))
    (one,) = grade(assignment, {"loud": tmp_path / "loud.ipynb"}, tmp_path / "kept", seed="s", workers=1, done=lambda each: None)
    page = feedback(one, "t", assignment.headings)
    assert "  ````text\n  ValueError: ```\n  # 4 of 4" in page
    assert "secret" not in page


def test_a_page_for_a_browser_has_no_markup_of_a_student(assignment, tmp_path):
    (tmp_path / "loud.ipynb").write_text(tiny.notebook("def double(x):\n    raise ValueError('<b>bold</b><script>alert(1)</script>')", tiny.TOTAL))
    (one,) = grade(assignment, {"<i>x</i>": tmp_path / "loud.ipynb"}, tmp_path / "kept", seed="s", workers=1, done=lambda each: None)
    page = as_html(one, "Doubles & sums", assignment.headings)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "ValueError: &lt;b&gt;bold&lt;/b&gt;" in page
    loud = replace(one, student="# <b>x</b>", notes=["**9 of 9**"])
    assert "\\# \\<b\\>x\\</b\\>: **1 of 4 points**" in feedback(loud, "t", assignment.headings)
    assert "- \\*\\*9 of 9\\*\\*" in feedback(loud, "t", assignment.headings)
    assert not any(tag in page for tag in ("<script", "<b>bold", "<i>x"))
    assert "<b>1 of 4 points</b>" in page


def test_another_file_of_checks_or_another_answer_is_judged_anew(assignment, folder, tmp_path):
    """What is kept is that of the same file, checks and seed."""
    course = load_assignment(tiny.write(tmp_path / "course"))
    (tmp_path / "a.ipynb").write_text(tiny.notebook(tiny.DOUBLE, tiny.TOTAL))

    def points():
        return grade(course, {"a": tmp_path / "a.ipynb"}, tmp_path / "kept", seed="s", workers=1, done=lambda each: None)[0].earned

    assert points() == 4
    (tmp_path / "a.ipynb").write_text(tiny.notebook(tiny.TOTAL))
    assert points() == 1
    course = load_assignment(tiny.write(tmp_path / "course", checks=tiny.CHECKS.replace("2 * x.sum()", "3 * x.sum()")))
    assert points() == 0


def test_a_seed_is_drawn_for_each_table(assignment, folder, tmp_path, capsys):
    some = tmp_path / "some"
    some.mkdir()
    (some / "a.py").write_text("x = 1")
    for name in ("g", "h"):
        assert main(["course", "grade", str(assignment.folder), str(some), "--out", str(tmp_path / name / "grades.csv")]) == 0
    seeds = {(tmp_path / name / "grades.seed").read_text() for name in ("g", "h")}
    assert len(seeds) == 2
    assert (tmp_path / "g" / "grades.seed").stat().st_mode & 0o077 == 0


def test_missing_walls_are_said(assignment, tmp_path, capsys, monkeypatch):
    (tmp_path / "a.py").write_text("x = 1")
    for walls, said in ((("files", "calls"), "Answers are shut in by the kernel"), (("files",), "warning: on this system nothing but Python keeps answers from processes and the network"), ((), "from files .* and from processes")):
        monkeypatch.setattr(outside, "walls_here", lambda walls=walls: walls)
        main(["course", "grade", str(assignment.folder), str(tmp_path), "--out", str(tmp_path / ".g" / "grades.csv")])
        assert re.search(said, capsys.readouterr().err)


def test_one_that_cannot_be_graded_stops_nobody(assignment, folder, tmp_path, monkeypatch):
    real = grading.judge

    def judge(question, submission, *more):
        if submission.path.name == "both.ipynb":
            raise KeyError("odd")
        return real(question, submission, *more)

    monkeypatch.setattr(grading, "judge", judge)
    submissions = {"both": folder / "both.ipynb", "half": folder / "half.py"}
    found = grade(assignment, submissions, tmp_path, seed="s", workers=1, done=lambda each: None)
    assert [each.earned for each in found] == [0, 2]
    assert found[0].notes == ["could not be graded, look at it by hand: KeyError: 'odd'"]
    monkeypatch.undo()
    assert grade(assignment, submissions, tmp_path, seed="s", workers=1, done=lambda each: None)[0].earned == 4


def test_odd_names_and_odd_files(assignment, tmp_path):
    both = tiny.notebook(tiny.DOUBLE, tiny.TOTAL)
    here = tmp_path / "here"
    here.mkdir()
    for name in (b"M\xfcller.ipynb", ("\u6f22" * 80 + ".ipynb").encode()):
        (here / os.fsdecode(name)).write_text(both)
    (here / "odd.ipynb").write_text(json.dumps({"cells": [{"cell_type": "\ud800", "source": tiny.DOUBLE}, {"cell_type": "code", "source": "def total(x):\n    raise ValueError('\\ud800')"}]}))
    with (here / "huge.ipynb").open("wb") as file:
        file.truncate(2**40)
    (here / "link.ipynb").symlink_to(tmp_path / "elsewhere.ipynb")
    (tmp_path / "elsewhere.ipynb").write_text(both)
    (here / "smith" / "__MACOSX").mkdir(parents=True)
    (here / "smith" / "__MACOSX" / "._work.ipynb").write_text("x")
    (here / "smith" / "._work.ipynb").write_text("x")
    (here / "smith" / "work.ipynb").write_text(both)
    found = grade(assignment, find_submissions(here, "tiny"), tmp_path / "kept", seed="s", workers=2, done=lambda each: None)
    assert {each.student[:6]: each.earned for each in found} == {"M\\udcf": 4, "\u6f22" * 6: 4, "odd": 3, "huge": 0, "link": 0, "smith": 4}
    text = table(assignment, found).decode()
    assert "link.ipynb is a link, not a file" in text
    assert "\\ud800 cell with code in it" in text
    write_feedback(found, tmp_path / "pages", "t", assignment.headings)
    assert len(list((tmp_path / "pages").iterdir())) == 12


def test_two_submissions_of_one_student(tmp_path):
    (tmp_path / "smith").mkdir()
    for name in ("smith.ipynb", "smith/tiny.ipynb"):
        (tmp_path / name).write_text("x")
    with pytest.raises(ArgumentError, match=r"has two submissions of 'smith', smith/tiny\.ipynb and smith\.ipynb: leave the one that counts"):
        find_submissions(tmp_path, "tiny")


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_nothing_handed_in(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArgumentError, match=r"there is no folder|nothing has been handed in"):
        find_submissions(tmp_path / name, "tiny")


def test_the_command(assignment, folder, tmp_path, capsys):
    some = tmp_path / "some"
    some.mkdir()
    (some / "both.ipynb").write_text((folder / "both.ipynb").read_text())
    arguments = ["course", "grade", str(assignment.folder), str(some), "--out", str(tmp_path / "g" / "grades.csv"), "--feedback", str(tmp_path / "f"), "--gradescope", str(tmp_path / "s")]
    assert main(arguments) == 0
    first, seed = (tmp_path / "g" / "grades.csv").read_bytes(), (tmp_path / "g" / "grades.seed").read_text()
    assert len(seed) == 16
    assert main(arguments) == 0
    assert (tmp_path / "g" / "grades.csv").read_bytes() == first
    assert (tmp_path / "g" / "grades.seed").read_text() == seed
    assert "4 of 4" in (tmp_path / "f" / "both.md").read_text()
    assert "4 of 4" in (tmp_path / "f" / "both.html").read_text()
    results = json.loads((tmp_path / "s" / "both.json").read_text())
    assert (results["score"], [test["max_score"] for test in results["tests"]], {test["status"] for test in results["tests"]}) == (4, [1, 2, 1], {"passed"})
    assert "both: 4 of 4" in capsys.readouterr().err
    assert main(["course", "release", str(assignment.folder), "--solutions"]) == 2


def test_students_check_themselves(assignment, folder, tmp_path):
    for name, text in (("tiny.ipynb", (folder / "only_total.ipynb").read_text()), ("checks.py", (assignment.folder / "checks.py").read_text())):
        (tmp_path / name).write_text(text)
    done = subprocess.run([sys.executable, "-m", "pytest", "--gradcheck", "-p", "no:cacheprovider", "tiny.ipynb"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "not written yet: there is no double" in done.stdout
    assert "Traceback" not in done.stdout
    assert "tiny.ipynb  double  0 of 3\n" in done.stdout
    assert "tiny.ipynb  total   1 of 1\n" in done.stdout
    done = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "."], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "no tests ran" in done.stdout
    (tmp_path / "tiny.py").write_text(f'# %% question="double"\n{tiny.DOUBLE}\n\n# %% question="total"\n{tiny.TOTAL}\n')
    (tmp_path / "saved.py").write_text(f"#!/usr/bin/env python\n# In[1]:\n\n{tiny.DOUBLE}\n\n# In[ ]:\n\n{tiny.TOTAL}\n1 / 0\n")
    for name in ("tiny.py", "saved.py"):
        done = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", name], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
        assert "4 of 4" in done.stdout
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "copy.ipynb").write_bytes(notebook(assignment))
    done = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "alone/copy.ipynb"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "there is no checks.py beside copy.ipynb" in done.stdout
