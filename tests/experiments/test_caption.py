"""The experiment `caption` at a scale of a second: it runs to its end, and its claims are read from its figures."""

import json

import numpy as np
import pytest

from minicnn.experiments import EXPERIMENTS, Settings
from minicnn.experiments.caption import COLUMNS, Scale, draw_pictures, report, run_at
from minicnn.experiments.caption_picture import draw_captions

TINY = Scale(size=16, train=64, test=10, width=4, trunk_epochs=1, epochs=1, tuned_epochs=1)
ONE, OTHER = "a small red filled star", "a large blue outlined ring"


def test_a_tiny_one(tmp_path):
    said = []
    found = run_at(TINY, Settings(tmp_path, say=said.append))
    assert said[0] == "drawing 148 pictures"
    assert len(found.rows) == 12
    assert all(len(row) == len(COLUMNS) for row in found.rows)
    assert {row[-1] for row in found.rows if row[2] == 1} == {"-"}
    assert (tmp_path / "caption.png").stat().st_size > 10_000
    assert len(json.loads(json.dumps(found.data))["captions"]) == 6
    blind = next(entry["captions"] for entry in found.data["captions"] if entry["decoder"] == ["LSTM", "zeroed"])
    assert len(set(blind)) == 1  # the same of every picture


def test_pictures():
    pictures = draw_pictures(TINY, 0, False)
    assert pictures.images.shape == (20, 3, 16, 16)
    assert [caption.count(" a ") for caption in pictures.captions] == [0] * 10 + [1] * 10
    shape, colour, filled, large = pictures.attributes[12]
    from minicnn.data import Shapes

    words = ("large" if large else "small", Shapes.colours[colour], "filled" if filled else "outlined", Shapes.classes[shape])
    assert pictures.captions[12].startswith(f"a {' '.join(words)} ")
    assert pictures.tokens.shape == (20, 15)


def said(blind, simple, frozen, longer, tuned):
    """Four pictures of one figure and four of two, of which so many are described rightly."""
    true = [ONE] * 4 + [f"{ONE} above {OTHER}"] * 4
    wrong = [OTHER] * 4 + [ONE] * 4
    counts = {("LSTM", "zeroed"): blind, ("RNN", "frozen"): simple, ("LSTM", "frozen"): frozen}
    counts |= {("LSTM", "frozen, as long"): longer, ("LSTM", "fine-tuned"): tuned}
    return {who: [true[i] if i % 4 < count else wrong[i] for i in range(8)] for who, count in counts.items()}, true


@pytest.mark.parametrize(
    ("counts", "wrong"),
    [((0, 1, 2, 2, 3), None), ((0, 0, 1, 1, 2), 0), ((1, 1, 2, 2, 3), 1), ((0, 2, 2, 2, 3), 2), ((0, 1, 2, 3, 3), 3)],
)
def test_claims(counts, wrong):
    found = report(*said(*counts))
    assert [finding.holds for finding in found.findings] == [i != wrong for i in range(4)]
    assert dict(zip(COLUMNS, found.rows[8], strict=True))["exact"] == f"{25 * counts[4]}.0"


def test_a_wrong_caption_is_red_where_it_is_wrong(tmp_path, monkeypatch):
    from matplotlib.axes import Axes

    written = []
    monkeypatch.setattr(Axes, "text", lambda self, x, y, word, *, color, **more: written.append((word, color)))
    found = [ONE.replace("star", "ring")] * 10 + [f"{ONE} above {OTHER}"] * 10
    draw_captions(np.zeros((20, 3, 8, 8), np.float32), found, [ONE] * 10 + [f"{OTHER} below {ONE}"] * 10, tmp_path / "a.png")
    green, red, grey = "#11772d", "#c8102e", "#777777"
    assert written[:10] == [*((word, green) for word in ONE.split()[:-1]), ("ring", red), *((word, grey) for word in ONE.split())]
    assert {colour for _, colour in written[80:]} == {green}


def test_it_is_listed():
    assert "caption" in EXPERIMENTS
