"""The images of a search: a quarter of the training images judges, and the test images are not among them."""

import numpy as np
import pytest

from minicnn.data import Digits
from minicnn.errors import ArgumentError
from minicnn.search import search_images
from minicnn.search.images import final_images


def rows(array):
    return {image.tobytes() for image in np.asarray(array, np.float32)}


def test_three_quarters_train_and_the_others_judge():
    images = search_images("digits", size=8, count=5000)  # more than there are
    train, validation = (rows(part.arrays[0]) for part in (images.train, images.validation))
    assert (len(images.train), len(images.validation), images.shape, images.classes) == (1078, 359, (1, 8, 8), 10)
    assert not train & validation
    assert train | validation == rows(Digits(train=True, size=8).images)
    assert len((train | validation) & rows(Digits(train=False, size=8).images)) == 0


def test_the_last_word_is_spoken_by_the_test_images():
    images = final_images("digits", size=8)
    assert rows(images.train.arrays[0]) == rows(Digits(train=True, size=8).images)
    assert rows(images.validation.arrays[0]) == rows(Digits(train=False, size=8).images)


def test_labels_go_with_their_images():
    digits = Digits(size=8)
    label_of = {image.tobytes(): label for image, label in zip(digits.images, digits.labels, strict=True)}
    for part in (search_images("digits", size=8, count=100).train, search_images("digits", size=8, count=100).validation):
        assert all(label_of[image.tobytes()] == label for image, label in zip(*part.arrays, strict=True))


def test_the_same_images_each_time():
    assert search_images("digits", size=8, count=40).settings == search_images("digits", size=8, count=40).settings
    assert search_images("digits", size=8, count=40).settings["checksums"] != search_images("digits", size=8, count=44).settings["checksums"]


def test_shapes_are_normalised():
    images = search_images("shapes", size=16, count=40)
    assert images.shape == (3, 16, 16)
    assert abs(images.train.arrays[0].mean()) < 0.3
    assert images.train.arrays[0].dtype == np.float32


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"name": "digit"}, "unknown dataset 'digit': did you mean digits?"),
        ({"count": 3}, "search_images: count must be an integer >= 4, not 3"),
        ({"name": "cifar10", "size": 16}, "the images of cifar10 have their size"),
    ],
)
def test_wrong_input(options, sentence):
    with pytest.raises(ArgumentError) as caught:
        search_images(**options)
    assert str(caught.value).startswith(sentence)
