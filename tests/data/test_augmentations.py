"""Augmentations: windows, holes and views; the distribution of what is drawn is that of the papers. (Colours: test_colours.py.)"""

import pickle

import numpy as np
import pytest

from minicnn.data.transforms import (
    ColorJitter,
    Cutout,
    FiveCrop,
    MultiScale,
    MultiScaleViews,
    PCALighting,
    RandomCrop,
    RandomResizedCrop,
    RandomVerticalFlip,
    Resize,
    TenCrop,
    resize,
)
from minicnn.errors import ArgumentError, ShapeError
from tests.data.drawn import distance_to_uniform, photo, rng

RANDOM = [
    RandomResizedCrop(9),
    MultiScale(10, 12, 20),
    ColorJitter(0.4, 0.4, 0.4, 0.1),
    PCALighting(1.0),
    Cutout(5, holes=2, fill=(1, 0, 1)),
    RandomVerticalFlip(),
]
NAMES = [type(transform).__name__ for transform in RANDOM]


@pytest.mark.parametrize("transform", RANDOM, ids=NAMES)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_the_generator_decides_and_the_type_stays(transform, dtype):
    x = photo(3, 14, 17) if dtype == np.uint8 else (photo(3, 14, 17) / 255).astype(dtype)
    before = x.copy()
    results = [transform(x, rng(seed)) for seed in range(8)]
    for seed, result in enumerate(results):
        np.testing.assert_array_equal(result, pickle.loads(pickle.dumps(transform))(x, rng(seed)), strict=True)
        assert result.dtype == dtype
    assert any(result.shape != results[0].shape or not np.array_equal(results[0], result) for result in results[1:])
    np.testing.assert_array_equal(x, before)


# Windows


def test_areas_and_shapes_of_windows_are_uniform():
    crop, draws = RandomResizedCrop(8), rng(1)
    windows = np.array([crop.window(3000, 3000, draws) for _ in range(4000)])
    top, left, h, w = windows.T
    share, ratio = h * w / 9e6, np.log(w / h) / np.log(4 / 3)
    fits = share < 0.75  # where every shape fits, so that nothing was drawn again
    assert distance_to_uniform((share[fits] - 0.08) / 0.67) < 0.03
    assert distance_to_uniform((ratio[fits] + 1) / 2) < 0.03
    assert distance_to_uniform(top[fits] / (3000 - h)[fits]) < 0.03
    assert distance_to_uniform(left[fits] / (3000 - w)[fits]) < 0.03
    # Above 3/4, a shape fits if |log ratio| < -log share, with probability -log(share) / log(4/3); the integral of that over 3/4 .. 1 is
    fitting = (1 - 0.75 * (1 - np.log(0.75))) / np.log(4 / 3)
    assert abs(fits.mean() - 0.67 / (0.67 + fitting)) < 0.02
    assert share.min() + 1e-3 >= 0.08
    assert share.max() <= 1


def test_a_resized_crop_is_its_window_resized():
    crop, x = RandomResizedCrop((5, 6)), photo(3, 40, 30)
    for seed in range(5):
        top, left, h, w = crop.window(40, 30, rng(seed))
        np.testing.assert_array_equal(crop(x, rng(seed)), resize(x[:, top : top + h, left : left + w], (5, 6)), strict=True)
    np.testing.assert_array_equal(RandomResizedCrop((40, 30), area=(1, 1), ratio=(0.75, 0.75))(x, rng()), x, strict=True)


@pytest.mark.parametrize(("H", "W", "window"), [(10, 1000, (0, 493, 10, 13)), (1000, 10, (493, 0, 13, 10)), (1, 1, (0, 0, 1, 1))])
def test_very_long_images_give_the_middle(H, W, window):
    assert RandomResizedCrop(4, area=(0.9, 1)).window(H, W, rng()) == window


def test_multi_scale_draws_every_shorter_side():
    x = np.arange(24.0).reshape(1, 4, 6)
    scales = MultiScale(4, 4, 6)
    seen = set()
    for seed in range(40):
        y, draws = scales(x, rng(seed)), rng(seed)
        S = int(draws.integers(4, 7))
        np.testing.assert_array_equal(y, RandomCrop(4)(resize(x, (S, S * 6 // 4)), draws))
        seen.add(S)
    assert seen == {4, 5, 6}


def test_vertical_flip():
    x = np.arange(6).reshape(1, 3, 2)
    np.testing.assert_array_equal(RandomVerticalFlip(1)(x, rng()), [[[4, 5], [2, 3], [0, 1]]])
    assert 60 < sum(RandomVerticalFlip()(x, draws)[0, 0, 0] == 4 for draws in [rng(3)] for _ in range(150)) < 90


# Holes


def test_cutout_covers_a_square_around_any_pixel():
    x, centres = np.arange(1, 21, dtype=np.float32).reshape(1, 4, 5), set()
    for seed in range(300):
        y = Cutout(3, fill=-1)(x, rng(seed))
        r, c = (int(v) for draws in [rng(seed)] for v in (draws.integers(4), draws.integers(5)))
        expected = x.copy()
        for i in range(4):
            for j in range(5):
                if abs(i - r) <= 1 and abs(j - c) <= 1:
                    expected[0, i, j] = -1
        np.testing.assert_array_equal(y, expected)
        centres.add((r, c))
    assert len(centres) == 20


def test_cutout_of_bytes_and_channels():
    assert Cutout(99, fill=(300, 2, -7))(np.full((3, 2, 2), 9, np.uint8), rng())[:, 0, 0].tolist() == [255, 2, 0]
    with pytest.raises(ShapeError, match="Cutout: fill is for 2 channels"):
        Cutout(1, fill=(1, 2))(np.zeros((3, 2, 2)), rng())


# Views


def test_ten_crops_by_hand():
    x = np.arange(2 * 4 * 5).reshape(2, 4, 5)
    views = TenCrop((2, 3))(x)
    corners = [(0, 0), (0, 2), (2, 0), (2, 2), (1, 1)]
    for k, (r, c) in enumerate(corners):
        window = x[:, r : r + 2, c : c + 3]
        np.testing.assert_array_equal(views[k], window, strict=True)
        np.testing.assert_array_equal(views[k + 5], window[:, :, ::-1], strict=True)
    np.testing.assert_array_equal(FiveCrop((2, 3))(x, rng()), views[:5])
    assert len(TenCrop(4)(x)) == 10
    with pytest.raises(ShapeError, match=r"TenCrop: a window of 5x5 does not fit into 4x5"):
        TenCrop(5)(x)


def test_views_at_several_sizes():
    x = photo(3, 10, 15)
    small, large = MultiScaleViews([8, 20])(x)
    np.testing.assert_array_equal(small[0], Resize(8)(x, rng()))
    assert (small.shape, large.shape) == ((2, 3, 8, 12), (2, 3, 20, 30))
    np.testing.assert_array_equal(large[1], large[0][:, :, ::-1])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RandomResizedCrop(0), "RandomResizedCrop: size"),
        (lambda: RandomResizedCrop(4, area=(0, 1)), r"area must be a range \(low, high\) above 0 and up to 1, not \(0, 1\)"),
        (lambda: RandomResizedCrop(4, area=(0.5, 1.5)), "area must be"),
        (lambda: RandomResizedCrop(4, ratio=(2, 1)), "ratio must be a range"),
        (lambda: RandomResizedCrop(4, interpolation="best"), "interpolation must be one of 'bilinear', 'bicubic'"),
        (lambda: MultiScale(224, 200), "MultiScale: smallest must be an integer >= 224, not 200"),
        (lambda: MultiScale(8, 16, 12), "MultiScale: largest must be an integer >= 16, not 12"),
        (lambda: ColorJitter(brightness=-1), "ColorJitter: brightness must be a finite number >= 0"),
        (lambda: ColorJitter(hue=0.6), "ColorJitter: hue must be from 0 to 0.5"),
        (lambda: PCALighting(std=-1), "PCALighting: std"),
        (lambda: PCALighting(eigenvalues=(1, -1, 0)), "eigenvalues of a covariance are 0 or above"),
        (lambda: PCALighting.fit([]), "needs images with at least one pixel"),
        (lambda: Cutout(0), "Cutout: size"),
        (lambda: RandomVerticalFlip(2), "RandomVerticalFlip: p"),
        (lambda: MultiScaleViews([]), "needs at least one size"),
        (lambda: FiveCrop(0), "FiveCrop: size"),
    ],
    ids=range(16),
)
def test_messages(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


@pytest.mark.parametrize("transform", [*RANDOM, TenCrop(1), MultiScaleViews([4])], ids=[*NAMES, "TenCrop", "MultiScaleViews"])
def test_what_is_no_image_is_named(transform):
    with pytest.raises(ShapeError, match=rf"{type(transform).__name__}: .*\(C, H, W\)"):
        transform(np.zeros((3, 4)), rng())
