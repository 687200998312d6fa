"""Augmentations of colours: right by hand, by Pillow or by Python, and drawn as the papers say."""

import colorsys

import numpy as np
import pytest

from minicnn.data.transforms import ColorJitter, PCALighting
from minicnn.data.transforms.color_jitter import (
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
)
from minicnn.errors import DtypeError, ShapeError
from tests.data.drawn import distance_to_uniform, photo, rng


@pytest.mark.parametrize("transform", [ColorJitter(0.4, 0.4, 0.4, 0.1), PCALighting(0.5)], ids=["jitter", "lighting"])
def test_bytes_are_the_numbers_rounded(transform):
    x = photo(3, 14, 17)
    for seed in range(5):
        exact = transform(x / 255.0, rng(seed)) * 255
        assert abs(transform(x, rng(seed)) - np.clip(exact, 0, 255)).max() <= 0.501


@pytest.mark.parametrize("factor", [0.0, 0.4, 1.0, 1.7])
@pytest.mark.parametrize(("adjust", "name"), [(adjust_brightness, "Brightness"), (adjust_contrast, "Contrast"), (adjust_saturation, "Color")])
def test_colours_are_pillows_within_one(adjust, name, factor):
    image, enhance = pytest.importorskip("PIL.Image"), pytest.importorskip("PIL.ImageEnhance")
    x = photo(3, 20, 30)
    theirs = getattr(enhance, name)(image.fromarray(x.transpose(1, 2, 0))).enhance(factor)
    ours = np.rint(adjust(x.astype(np.float32), factor, 255.0)).transpose(1, 2, 0)
    assert abs(ours - np.asarray(theirs, np.float32)).max() <= 1


@pytest.mark.parametrize("turn", [0.0, 1 / 3, -0.5, 0.2, 1.0])
def test_hue_is_that_of_python(turn):
    x = np.concatenate([rng().random((3, 50)), [[0, 1, 0.5], [0, 1, 0.5], [0, 1, 0.5]], np.eye(3), 1 - np.eye(3)], axis=1)
    expected = []
    for pixel in x.T:
        h, s, v = colorsys.rgb_to_hsv(*pixel)
        expected.append(colorsys.hsv_to_rgb((h + turn) % 1, s, v))
    np.testing.assert_allclose(adjust_hue(x[:, None], turn)[:, 0].T, expected, atol=1e-12)


def test_colours_by_hand():
    red, grey = np.array([1.0, 0, 0]).reshape(3, 1, 1), np.full((3, 1, 1), 0.5)
    np.testing.assert_allclose(adjust_hue(red, 1 / 3).ravel(), [0, 1, 0], atol=1e-15)
    np.testing.assert_allclose(adjust_saturation(red, 0).ravel(), [0.299] * 3)
    np.testing.assert_allclose(adjust_contrast(np.concatenate([red, grey], 2), 0)[:, 0], (0.299 + 0.5) / 2)
    np.testing.assert_allclose(adjust_brightness(grey, 3).ravel(), 1)


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation", "hue"])
def test_factors_of_the_jitter_are_uniform(name):
    """Read from the result on two pixels for which each property is easily measured."""
    x = np.zeros((3, 1, 2))
    x[:, 0] = [[0.4, 0.3], [0.3, 0.3], [0.3, 0.4]]
    adjust = {"brightness": adjust_brightness, "contrast": adjust_contrast, "saturation": adjust_saturation, "hue": adjust_hue}[name]
    jitter, draws, again, factors = ColorJitter(**{name: 0.5}), rng(2), rng(2), []
    for _ in range(300):
        y = jitter(x, draws)
        again.permutation(4)
        factors.append(again.uniform(-0.5, 0.5) if name == "hue" else again.uniform(0.5, 1.5))
        np.testing.assert_allclose(y, adjust(x, factors[-1]), atol=1e-12)
    assert distance_to_uniform(np.array(factors) - min(factors)) < 0.1


def test_the_order_of_the_jitter_is_random():
    x = photo(3, 6, 6) / 255.0
    orders = {tuple(rng(seed).permutation(4)) for seed in range(40)}
    assert len(orders) > 15
    seed = next(s for s in range(99) if tuple(rng(s).permutation(4)) == (2, 0, 3, 1))
    draws = rng(seed)
    draws.permutation(4)
    y = adjust_saturation(x, draws.uniform(0.5, 1.5))
    y = adjust_brightness(y, draws.uniform(0, 2.5))
    y = adjust_contrast(adjust_hue(y, draws.uniform(-0.2, 0.2)), draws.uniform(0.6, 1.4))
    np.testing.assert_allclose(ColorJitter(1.5, 0.4, 0.5, 0.2)(x, rng(seed)), y)


def test_lighting_adds_one_colour_with_the_right_covariance():
    lighting, draws, x = PCALighting(), rng(0), photo(3, 4, 5) / 255.0
    shifts = []
    for _ in range(3000):
        shift = lighting(x, draws) - x
        np.testing.assert_allclose(shift, shift[:, :1, :1] * np.ones((1, 4, 5)))
        shifts.append(shift[:, 0, 0])
    p, std = lighting.eigenvectors, 0.1 * lighting.eigenvalues
    assert abs(np.mean(shifts, axis=0)).max() < 4 * std[0] / np.sqrt(3000)
    along = np.array(shifts) @ np.linalg.inv(p).T
    np.testing.assert_allclose(along.std(axis=0), std, rtol=0.06)
    assert abs(np.corrcoef(along.T) - np.eye(3)).max() < 0.07


def test_lighting_learns_the_directions_of_its_images():
    q, _ = np.linalg.qr(rng(0).standard_normal((3, 3)))
    pixels = 0.5 + q @ (rng(1).standard_normal((3, 40_000)) * np.array([0.1, 0.03, 0.01])[:, None])
    fitted = PCALighting.fit([pixels[:, :30_000].reshape(3, 100, 300), pixels[:, 30_000:].reshape(3, 100, 100)], std=0.2)
    np.testing.assert_allclose(fitted.eigenvalues, [0.01, 0.0009, 0.0001], rtol=0.03)
    np.testing.assert_allclose(abs((fitted.eigenvectors * q).sum(axis=0)), 1, atol=1e-3)
    assert fitted.std == 0.2
    in_bytes = PCALighting.fit([np.rint(255 * pixels).astype(np.uint8).reshape(3, 200, 200)])
    np.testing.assert_allclose(in_bytes.eigenvalues, fitted.eigenvalues, rtol=0.05)


@pytest.mark.parametrize("transform", [ColorJitter(0.1), PCALighting()], ids=["jitter", "lighting"])
def test_colours_need_three_channels_of_bytes_or_numbers(transform):
    with pytest.raises(ShapeError, match=r"needs 3 channels, red, green and blue; the image is \(1, 2, 2\)"):
        transform(np.zeros((1, 2, 2), np.uint8), rng())
    with pytest.raises(DtypeError, match=r"takes bytes \(uint8\), 0 to 255, or float32 and float64; the image is int64"):
        transform(np.zeros((3, 2, 2), np.int64), rng())
