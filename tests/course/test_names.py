"""Names of students: in folders, in tables, on pages."""

import csv

import pytest

from minicnn.course.feedback import file_name
from minicnn.course.grade import _plain as plain
from minicnn.course.grade import find_submissions


@pytest.mark.parametrize("name", ["=1+1", " =1+1", "\u3000=1+1", "\uff1d1+1", "a\r=1+1", "-1", "@x", "+1"])
def test_no_name_is_a_formula(name):
    row = next(csv.reader([plain(name)]))
    assert len(row) == 1
    assert not any(line.startswith(("=", "+", "-", "@")) for line in row[0].splitlines())


def test_names_of_files():
    assert file_name("smith") == "smith"
    assert len({file_name(name).lower() for name in ("Smith", "smith", "SMITH", "jo ann", file_name("jo ann"))}) == 5
    assert len({file_name("a/b"), file_name("a_b"), file_name("../a"), file_name("a:b")}) == 4
    assert not any("/" in file_name(name) for name in ("a/b", "../a"))


def test_the_least_deep_file_of_a_folder_counts(tmp_path):
    for place in ("Old", "."):
        (tmp_path / "smith" / place).mkdir(parents=True, exist_ok=True)
        (tmp_path / "smith" / place / "tiny.ipynb").write_text("{}")
    assert find_submissions(tmp_path, "tiny") == {"smith": tmp_path / "smith" / "tiny.ipynb"}
