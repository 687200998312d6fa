"""Transforms: each does what it says, and the generator decides all that is random."""

from fractions import Fraction

import numpy as np
import pytest

from minicnn.data.transforms import (
    CenterCrop,
    Compose,
    Normalize,
    RandomCrop,
    RandomHorizontalFlip,
    RandomShift,
    Resize,
    ToFloat,
)
from minicnn.errors import ArgumentError, DtypeError, ShapeError

RANDOM = [RandomShift(3), RandomShift((0, 2), fill=-1), RandomHorizontalFlip(), RandomCrop(5), RandomCrop((6, 9), padding=2)]


def image(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("transform", RANDOM, ids=["shift", "shift_columns", "flip", "crop", "padded_crop"])
def test_the_generator_decides(transform):
    x = image(2, 7, 8)
    before = x.copy()
    results = [transform(x, rng(seed)) for seed in range(20)]
    for seed, result in enumerate(results):
        np.testing.assert_array_equal(result, transform(x, rng(seed)))
        assert result.dtype == np.float32
    assert any(not np.array_equal(results[0], result) for result in results[1:])
    np.testing.assert_array_equal(x, before)


def test_shift_moves_the_image_and_fills_with_the_background():
    x = np.arange(1, 21, dtype=np.float32).reshape(1, 4, 5)
    seen = set()
    for seed in range(200):
        y = RandomShift((1, 2), fill=-9)(x, rng(seed))
        assert y.shape == x.shape
        candidates = {(dy, dx): shifted(x, dy, dx) for dy in (-1, 0, 1) for dx in (-2, -1, 0, 1, 2)}
        (move,) = [key for key, expected in candidates.items() if np.array_equal(y, expected)]
        seen.add(move)
    assert len(seen) == 15


def shifted(x, dy, dx):
    y = np.full_like(x, -9)
    for r in range(x.shape[1]):
        for s in range(x.shape[2]):
            if 0 <= r - dy < x.shape[1] and 0 <= s - dx < x.shape[2]:
                y[:, r, s] = x[:, r - dy, s - dx]
    return y


def test_crop_is_a_window_of_the_padded_image():
    x = image(3, 6, 7)
    padded = np.pad(x, ((0, 0), (1, 2), (3, 0)), constant_values=5)
    corners = set()
    for seed in range(300):
        y = RandomCrop((5, 6), padding=(1, 2, 3, 0), fill=5)(x, rng(seed))
        places = [(r, s) for r in range(5) for s in range(5) if np.array_equal(padded[:, r : r + 5, s : s + 6], y)]
        assert len(places) == 1
        corners.update(places)
    assert len(corners) == 25


def test_crop_with_more_padding_than_window():
    for seed in range(50):
        assert RandomCrop(2, padding=5, fill=1)(np.ones((1, 3, 3)), rng(seed)).tolist() == np.ones((1, 2, 2)).tolist()


def test_flip():
    x = image(2, 3, 4)
    np.testing.assert_array_equal(RandomHorizontalFlip(p=1)(x, rng()), x[:, :, ::-1])
    assert RandomHorizontalFlip(p=0)(x, rng()) is x
    flips = sum(not np.array_equal(RandomHorizontalFlip(0.25)(x, rng(seed)), x) for seed in range(400))
    assert 70 < flips < 130


def test_normalize_by_channel():
    x = np.stack([np.full((2, 2), 10, np.uint8), np.full((2, 2), 20, np.uint8)])
    y = Normalize(mean=(4, 5), std=(2, 3))(x, rng())
    assert y.dtype == np.float32
    assert y[:, 0, 0].tolist() == [3, 5]
    assert Normalize(1, 2)(x.astype(np.float64), rng()).dtype == np.float64


def test_center_crop_rounds_half_a_pixel_as_the_references_do():
    x = np.arange(64).reshape(1, 8, 8)
    corners = {}
    for size in range(1, 9):
        y = CenterCrop(size)(x, rng())
        assert y.shape == (1, size, size)
        corners[size] = int(y[0, 0, 0]) // 8, int(y[0, 0, 0]) % 8
    assert corners == {1: (4, 4), 2: (3, 3), 3: (2, 2), 4: (2, 2), 5: (2, 2), 6: (1, 1), 7: (0, 0), 8: (0, 0)}  # half to even, as round does
    for fraction, size in [(7 / 8, 7), (0.9, 7), (5 / 8, 5), (0.01, 1)]:
        y = CenterCrop(fraction=fraction)(x, rng())
        assert y.shape == (1, size, size)
        assert y[0, 0, 0] == 9 * ((8 - size + 1) // 2)  # half up, as TensorFlow's programs do


def test_center_crop_of_other_shapes():
    x = np.arange(70).reshape(1, 7, 10)
    np.testing.assert_array_equal(CenterCrop((3, 4))(x, rng()), x[:, 2:5, 3:7])
    np.testing.assert_array_equal(CenterCrop(fraction=Fraction(6, 7))(x, rng()), x[:, 1:7, 2:8])


def test_a_fraction_loses_no_pixel_to_rounding():
    for short in range(17, 600, 17):  # 240/272 of it is an integer, which a float may miss
        assert CenterCrop(fraction=Fraction(240, 272))(np.zeros((1, short, short + 3)), rng()).shape[1] == short * 240 // 272


def test_bytes_become_floats():
    y = ToFloat()(np.uint8([[[0, 51, 255]]]), rng())
    np.testing.assert_array_equal(y, np.float32([[[0, 0.2, 1]]]), strict=True)


def test_fixed_transforms_say_what_they_do():
    row = Compose(Resize(256), Resize((8, 9), "bicubic"), CenterCrop(224), CenterCrop(fraction=0.875), ToFloat(), Normalize(127, 128), Normalize((1, 2), 3))
    assert repr(row) == (
        "Resize(shorter side 256, bilinear), Resize(8x9, bicubic), CenterCrop(224x224), CenterCrop(fraction=0.875), ToFloat(), "
        "Normalize(mean=127, std=128), Normalize(mean=(1, 2), std=(3))"
    )


def test_compose_runs_in_order_on_one_generator():
    add, double = lambda x, rng: x + rng.integers(1, 9), lambda x, rng: x * rng.integers(1, 9)
    generator = rng(4)
    first, second = generator.integers(1, 9), generator.integers(1, 9)
    assert Compose(add, double)(np.array(1), rng(4)) == (1 + first) * second


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda x: Compose([RandomShift(1)]), ArgumentError, ["Compose", "without brackets"]),
        (lambda x: Normalize(0, 0), ArgumentError, ["std", "above 0"]),
        (lambda x: Normalize((0, 0, 0), 1)(x, rng()), ShapeError, ["3 channels", "(1, 4, 5)"]),
        (lambda x: Normalize(0, 1)(x[0], rng()), ShapeError, ["Normalize", "3 axes (C, H, W)", "(4, 5)"]),
        (lambda x: RandomHorizontalFlip(1.5), ArgumentError, ["RandomHorizontalFlip: p", "1.5"]),
        (lambda x: RandomHorizontalFlip()(None, rng()), ShapeError, ["RandomHorizontalFlip", "NoneType"]),
        (lambda x: RandomCrop(0), ArgumentError, ["RandomCrop: size"]),
        (lambda x: RandomCrop(3, padding=-1), ArgumentError, ["RandomCrop: padding", ">= 0"]),
        (lambda x: RandomCrop(6)(x, rng()), ShapeError, ["6x6", "4x5", "(1, 4, 5)"]),
        (lambda x: RandomShift(-1), ArgumentError, ["RandomShift: pixels", ">= 0"]),
        (lambda x: CenterCrop(), ArgumentError, ["CenterCrop: needs either a size or a fraction"]),
        (lambda x: CenterCrop(3, fraction=0.5), ArgumentError, ["CenterCrop: needs either a size or a fraction"]),
        (lambda x: CenterCrop(fraction=0), ArgumentError, ["CenterCrop: fraction", "above 0 and at most 1", "not 0"]),
        (lambda x: CenterCrop(fraction=1.1), ArgumentError, ["CenterCrop: fraction", "not 1.1"]),
        (lambda x: CenterCrop(0), ArgumentError, ["CenterCrop: size", ">= 1"]),
        (lambda x: CenterCrop((5, 5))(x, rng()), ShapeError, ["CenterCrop: a window of 5x5 does not fit into 4x5", "(1, 4, 5)"]),
        (lambda x: CenterCrop(3)(x[0], rng()), ShapeError, ["CenterCrop", "3 axes (C, H, W)"]),
        (lambda x: ToFloat()(x, rng()), DtypeError, ["ToFloat: takes bytes (uint8)", "float32"]),
    ],
)
def test_messages(call, error, parts):
    with pytest.raises(error) as caught:
        call(image(1, 4, 5))
    for part in parts:
        assert part in str(caught.value)
