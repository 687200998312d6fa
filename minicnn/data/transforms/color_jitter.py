"""Colours as under another light, or through another camera."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minicnn import checks
from minicnn.data.transforms.pixels import as_numbers, check_pixels, like
from minicnn.errors import ArgumentError
from minicnn.kernels.types import Array

GREY = np.array([0.299, 0.587, 0.114])  # how much red, green and blue contribute to lightness: ITU-R 601


def adjust_brightness(image: Array, factor: float, white: float = 1.0) -> Array:
    """factor · x: 0 is black, 1 the image."""
    return _blend(image, 0.0, factor, white)


def adjust_contrast(image: Array, factor: float, white: float = 1.0) -> Array:
    """m + factor (x - m), m being the mean lightness of the image: 0 is grey all over."""
    return _blend(image, float(_lightness(image).mean()), factor, white)


def adjust_saturation(image: Array, factor: float, white: float = 1.0) -> Array:
    """g + factor (x - g), g being the lightness of each pixel: 0 is a grey picture."""
    return _blend(image, _lightness(image), factor, white)


def adjust_hue(image: Array, turn: float, white: float = 1.0) -> Array:
    """Turn the circle of colours, red, yellow, green, cyan, blue, magenta: 1/3 turns red into green; grey stays grey.

    With v the largest of the three values of a pixel and c its distance to the smallest, the hue h, in sixths of the circle, is (g - b)/c if red is the largest,
    2 + (b - r)/c if green is, 4 + (r - g)/c if blue is. Back again, the value of a channel is v - c min(k, 4 - k), kept in v - c .. v,
    where k = (n + h) mod 6 and n = 5, 3, 1 for red, green, blue.
    """
    r, g, b = image
    v = image.max(axis=0)
    c = v - image.min(axis=0)
    safe = np.where(c > 0, c, 1)
    h = np.where(v == r, (g - b) / safe, np.where(v == g, 2 + (b - r) / safe, 4 + (r - g) / safe)) + 6 * turn
    k = np.mod(np.array([5, 3, 1], image.dtype).reshape(3, 1, 1) + h, 6)
    return np.clip(v - c * np.clip(np.minimum(k, 4 - k), 0, 1), 0, white)


def _lightness(image: Array) -> Array:
    return np.tensordot(GREY.astype(image.dtype), image, 1)


def _blend(image: Array, other: Array | float, factor: float, white: float) -> Array:
    """The image and another one, mixed; a factor above 1 moves away from the other."""
    return np.clip(other + factor * (image - other), 0, white)


class ColorJitter:
    """Brightness, contrast, saturation and hue changed at random, in random order. As in torchvision.

    Each is a factor that is uniform from 1 - amount (but not below 0) to 1 + amount; for the hue, a turn of the circle of colours from -amount to amount.
    An amount of 0 leaves that property alone.

    Bytes stay bytes, computed in float32 and rounded once. Floating-point images keep their type and must be in 0 .. 1, black to white: so this comes before
    `Normalize`. Results are kept in the range, after each of the four.

    Args:
        brightness, contrast, saturation: amounts, from 0.
        hue: 0 to 0.5.

    Raises:
        ArgumentError: an amount is out of range.
        ShapeError: while it is called: the image has not three channels.
        DtypeError: its values are neither bytes, float32 nor float64.

    Source:
        A. Howard 2013, "Some Improvements on Deep Convolutional Neural Network Based Image Classification", sec. 2 (brightness, contrast, saturation in random order).

    Example:
        >>> grey = np.full((3, 1, 2), 100, np.uint8)
        >>> ColorJitter(brightness=0.5)(grey, np.random.default_rng(0))[0].tolist()
        [[54, 54]]
    """

    def __init__(self, brightness: float = 0.0, contrast: float = 0.0, saturation: float = 0.0, hue: float = 0.0) -> None:
        self.brightness = checks.number(brightness, "ColorJitter: brightness", 0)
        self.contrast = checks.number(contrast, "ColorJitter: contrast", 0)
        self.saturation = checks.number(saturation, "ColorJitter: saturation", 0)
        self.hue = checks.number(hue, "ColorJitter: hue", 0)
        if self.hue > 0.5:
            raise ArgumentError(f"ColorJitter: hue must be from 0 to 0.5, half the circle in each direction, not {hue!r}")

    def __call__(self, image: Array, rng: np.random.Generator) -> Array:
        white = check_pixels("ColorJitter", image, channels=3)
        steps: list[tuple[Callable[[Array, float, float], Array], float, float]] = [
            (adjust_brightness, 1, self.brightness),
            (adjust_contrast, 1, self.contrast),
            (adjust_saturation, 1, self.saturation),
            (adjust_hue, 0, self.hue),
        ]
        pixels = as_numbers(image)
        for number in rng.permutation(len(steps)):
            adjust, middle, amount = steps[number]
            if amount:
                low = middle - amount if adjust is adjust_hue else max(0, middle - amount)
                pixels = adjust(pixels, rng.uniform(low, middle + amount), white)
        return like(image, pixels)

    def __repr__(self) -> str:
        return f"ColorJitter(brightness={self.brightness:g}, contrast={self.contrast:g}, saturation={self.saturation:g}, hue={self.hue:g})"
