"""Mosaics and drawings."""

import builtins

import numpy as np
import pytest

from minicnn.errors import ArgumentError, ShapeError
from minicnn.visualise import Panel, draw, mosaic


def test_a_mosaic_has_its_tiles_in_rows_with_a_line_between():
    tiles = np.arange(3 * 4.0).reshape(3, 2, 2)
    large = mosaic(tiles)
    assert large.shape == (5, 5)
    assert np.array_equal(large[:2, :2], tiles[0])
    assert np.array_equal(large[:2, 3:], tiles[1])
    assert np.array_equal(large[3:, :2], tiles[2])
    assert np.isnan(large[2]).all()
    assert np.isnan(large[:, 2]).all()
    assert np.isnan(large[3:, 3:]).all()
    assert mosaic(np.ones((3, 2, 2, 3)), columns=3).shape == (2, 8, 3)
    with pytest.raises(ShapeError, match="mosaic: tiles must be"):
        mosaic(np.ones((2, 2)))


def test_panels_in_rows_of_different_length(tmp_path):
    pytest.importorskip("matplotlib")
    grey, colour = np.eye(4), np.full((4, 4, 3), 0.5)
    draw([[Panel(grey, "a"), Panel(colour, heat=grey)], [Panel(mosaic(grey[None, ..., None]), limits=(0, 1))]], tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    draw([[Panel(grey, "a title")]], tmp_path / "a.svg")
    assert "<svg" in (tmp_path / "a.svg").read_text()


def test_what_cannot_be_drawn(tmp_path, monkeypatch):
    with pytest.raises(ArgumentError, match="there is no panel to draw"):
        draw([[]], tmp_path / "a.png")
    pytest.importorskip("matplotlib")
    for name in ("nowhere/a.png", "a.txt"):
        with pytest.raises(ArgumentError, match="cannot be written"):
            draw([[Panel(np.eye(2))]], tmp_path / name)
    real = builtins.__import__

    def missing(name, *rest, **options):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ArgumentError, match=r'a picture needs Matplotlib: .*-m pip install -e "\.\[viz\]"'):
        draw([[Panel(np.eye(2))]], tmp_path / "a.png")
