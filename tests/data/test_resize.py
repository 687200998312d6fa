"""Interpolation: PyTorch's on floats, Pillow's on bytes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicnn.data import transforms
from minicnn.data.transforms import Resize
from minicnn.errors import ArgumentError, ShapeError


def image(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize(("old", "new"), [((8, 8), (32, 32)), ((5, 7), (12, 9)), ((12, 9), (5, 7)), ((6, 4), (6, 9)), ((1, 3), (4, 1))])
def test_floats_equal_pytorch(old, new):
    torch = pytest.importorskip("torch")
    x = image(2, 3, *old).astype(np.float64)
    expected = torch.nn.functional.interpolate(torch.tensor(x), new, mode="bilinear", align_corners=False, antialias=True)
    np.testing.assert_allclose(transforms.resize(x, new), expected.numpy(), atol=1e-12)


def pillow(x, size, interpolation):
    module = pytest.importorskip("PIL.Image")
    filters = {"bilinear": module.Resampling.BILINEAR, "bicubic": module.Resampling.BICUBIC}
    return np.asarray(module.fromarray(x.transpose(1, 2, 0)).resize(size[::-1], filters[interpolation])).transpose(2, 0, 1)


def pillow_takes_rows_first():
    return int(pytest.importorskip("PIL").__version__.partition(".")[0]) >= 13


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_bytes_equal_pillow_bit_for_bit(interpolation):
    rows_first = pillow_takes_rows_first()
    length = st.integers(1, 90)

    @settings(max_examples=200, deadline=None, derandomize=True, database=None)
    @given(length, length, length, length, st.integers(0, 2**32 - 1), st.booleans())
    def examples(H, W, h, w, seed, harsh):
        if not rows_first and h < H and H - h > 2 * (W - w):
            return  # an older Pillow takes the columns first here too
        x = np.random.default_rng(seed).integers(0, 256, (3, H, W)).astype(np.uint8)
        x = np.where(x > 127, 255, 0).astype(np.uint8) if harsh else x  # overshoots, which are cut off
        np.testing.assert_array_equal(transforms.resize(x, (h, w), interpolation), pillow(x, (h, w), interpolation), strict=True)

    examples()


@pytest.mark.parametrize("size", [(256, 341), (224, 224), (700, 900)])
def test_a_photo_equals_pillow(size):
    x = np.random.default_rng(1).integers(0, 256, (3, 480, 640)).astype(np.uint8)
    for interpolation in ("bilinear", "bicubic"):
        np.testing.assert_array_equal(transforms.resize(x, size, interpolation), pillow(x, size, interpolation))


def test_bicubic_floats_are_the_bytes_without_their_rounding():
    x = np.random.default_rng(2).integers(60, 190, (3, 40, 30)).astype(np.uint8)
    for size in ((13, 17), (70, 55)):
        exact = transforms.resize(x.astype(np.float64), size, "bicubic")
        assert np.abs(transforms.resize(x, size, "bicubic") - exact).max() < 1.2  # two roundings
        assert np.abs(transforms.resize(x.astype(np.float32), size, "bicubic") - exact).max() < 1e-3


def test_bicubic_is_exact_for_parabolas_inside():
    t = np.arange(12.0)
    x, middle = (t**2)[None, :], np.arange(24) / 2 - 0.25
    np.testing.assert_allclose(transforms.resize(x, (1, 24), "bicubic")[0, 4:-4], (middle**2)[4:-4], atol=1e-12)


def test_constants_and_types_are_kept():
    for interpolation in ("bilinear", "bicubic"):
        for kind in (np.uint8, np.float32, np.float64):
            y = transforms.resize(np.full((3, 7, 5), 4, kind), (16, 3), interpolation)
            assert y.dtype == kind
            np.testing.assert_allclose(y, 4, rtol=1e-6)
    assert transforms.resize(np.zeros((3, 7, 5), np.int64), (2, 2)).dtype == np.float32
    x = image(1, 4, 4)
    np.testing.assert_allclose(transforms.resize(x, (4, 4)), x, rtol=1e-6)


def test_takes_the_shorter_side_or_both():
    assert Resize(22)(image(3, 30, 40), rng()).shape == (3, 22, 29)
    assert Resize(22)(image(3, 40, 30), rng()).shape == (3, 29, 22)
    assert Resize((10, 20), "bicubic")(image(3, 30, 40), rng()).shape == (3, 10, 20)
    for short in range(1, 60):  # no size is lost to rounding
        assert Resize(short)(image(1, 49, 61), rng()).shape[1] == short


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda x: Resize(0), ArgumentError, ["Resize: size", ">= 1"]),
        (lambda x: Resize(8, "cubic"), ArgumentError, ["Resize: interpolation", "cubic", "bilinear", "bicubic"]),
        (lambda x: Resize(8)(x[0], rng()), ShapeError, ["Resize: an image must be an array with 3 axes"]),
        (lambda x: Resize(8)(x[:, :0], rng()), ShapeError, ["at least one pixel"]),
        (lambda x: transforms.resize(x[0, 0], (2, 2)), ShapeError, ["resize", "(5,)"]),
        (lambda x: transforms.resize(x[:, :0], (2, 2)), ShapeError, ["at least one pixel"]),
        (lambda x: transforms.resize(x, (2, 2), "nearest"), ArgumentError, ["resize: interpolation", "nearest"]),
    ],
)
def test_messages(call, error, parts):
    with pytest.raises(error) as caught:
        call(image(1, 4, 5))
    for part in parts:
        assert part in str(caught.value)
