"""Transforms: each does what it says, and the generator decides all that is random."""

import numpy as np
import pytest

from minicnn.data import transforms
from minicnn.data.transforms import Compose, Normalize, RandomCrop, RandomHorizontalFlip, RandomShift, Resize
from minicnn.errors import ArgumentError, ShapeError

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


@pytest.mark.parametrize(("old", "new"), [((8, 8), (32, 32)), ((5, 7), (12, 9)), ((12, 9), (5, 7)), ((6, 4), (6, 9)), ((1, 3), (4, 1))])
def test_resize_equals_pytorch(old, new):
    torch = pytest.importorskip("torch")
    x = image(2, 3, *old).astype(np.float64)
    expected = torch.nn.functional.interpolate(torch.tensor(x), new, mode="bilinear", align_corners=False, antialias=True)
    np.testing.assert_allclose(transforms.resize(x, new), expected.numpy(), atol=1e-12)


def test_resize_keeps_constants_and_types():
    np.testing.assert_allclose(transforms.resize(np.full((3, 7, 5), 4, np.uint8), (16, 3)), 4, rtol=1e-6)
    assert transforms.resize(np.zeros((3, 7, 5), np.uint8), (2, 2)).dtype == np.float32
    x = image(1, 4, 4)
    np.testing.assert_allclose(transforms.resize(x, (4, 4)), x, rtol=1e-6)


def test_resize_takes_the_shorter_side_or_both():
    assert Resize(22)(image(3, 30, 40), rng()).shape == (3, 22, 29)
    assert Resize(22)(image(3, 40, 30), rng()).shape == (3, 29, 22)
    assert Resize((10, 20))(image(3, 30, 40), rng()).shape == (3, 10, 20)
    for short in range(1, 60):  # no size is lost to rounding
        assert Resize(short)(image(1, 49, 61), rng()).shape[1] == short


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
        (lambda x: Resize(0), ArgumentError, ["Resize: size", ">= 1"]),
        (lambda x: RandomHorizontalFlip(1.5), ArgumentError, ["RandomHorizontalFlip: p", "1.5"]),
        (lambda x: RandomHorizontalFlip()(None, rng()), ShapeError, ["RandomHorizontalFlip", "NoneType"]),
        (lambda x: RandomCrop(0), ArgumentError, ["RandomCrop: size"]),
        (lambda x: RandomCrop(3, padding=-1), ArgumentError, ["RandomCrop: padding", ">= 0"]),
        (lambda x: RandomCrop(6)(x, rng()), ShapeError, ["6x6", "4x5", "(1, 4, 5)"]),
        (lambda x: RandomShift(-1), ArgumentError, ["RandomShift: pixels", ">= 0"]),
        (lambda x: transforms.resize(x[0, 0], (2, 2)), ShapeError, ["resize", "(5,)"]),
        (lambda x: transforms.resize(x[:, :0], (2, 2)), ShapeError, ["at least one pixel"]),
    ],
)
def test_messages(call, error, parts):
    with pytest.raises(error) as caught:
        call(image(1, 4, 5))
    for part in parts:
        assert part in str(caught.value)
