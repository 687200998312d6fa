"""Preparation of photographs: equal to the programs for which the weights were made, which work on images of Pillow."""

import numpy as np
import pytest

from minicnn.data import imagenet
from minicnn.data.imagenet import class_names, lite_preprocessing, preprocessing
from minicnn.errors import DataError

SIZES = [(300, 400), (400, 300), (257, 333), (256, 256), (100, 90), (640, 427), (301, 150)]


def picture(H, W):
    y, x, c = np.mgrid[:H, :W, :3]
    return (128 + 90 * np.sin(x / 9 + c) * np.cos(y / 7) + (x * 7 + y * 13) % 31).astype(np.uint8).transpose(2, 0, 1)


def rng():
    return np.random.default_rng(0)


@pytest.fixture
def pillow():
    return pytest.importorskip("PIL.Image")


@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize(("size", "resize", "interpolation"), [(224, 256, "bilinear"), (240, 256, "bicubic"), (288, 288, "bicubic")])
def test_torchvisions(pillow, shape, size, resize, interpolation):
    """Shorter side to `resize`, the other in proportion and rounded down; the middle, half pixels to even; /255; mean and deviation."""
    x = picture(*shape)
    image, short = pillow.fromarray(x.transpose(1, 2, 0)), min(shape)
    wide = [int(resize * side / short) for side in (image.width, image.height)]
    image = image.resize(wide, getattr(pillow.Resampling, interpolation.upper()))
    left, top = round((image.width - size) / 2), round((image.height - size) / 2)
    expected = np.asarray(image.crop((left, top, left + size, top + size)), np.float32).transpose(2, 0, 1) / np.float32(255)
    mean, std = (np.float32(values)[:, None, None] for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    got = preprocessing(size, resize, interpolation)(x, rng())
    np.testing.assert_array_equal(got, (expected - mean) / std, strict=True)


@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize("size", [224, 240, 260])
def test_efficientnet_lites(pillow, shape, size):
    """The middle of the shorter side times S/(S + 32), half pixels up; bicubic; (x - 127)/128."""
    x = picture(*shape)
    side = int(min(shape) * size / (size + 32))
    top, left = ((whole - side + 1) // 2 for whole in shape)
    image = pillow.fromarray(x.transpose(1, 2, 0)).crop((left, top, left + side, top + side)).resize((size, size), pillow.Resampling.BICUBIC)
    expected = (np.asarray(image, np.float32).transpose(2, 0, 1) - 127) / 128
    np.testing.assert_array_equal(lite_preprocessing(size)(x, rng()), expected, strict=True)


def test_the_thousand_names():
    names = class_names()
    assert len(set(names)) == 1000
    assert [names[k] for k in (0, 281, 483, 999)] == ["tench", "tabby", "castle", "toilet tissue"]
    assert all(name == name.strip() and name.isprintable() for name in names)


@pytest.mark.parametrize("text", ["tench\n", None])
def test_a_damaged_list_of_names_is_named(monkeypatch, tmp_path, text):
    if text is not None:
        (tmp_path / "imagenet_classes.txt").write_text(text)
    monkeypatch.setattr(imagenet.resources, "files", lambda package: tmp_path)
    class_names.cache_clear()
    try:
        with pytest.raises(DataError, match=r"imagenet_classes\.txt .*; install minicnn again"):
            class_names()
    finally:
        class_names.cache_clear()
