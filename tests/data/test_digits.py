"""The bundled digits: what they are, how they are divided, where they are from."""

import runpy
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from minicnn.data import Digits, digits
from minicnn.errors import ArgumentError, DataError

FILES = resources.files("minicnn.data.files")


def test_sizes_types_and_labels():
    for train, count in ((True, 1437), (False, 360)):
        data = Digits(train=train)
        assert len(data) == count
        assert (data.images.shape, data.images.dtype) == ((count, 1, 32, 32), np.float32)
        assert (data.labels.dtype, set(data.labels.tolist())) == (np.int64, set(range(10)))
        image, label = data[3]
        assert image.shape == (1, 32, 32)
        assert label == data.labels[3]


def test_normalised_by_the_training_pixels():
    images = Digits(size=8).images.astype(np.float64)
    assert abs(images.mean()) < 2e-4
    assert abs(images.std() - 1) < 2e-4
    assert images.min() == pytest.approx(Digits.background)
    enlarged = Digits().images
    assert abs(enlarged.mean()) < 0.01
    assert 0.8 < enlarged.std() < 1
    assert enlarged.min() == pytest.approx(Digits.background)


def test_every_digit_has_its_share_held_out_and_no_image_is_in_both():
    train, test = Digits(size=8), Digits(train=False, size=8)
    shares = np.bincount(test.labels) / (np.bincount(test.labels) + np.bincount(train.labels))
    assert np.abs(shares - 0.2).max() < 0.005
    assert {x.tobytes() for x in train.images}.isdisjoint({x.tobytes() for x in test.images})


def test_any_size():
    assert Digits(train=False, size=28)[0][0].shape == (1, 28, 28)
    small, large = Digits(train=False, size=8).images, Digits(train=False, size=24).images
    np.testing.assert_allclose(large[:, :, 1::3, 1::3], small, atol=1e-5)  # the centres of the old pixels


def test_the_file_is_the_uci_set():
    pytest.importorskip("sklearn")
    made = runpy.run_path(str(Path(__file__).parents[2] / "tools" / "make_digits.py"))["digit_arrays"]()
    with FILES.joinpath("digits.npz").open("rb") as file, np.load(file) as bundled:
        assert set(bundled) == set(made)
        for name in made:
            np.testing.assert_array_equal(bundled[name], made[name])


def test_small_and_attributed():
    assert len(FILES.joinpath("digits.npz").read_bytes()) < 60_000
    text = FILES.joinpath("README.md").read_text()
    for part in ("Alpaydin", "Kaynak", "CC BY 4.0", "10.24432/C50P49"):
        assert part in text


def test_messages(monkeypatch, tmp_path):
    with pytest.raises(ArgumentError, match="train must be True or False, not 'test'"):
        Digits("test")
    with pytest.raises(ArgumentError, match="size"):
        Digits(size=0)
    monkeypatch.setattr(digits.resources, "files", lambda package: tmp_path)
    with pytest.raises(DataError, match=r"digits.npz is missing or damaged \(FileNotFoundError.*install minicnn again"):
        Digits()
    (tmp_path / "digits.npz").write_bytes(b"PK")
    with pytest.raises(DataError, match="missing or damaged"):
        Digits()
