"""`minicnn neighbours RUN IMAGE... --in FOLDER`."""

import re

import numpy as np
import pytest

from minicnn.data import Digits


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Digits as pictures in a folder for each class: eight zeros and eight ones; and a text."""
    image = pytest.importorskip("PIL.Image")
    digits = Digits(train=False, size=8)
    pixels = (digits.images[:, 0] * digits.std + digits.mean) * 240
    top = tmp_path_factory.mktemp("digits")
    for digit in (0, 1):
        (top / str(digit)).mkdir()
        for i in np.flatnonzero(digits.labels == digit)[:8]:
            image.fromarray(pixels[i].round().astype(np.uint8)).save(top / str(digit) / f"{i}.PNG")
    (top / "notes.txt").write_text("no picture")
    return top


def test_table_and_sheet(minicnn, trained, folder, tmp_path):
    pytest.importorskip("matplotlib")
    queries = [min((folder / digit).iterdir()) for digit in "01"]
    code, out, err = minicnn("neighbours", trained, *queries, "--in", folder, "--count", 3, "--out", tmp_path / "sheet.png")
    assert (code, err) == (0, "")
    assert out.startswith(f"14 pictures in {folder}; distance of features: l2; of pixels: l2\n")  # without the two asked about
    parts = out.split(f"{folder}/")[1:]
    for digit, part in zip("01", parts, strict=True):
        rows = re.findall(r"^ +\d  (\d)/\d+\.PNG +([\d.]+)  \d/\d+\.PNG ([\d.]+)$", part, re.MULTILINE)
        assert len(rows) == 3
        assert [row[0] for row in rows] == [digit] * 3
        for column in (1, 2):
            distances = [float(row[column]) for row in rows]
            assert distances == sorted(distances)
            assert distances[0] > 0
    assert (tmp_path / "sheet.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--in", "nowhere"], "neighbours: there is no folder nowhere"),
        (["--in", "empty"], "neighbours: there is no picture in empty to compare with"),
        (["--in", "FOLDER", "--count", "99"], "neighbours: 99 are wanted of each image, and there are only 15 images to look in"),
        (["--in", "FOLDER", "--metric", "l1"], "argument --metric: invalid choice: 'l1'"),
        (["--in", "FOLDER", "--layer", "c9"], "LeNet5 has no layer 'c9'; the nearest are c1, c3, c5"),
        ([], "the following arguments are required: --in"),
    ],
)
def test_wrong_calls_are_one_line(minicnn, trained, folder, tmp_path, monkeypatch, options, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    query = min((folder / "0").iterdir())
    code, out, err = minicnn("neighbours", trained, query, *[folder if option == "FOLDER" else option for option in options])
    assert (code, out) == (2, "")
    assert sentence in err
    assert len(err.splitlines()) == 1
