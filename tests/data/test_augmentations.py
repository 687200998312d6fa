"""Augmentations: what is drawn has the distribution that the papers say, and what is computed is right by hand or by Pillow."""

import colorsys
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
from minicnn.data.transforms.color_jitter import (
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
)
from minicnn.errors import ArgumentError, DtypeError, ShapeError

RANDOM = [
    RandomResizedCrop(9),
    MultiScale(10, 12, 20),
    ColorJitter(0.4, 0.4, 0.4, 0.1),
    PCALighting(1.0),
    Cutout(5, holes=2, fill=(1, 0, 1)),
    RandomVerticalFlip(),
]
NAMES = [type(transform).__name__ for transform in RANDOM]


def rng(seed=0):
    return np.random.default_rng(seed)


def photo(*shape, seed=0):
    """Bytes with whole areas of dark and light, and of white and black."""
    x = resize(rng(seed).normal(128, 90, (shape[0], 5, 5)), shape[1:]) + rng(seed).normal(0, 10, shape)
    return np.clip(x, 0, 255).astype(np.uint8)


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


@pytest.mark.parametrize("transform", [ColorJitter(0.4, 0.4, 0.4, 0.1), PCALighting(0.5)], ids=["jitter", "lighting"])
def test_bytes_are_the_numbers_rounded(transform):
    x = photo(3, 14, 17)
    for seed in range(5):
        exact = transform(x / 255.0, rng(seed)) * 255
        assert abs(transform(x, rng(seed)) - np.clip(exact, 0, 255)).max() <= 0.501


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


def distance_to_uniform(sample):
    """Kolmogorov's, from the uniform distribution on 0 .. 1: of 3,000 draws below 0.03 in all but a hundredth of cases."""
    x = np.sort(sample)
    return max(abs(x - np.arange(len(x)) / len(x)).max(), abs(x - np.arange(1, len(x) + 1) / len(x)).max())


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


# Colours


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


@pytest.mark.parametrize("transform", [ColorJitter(0.1), PCALighting()], ids=["jitter", "lighting"])
def test_colours_need_three_channels_of_bytes_or_numbers(transform):
    with pytest.raises(ShapeError, match=r"needs 3 channels, red, green and blue; the image is \(1, 2, 2\)"):
        transform(np.zeros((1, 2, 2), np.uint8), rng())
    with pytest.raises(DtypeError, match=r"takes bytes \(uint8\), 0 to 255, or float32 and float64; the image is int64"):
        transform(np.zeros((3, 2, 2), np.int64), rng())


@pytest.mark.parametrize("transform", [*RANDOM, TenCrop(1), MultiScaleViews([4])], ids=[*NAMES, "TenCrop", "MultiScaleViews"])
def test_what_is_no_image_is_named(transform):
    with pytest.raises(ShapeError, match=rf"{type(transform).__name__}: .*\(C, H, W\)"):
        transform(np.zeros((3, 4)), rng())
