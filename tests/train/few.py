"""A small dataset, and runs on it that take a second."""

from contextlib import contextmanager

import numpy as np

from minicnn.data import ArrayDataset, Digits
from minicnn.data.transforms import RandomShift
from minicnn.train import Callback
from minicnn.train.datasets import DATASETS, ImageSet


def few_digits(_where):
    """96 digits of 8x8 pixels to train on, 40 held out; every class is among both."""
    train, test = Digits(train=True, size=8), Digits(train=False, size=8)
    parts = [ArrayDataset(part.images[::step], part.labels[::step]) for part, step in ((train, 15), (test, 9))]
    return ImageSet(*parts, Digits.classes, (1, 8, 8), RandomShift(1, fill=Digits.background), None, None)


def install(monkeypatch):
    """Name it `few`."""
    monkeypatch.setitem(DATASETS, "few", few_digits)


@contextmanager
def silent(epochs, steps_per_epoch):
    """No progress is shown."""
    yield Callback()


def listened_to(callback):
    """What `run_recipe` takes to show progress; a callback of the test listens instead."""

    @contextmanager
    def show(epochs, steps_per_epoch):
        yield callback

    return show


def assert_same(one, other):
    """Contents of two checkpoints, bit for bit, but for the times."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for name in one:
            if name not in ("seconds", "images_per_second"):
                assert_same(one[name], other[name])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        assert one.tobytes() == other.tobytes()
    else:
        assert one == other
