"""Reading photographs."""

import sys

import numpy as np
import pytest

from minicnn.errors import ArgumentError
from minicnn.io import read_picture


@pytest.fixture
def image():
    return pytest.importorskip("PIL.Image")


def colours(H=20, W=30):
    return np.random.default_rng(0).integers(0, 256, (H, W, 3)).astype(np.uint8)


def test_colours_come_as_bytes_channels_first(image, tmp_path):
    image.fromarray(colours()).save(tmp_path / "a.png")
    x = read_picture(tmp_path / "a.png")
    np.testing.assert_array_equal(x, colours().transpose(2, 0, 1), strict=True)
    assert x.flags.c_contiguous
    assert x.flags.writeable


def test_grey_palettes_and_transparency_become_three_channels(image, tmp_path):
    grey = image.fromarray(colours()[:, :, 0])
    transparent = image.fromarray(colours())
    transparent.putalpha(7)
    palette = image.fromarray(colours()).quantize(16)
    palette.info["transparency"] = bytes(range(16))
    for picture, expected in [(grey, grey.convert("RGB")), (transparent, image.fromarray(colours())), (palette, palette.convert("RGBA").convert("RGB"))]:
        picture.save(tmp_path / "a.png")
        np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), np.asarray(expected).transpose(2, 0, 1))


def test_a_picture_is_not_turned(image, tmp_path):
    exif = image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    image.fromarray(colours()).save(tmp_path / "a.png", exif=exif)
    assert read_picture(tmp_path / "a.png").shape == (3, 20, 30)


def test_what_is_no_picture_is_one_sentence(image, tmp_path, monkeypatch):
    with pytest.raises(ArgumentError, match=r"no image at .*none\.png: there is no such file"):
        read_picture(tmp_path / "none.png")
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(ArgumentError, match=r"text\.png is not an image that Pillow can read"):
        read_picture(tmp_path / "text.png")
    image.fromarray(colours(200, 200)).save(tmp_path / "a.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "a.png").read_bytes()[:5000])
    with pytest.raises(ArgumentError, match=r"the image .*half\.png is damaged"):
        read_picture(tmp_path / "half.png")
    monkeypatch.setattr("minicnn.io.picture.MOST", 39_999)
    with pytest.raises(ArgumentError, match="has more than 39,999 pixels: make it smaller first"):
        read_picture(tmp_path / "a.png")
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ArgumentError, match=r'needs Pillow: pip install -e "\.\[data\]"'):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize(("values", "suffix"), [(np.arange(256, dtype=np.uint16) * 257, "png"), (np.linspace(0, 1, 256, dtype=np.float32), "tiff")])
def test_more_than_eight_bits_are_not_cut_off_silently(values, suffix, tmp_path):
    path = tmp_path / f"deep.{suffix}"
    pytest.importorskip("PIL.Image").fromarray(values.reshape(16, 16)).save(path)
    with pytest.raises(ArgumentError, match="more than 8 bits for each pixel"):
        read_picture(path)
