"""The learning curve as a picture."""

import importlib.util

import pytest

from minicnn.train import Epoch
from minicnn.train.curve import can_draw, draw_curve


def test_a_png_file_also_where_nothing_is_wrong_any_more(tmp_path):
    pytest.importorskip("matplotlib")
    epochs = [Epoch(i, 0.1, 1 / i, 1 - 0.1 / i, 0.5 / i, 1.0, 1.0, 100.0) for i in (1, 2, 3)]  # held out: 0 % wrong, on a log axis
    draw_curve(epochs, tmp_path / "curve.png", "a title")
    assert (tmp_path / "curve.png").read_bytes()[:4] == b"\x89PNG"


def test_the_images_are_not_said_to_be_shifted(tmp_path, monkeypatch):
    figures = pytest.importorskip("matplotlib.figure")
    named = []
    monkeypatch.setattr(figures.Figure, "savefig", lambda figure, *_, **__: named.extend(text.get_text() for text in figure.axes[0].get_legend().get_texts()))
    draw_curve([Epoch(1, 0.1, 1, 0.9, 0.5, 0.9, 1.0, 100.0)], tmp_path / "curve.png", "a title")
    assert named == ["training", "held out"]


def test_without_matplotlib_none_can_be_drawn(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None)
    assert not can_draw()
