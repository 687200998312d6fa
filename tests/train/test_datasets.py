"""Datasets by name, and pictures prepared as their images are."""

import numpy as np
import pytest

from minicnn.data import Digits
from minicnn.errors import ArgumentError
from minicnn.train.datasets import load_dataset


def test_what_is_said_about_a_set_is_true():
    images = load_dataset("digits")
    for part in (images.train, images.test):
        image, label = part[0]
        assert image.shape == images.shape
        assert 0 <= label < len(images.classes)


def test_a_digit_is_read_into_the_image_of_the_set(tmp_path):
    digits = load_dataset("digits")
    ink = Digits(train=False, size=8).images[7] * Digits.std + Digits.mean
    np.save(tmp_path / "digit.npy", ink)
    image, done = digits.read(tmp_path / "digit.npy")
    np.testing.assert_allclose(image, digits.test[7][0], atol=1e-5)
    assert image.dtype == np.float32
    assert done == []


def test_augmentation_fills_with_paper():
    digits = load_dataset("digits")
    seen = [digits.augment(np.full(digits.shape, 9, np.float32), np.random.default_rng(seed)) for seed in range(5)]
    assert set(np.unique(seen)) == {np.float32(9), np.float32(Digits.background)}


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(ArgumentError, match="unknown dataset 'digit': did you mean digits"):
        load_dataset("digit")


@pytest.mark.parametrize("name", [5, None, ["digits"]])
def test_a_name_that_is_no_text_is_refused(name):
    with pytest.raises(ArgumentError, match="the dataset is chosen by its name, a text, not "):
        load_dataset(name)
