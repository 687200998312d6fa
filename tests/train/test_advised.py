"""Which images the linear classifiers of the table's advice see."""

from types import SimpleNamespace

import numpy as np
import pytest

from minicnn.data import ArrayDataset
from minicnn.errors import ArgumentError
from minicnn.train.advised import probe_halves


def parts(labels):
    """Images whose one pixel is their number."""
    images = np.arange(len(labels), dtype=np.float32).reshape(-1, 1, 1, 1)
    return SimpleNamespace(images=SimpleNamespace(train=ArrayDataset(images, labels), classes=tuple(range(10)), prepare=None))


def contents(loader):
    images, labels = (np.concatenate([batch[i].numpy().ravel() for batch in loader]) for i in (0, 1))
    return images.tolist(), np.bincount(labels, minlength=10).tolist()


@pytest.mark.parametrize("labels", [np.arange(500) % 10, np.repeat(np.arange(10), 50), np.random.default_rng(0).permutation(500) % 10], ids=["cyclic", "sorted", "mixed"])
def test_half_of_each_class_is_on_each_side_in_any_order(labels):
    (first, of_first), (second, of_second) = map(contents, probe_halves(parts(labels), most=4))
    assert of_first == of_second == [4] * 10
    assert not set(first) & set(second)
    again, other = (contents(probe_halves(parts(labels), most=4, seed=seed)[0])[0] for seed in (0, 1))
    assert again == first != other


def test_too_few_are_refused():
    with pytest.raises(ArgumentError, match="12 training images of 10 classes are too few to measure anything: choose a strategy"):
        probe_halves(parts(np.arange(12) % 10))
