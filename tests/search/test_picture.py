"""The picture: a dot for each sample, a line for the running mean."""

import numpy as np
import pytest

from minicnn.search import Found, Sample
from minicnn.search.picture import WINDOW, draw_search, running_mean


def test_the_running_mean_is_that_of_the_last_ones():
    rewards = np.random.default_rng(0).uniform(size=40)
    expected = [rewards[max(0, i - WINDOW + 1) : i + 1].mean() for i in range(40)]
    np.testing.assert_allclose(running_mean(rewards), expected)


def test_there_is_a_dot_for_each_sample_and_a_line_for_each_search(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    from matplotlib.axes import Axes

    drawn, plot = [], Axes.plot
    monkeypatch.setattr(Axes, "plot", lambda axes, *arguments, **options: (drawn.append((arguments, options.get("label"))), plot(axes, *arguments, **options))[1])
    found = {name: Found(tuple(Sample((), "", reward) for reward in rewards)) for name, rewards in (("a", (0.5, 0.7)), ("b", (0.1, 0.2, 0.3)))}
    assert draw_search(found, tmp_path / "rewards.png", "digits")
    assert [(list(arguments[1]), arguments[2], label) for arguments, label in drawn[:2]] == [
        ([0.5, 0.7], ".", None),
        ([0.5, 0.6], "-", f"a, mean of {WINDOW}"),
    ]
    assert len(drawn) == 4
    assert (tmp_path / "rewards.png").read_bytes()[:4] == b"\x89PNG"


def test_without_matplotlib_nothing_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr("minicnn.search.picture.can_draw", lambda: False)
    assert not draw_search({"a": Found((Sample((), "", 0.5),))}, tmp_path / "rewards.png")
    assert list(tmp_path.iterdir()) == []
