"""The ten figures: areas and corners as geometry has them, boxes that touch, distances that are distances."""

import numpy as np
import pytest

from minicnn.data.shapes.figures import FIGURES

BY_NAME = {figure.name: figure for figure in FIGURES}
SIDE = 401
x, y = np.meshgrid(np.linspace(-1.1, 1.1, SIDE, dtype=np.float32), np.linspace(-1.1, 1.1, SIDE, dtype=np.float32))
STEP = 2.2 / (SIDE - 1)


def circles_share(r, d):
    """The area that a circle of radius 1 and one of radius r have in common, their centres d apart."""
    a, b = np.arccos((d * d + 1 - r * r) / (2 * d)), np.arccos((d * d + r * r - 1) / (2 * d * r))
    return a + r * r * b - np.sqrt((1 + r - d) * (1 - r + d) * (d + r - 1) * (1 + r + d)) / 2


AREAS = {
    "circle": np.pi,
    "square": 2,
    "triangle": 3 * np.sqrt(3) / 4,
    "hexagon": 3 * np.sqrt(3) / 2,
    "star": 5 * np.sin(np.pi / 5) * np.cos(2 * np.pi / 5) / np.cos(np.pi / 5),
    "cross": 4 * 0.6 * np.sqrt(1 - 0.3**2) - 0.6**2,
    "ring": np.pi * (1 - 0.4**2),
    "ellipse": np.pi / 2,
    "heart": 0.7925**2 * (2 + np.pi / 2),
    "crescent": np.pi - circles_share(0.8, 0.55),
}


@pytest.mark.parametrize("name", BY_NAME)
def test_area(name):
    assert (BY_NAME[name].distance(x, y) <= 0).sum() * STEP**2 == pytest.approx(AREAS[name], rel=6e-3)


@pytest.mark.parametrize("name", BY_NAME)
def test_the_box_touches_on_all_sides_and_the_farthest_point_is_1_away(name):
    inside = BY_NAME[name].distance(x, y) <= 0
    found = x[inside].min(), y[inside].min(), x[inside].max(), y[inside].max()
    np.testing.assert_allclose(found, BY_NAME[name].box, atol=3 * STEP)
    assert np.hypot(x, y)[inside].max() == pytest.approx(1, abs=3 * STEP)


@pytest.mark.parametrize("name", BY_NAME)
def test_turned_into_itself_by_the_least_angle(name):
    figure = BY_NAME[name]

    def differs(angle):
        cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
        return np.abs(figure.distance(x, y) - figure.distance(cos * x - sin * y, sin * x + cos * y)).max()

    if figure.turns == 0:
        assert differs(np.float64(0.3)) < 1e-5
    else:
        assert differs(2 * np.pi / figure.turns) < 1e-5
        assert min(differs(2 * np.pi / (figure.turns * k)) for k in (2, 3, 5)) > 0.05


@pytest.mark.parametrize("name", BY_NAME)
def test_near_the_edge_the_distance_grows_by_one_a_step(name):
    far = BY_NAME[name].distance(x, y)
    down, across = np.gradient(far, STEP)
    near = np.abs(far) < 0.05
    slope = np.hypot(down, across)[near]
    assert np.abs(np.median(slope) - 1) < 0.02
    assert (np.abs(slope - 1) < 0.1).mean() > 0.9


def test_corners_are_on_the_edge():
    def polygon(count, first=-np.pi / 2):
        angles = np.arange(count) * 2 * np.pi / count + first
        return np.float32(np.cos(angles)), np.float32(np.sin(angles))

    for name, corners in (("triangle", polygon(3)), ("square", polygon(4, np.pi / 4)), ("hexagon", polygon(6)), ("star", polygon(5))):
        found = BY_NAME[name].distance(*(part[None] for part in corners))
        np.testing.assert_allclose(found, 0, atol=1e-6, err_msg=name)


def test_upright():
    """The triangle stands on its side, the star's point is above, the heart's below."""
    assert BY_NAME["triangle"].box[1] == BY_NAME["star"].box[1] == -1
    tip = np.float32([[0]]), np.float32([[0.8]])
    assert BY_NAME["heart"].distance(*tip) < 0 < BY_NAME["heart"].distance(tip[0], -tip[1])
