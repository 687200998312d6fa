"""Drawing: a background, clutter on it, and figures with smooth edges.

A pixel that an edge cuts gets a share of the colour: ½ where the edge runs through its centre, 1 half a pixel further inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from minicnn.data.shapes.colours import COLOURS
from minicnn.data.shapes.figures import FIGURES
from minicnn.data.shapes.scene import Placed
from minicnn.kernels.types import Array

LINE = 0.16, 1.25  # an outline's width: this share of the radius, but so many pixels at least


@lru_cache(maxsize=8)
def _centres(size: int) -> tuple[Array, Array]:
    """x (1, size) and y (size, 1) of the centres of pixels; not to be written to, for all pictures share them."""
    x = np.arange(size, dtype=np.float32)[None] + np.float32(0.5)
    x.flags.writeable = False
    return x, x.T


def distance(figure: Placed, size: int) -> Array:
    """Signed distances (size, size) of the pixels' centres from what is drawn of a figure, in pixels: less than 0 inside.

    Its outline is the band along the inner side of its edge, so that a figure has the same box, filled or not.
    """
    x, y = _centres(size)
    x, y = x - np.float32(figure.x), y - np.float32(figure.y)
    cos, sin = np.float32(np.cos(figure.angle) / figure.radius), np.float32(np.sin(figure.angle) / figure.radius)
    found = FIGURES[figure.label].distance(cos * x + sin * y, cos * y - sin * x) * np.float32(figure.radius)
    if figure.filled:
        return found
    half = np.float32(max(LINE[0] * figure.radius, LINE[1]) / 2)
    return np.abs(found + half) - half


def background(rng: np.random.Generator, size: int, clutter: float) -> Array:
    """An image (3, size, size) without figures: from one dull colour to another, with waves and up to `20 clutter` strokes and dots."""
    x, y = (axis / np.float32(size) for axis in _centres(size))
    one, other = rng.random((2, 1, 1, 1), np.float32) + rng.uniform(-0.06, 0.06, (2, 3, 1, 1)).astype(np.float32)
    angle, across, phase, rate, height = rng.random(5, np.float32) * np.array([2 * np.pi, 2 * np.pi, 2 * np.pi, 30, 0.12 * clutter], np.float32)
    slope = (np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.5)) * np.float32(clutter)
    waves = np.sin((np.cos(across) * x + np.sin(across) * y) * rate + phase) * height
    return _strokes(one + (other - one) * (slope + waves + 0.5), rng, int(rng.integers(int(20 * clutter) + 1)))


def _strokes(image: Array, rng: np.random.Generator, count: int) -> Array:
    """The image with thin strokes, half of them so short that they are dots, of any colour but half as vivid. Where two meet, the nearer one counts."""
    if not count:
        return image
    size = image.shape[-1]
    ranges = np.array([size, size, 2 * np.pi, 1, 0.2 * size], np.float32)
    cx, cy, angle, kind, length = rng.random((5, count, 1, 1), np.float32) * ranges[:, None, None, None]
    is_dot, thick = kind < 0.5, max(0.015 * size, 0.6)
    half = np.where(is_dot, 0, np.float32(0.05 * size) + length)
    x, y = _centres(size)
    cos, sin = np.cos(angle), np.sin(angle)
    along = cos * (x - cx) + sin * (y - cy)
    across = cos * (y - cy) - sin * (x - cx)
    beyond = np.maximum(np.abs(along) - half, 0)
    cover = np.where(is_dot, 2 * thick, thick).astype(np.float32) + np.float32(0.5) - np.sqrt(beyond * beyond + across * across)
    colours = rng.random((3, count), np.float32)[:, cover.argmax(axis=0)]
    return image + np.clip(cover.max(axis=0), 0, 1) * np.float32(0.5) * (colours - image)


def paint(image: Array, figures: Sequence[Placed], distances: Sequence[Array], rng: np.random.Generator) -> Array:
    """The image with the figures on it, one over the other, each in its colour or one close to it."""
    for figure, far in zip(figures, distances, strict=True):
        colour = np.array(COLOURS[figure.colour], np.float32) + rng.uniform(-0.05, 0.05, 3).astype(np.float32)
        image = image + np.clip(np.float32(0.5) - far, 0, 1) * (colour[:, None, None] - image)
    return image


def add_noise(image: Array, rng: np.random.Generator, clutter: float) -> Array:
    """The image with noise of each pixel's own, up to a standard deviation of 0.12 clutter, and cut off at 0 and 1."""
    if clutter:
        image = image + rng.standard_normal(image.shape, np.float32) * np.float32(rng.random() * 0.12 * clutter)
    return np.clip(image, 0, 1)
