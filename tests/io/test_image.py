"""Pictures become light ink on black that fills the frame."""

import pickle
import sys
import tracemalloc

import numpy as np
import pytest

from minicnn.errors import ArgumentError
from minicnn.io import read_image


@pytest.fixture
def save(tmp_path):
    def save(array, name="a.npy", **options):
        path = tmp_path / name
        if name.endswith(".npy"):
            np.save(path, array)
        else:
            pytest.importorskip("PIL.Image").fromarray(array).save(path, **options)
        return path

    return save


def cross(size=40, ink=255, paper=0):
    image = np.full((size, size), paper, np.uint8)
    image[10:30, 18:22] = ink
    image[18:22, 10:30] = ink
    return image


def test_an_image_of_the_right_size_is_only_stretched(save):
    image = np.zeros((8, 8), np.uint8)
    image[2:6, 3] = [4, 8, 16, 12]
    ink, done = read_image(save(image), 8)
    np.testing.assert_allclose(ink, image[None] / 16, rtol=1e-6)
    assert ink.dtype == np.float32
    assert done == []


def test_dark_ink_on_light_paper_is_inverted_and_said(save):
    dark, done = read_image(save(cross(ink=30, paper=220)), 8)
    light, nothing = read_image(save(cross()), 8)
    np.testing.assert_allclose(dark, light, atol=1e-6)
    assert any("inverted" in word for word in done)
    assert not any("inverted" in word for word in nothing)


def test_the_ink_fills_the_frame_and_is_centred(save):
    image = np.zeros((50, 30), np.uint8)
    image[5:25, 2:12] = 255  # 20 high, 10 wide
    ink, done = read_image(save(image), 8)
    np.testing.assert_allclose(ink[0], np.repeat([[0, 0, 1, 1, 1, 1, 0, 0]], 8, axis=0), atol=1e-6)
    assert done == ["cut to its ink and resized from 30x50"]


def test_resizing_keeps_the_mean(save):
    image = np.random.default_rng(0).integers(0, 256, (37, 37)).astype(np.uint8)
    image[0, 0], image[-1, -1], image[1, 1] = 255, 255, 0
    image[0, 1:], image[1:, 0], image[-1, :-1], image[:-1, -1] = 100, 100, 100, 100
    ink, _ = read_image(save(image), 5)
    np.testing.assert_allclose(ink.mean(), image.mean() / 255, rtol=1e-6)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp"])
def test_pictures_are_read_by_pillow(save, name):
    from_npy, _ = read_image(save(cross()), 8)
    from_picture, _ = read_image(save(cross(), name), 8)
    np.testing.assert_allclose(from_picture, from_npy, atol=0.08)


def test_colours_and_transparency(save):
    colour = np.repeat(cross(ink=200, paper=10)[:, :, None], 3, axis=2)
    drawing = np.zeros((40, 40, 4), np.uint8)  # black ink on nothing, as drawing programs save it
    drawing[:, :, 3] = cross()
    expected, _ = read_image(save(cross()), 8)
    for path in (save(colour), save(colour, "c.png"), save(drawing, "d.png")):
        np.testing.assert_allclose(read_image(path, 8)[0], expected, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 12, 12), (12, 12), (12, 12, 3)])
def test_arrays_of_three_layouts(save, shape):
    array = np.zeros(shape)
    array.reshape(-1)[len(array.reshape(-1)) // 2 :] = 1.0
    assert read_image(save(array), 6)[0].shape == (1, 6, 6)


@pytest.mark.parametrize(
    ("write", "sentence"),
    [
        (lambda path: None, "there is no such file"),
        (lambda path: path.mkdir(), "it is a folder"),
        (lambda path: path.write_text("hello"), "is not an image that Pillow can read"),
        (lambda path: path.write_bytes(b""), "is not an image that Pillow can read"),
        (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50)), "is not an image|is damaged"),
    ],
    ids=["missing", "folder", "text", "empty", "header"],
)
def test_what_is_no_picture_is_refused(tmp_path, write, sentence):
    pytest.importorskip("PIL")
    path = tmp_path / "a.png"
    write(path)
    with pytest.raises(ArgumentError, match=sentence):
        read_image(path, 8)


def test_a_cut_off_picture_is_refused(save):
    path = save(np.random.default_rng(0).integers(0, 255, (64, 64)).astype(np.uint8), "a.png")
    path.write_bytes(path.read_bytes()[:800])
    with pytest.raises(ArgumentError, match="is damaged"):
        read_image(path, 8)


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (np.full((9, 9), 7), "shows nothing: every pixel has the value 7"),
        (np.full((9, 9), np.nan), "holds pixels that are NaN or infinite"),
        (np.where(np.eye(9) == 1, np.inf, 0), "holds pixels that are NaN or infinite"),
        (np.zeros((2, 3, 4, 5)), r"has shape \(2, 3, 4, 5\), but an image is"),
        (np.zeros((0, 9)), "holds no image"),
        (np.array(["a", "b"]), "holds no image"),
    ],
    ids=["flat", "nan", "inf", "axes", "empty", "text"],
)
def test_arrays_that_are_no_image_are_refused(save, array, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        read_image(save(array), 8)


def test_a_pickle_is_never_executed(save, tmp_path):
    with pytest.raises(ArgumentError, match=r"is not a \.npy file that can be read"):
        read_image(save(np.array([{"a": 1}], dtype=object)), 8)
    (tmp_path / "b.npy").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(ArgumentError, match=r"is not a \.npy file that can be read"):
        read_image(tmp_path / "b.npy", 8)
    (tmp_path / "b.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(ArgumentError, match=r"is not a \.npy file"):
        read_image(tmp_path / "b.npy", 8)


@pytest.mark.parametrize("damage", [(b"}", b"("), (b"'shape'", b"b'shap'"), (b"(9, 9)", b"(9,-9)"), (b"<f8", b"<q8"), (b"False", b"Fal(e")])
def test_a_damaged_header_is_refused_whatever_numpy_raises(save, damage):
    path = save(np.random.default_rng(1).random((9, 9)))
    path.write_bytes(path.read_bytes().replace(*damage, 1))
    with pytest.raises(ArgumentError, match=r"is not a \.npy file that can be read"):
        read_image(path, 8)


def test_a_renamed_archive_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", image=np.eye(8))
    path = (tmp_path / "a.npz").rename(tmp_path / "a.npy")
    with pytest.raises(ArgumentError, match=r"an archive of several arrays \(\.npz\): save one of them"):
        read_image(path, 8)


def test_without_pillow_the_message_says_what_to_install(save, monkeypatch):
    path = save(cross(), "a.png")
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ArgumentError, match=r'pip install -e "\.\[data\]"'):
        read_image(path, 8)


def test_a_header_that_claims_more_than_the_file_holds_takes_no_memory(tmp_path):
    for side in (10**8, 10**12):
        with (tmp_path / "a.npy").open("wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (side, side)})
            file.write(bytes(80))
        with pytest.raises(ArgumentError, match=r"is not a \.npy file that can be read: m"):
            read_image(tmp_path / "a.npy", 8)


def test_more_pixels_than_the_limit_are_refused_and_fewer_are_quiet(save, monkeypatch):
    image = pytest.importorskip("PIL.Image")
    monkeypatch.setattr(image, "MAX_IMAGE_PIXELS", 1000)  # Pillow warns above it, and refuses above twice as many
    read_image(save(cross(), "a.png"), 8)  # 1600: a warning would be an error here
    monkeypatch.setattr("minicnn.io.picture.MOST", 1500)
    for path in (save(cross()), save(cross(), "a.png"), save(np.kron(cross(), np.ones((2, 2), np.uint8)), "b.png")):
        with pytest.raises(ArgumentError, match="has more than 1,500 pixels: make it smaller"):
            read_image(path, 8)
    monkeypatch.setattr("minicnn.io.picture.MOST", 1600)
    read_image(save(np.repeat(cross()[:, :, None], 3, axis=2)), 8)  # colours are no pixels


@pytest.mark.parametrize("shape", [(60_000, 1), (2, 40_000)])
def test_a_thin_strip_takes_no_more_memory_than_it_has_pixels(save, shape):
    strip = np.zeros(shape)
    strip.flat[: strip.size // 3] = 1
    tracemalloc.start()
    try:
        read_image(save(strip), 8)
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


def test_pixels_whose_difference_overflows_are_refused(save):
    array = np.where(cross() > 0, 1e308, -1e308)
    for layout in (array, np.repeat(array[:, :, None], 3, axis=2)):
        with pytest.raises(ArgumentError, match=r"too far apart to compute with: -1e\+308 to 1e\+308"):
            read_image(save(layout), 8)


def test_endings_in_capitals_are_endings(save):
    path = save(cross())
    np.testing.assert_array_equal(read_image(path.rename(path.with_name("A.NPY")), 8)[0], read_image(save(cross()), 8)[0])


def test_a_picture_that_may_not_be_read_is_not_called_damaged(save, monkeypatch):
    path = save(cross())

    def forbid(*args, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("minicnn.io.file.Path.open", forbid)
    with pytest.raises(ArgumentError, match=r"the image .* cannot be read: Permission denied"):
        read_image(path, 8)
