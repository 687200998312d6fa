"""Datasets of arrays, subsets, random splits."""

import numpy as np
import pytest

from minicnn import Tensor
from minicnn.data import ArrayDataset, Dataset, Subset, of_each_class, random_split
from minicnn.errors import ArgumentError, IndexingError, ShapeError


def test_array_dataset():
    images, labels = np.arange(12).reshape(3, 1, 2, 2), [7, 8, 9]
    data = ArrayDataset(Tensor(images), labels)
    assert isinstance(data, Dataset)
    assert len(data) == 3
    np.testing.assert_array_equal(data[1][0], images[1])
    assert [int(label) for _, label in data] == labels
    assert repr(data) == "ArrayDataset(int64[3, 1, 2, 2], int64[3])"


def test_subset():
    subset = Subset(ArrayDataset(np.arange(10, 20)), [7, 0, 7])
    assert [int(x) for (x,) in subset] == [17, 10, 17]
    assert len(Subset(ArrayDataset(np.arange(3)), [])) == 0


@pytest.mark.parametrize("lengths", [[7, 2, 1], [0.7, 0.2, 0.1]])
def test_random_split_divides_and_repeats(lengths):
    data = ArrayDataset(np.arange(10))
    parts = [[int(x) for (x,) in part] for part in random_split(data, lengths, seed=3)]
    assert [len(part) for part in parts] == [7, 2, 1]
    assert sorted(parts[0] + parts[1] + parts[2]) == list(range(10))
    assert parts == [[int(x) for (x,) in part] for part in random_split(data, lengths, seed=3)]
    assert parts != [[int(x) for (x,) in part] for part in random_split(data, lengths, seed=4)]


def test_random_split_of_odd_fractions_loses_no_sample():
    parts = random_split(ArrayDataset(np.arange(1437)), [1 / 3, 1 / 3, 1 / 3])
    assert sum(len(part) for part in parts) == 1437


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda d: ArrayDataset(), ArgumentError, ["at least one array"]),
        (lambda d: ArrayDataset(3), ShapeError, ["first axis"]),
        (lambda d: ArrayDataset(np.zeros((3, 2)), np.zeros(2)), ShapeError, ["same length", "(3, 2), (2,)"]),
        (lambda d: Subset(d, [0, 5]), ArgumentError, ["index 5", "0 to 4"]),
        (lambda d: Subset(d, [-1]), ArgumentError, ["index -1"]),
        (lambda d: Subset(d, [0.5]), ArgumentError, ["integers", "float64"]),
        (lambda d: random_split(d, [2, 2]), ArgumentError, ["5 samples", "add up to 4"]),
        (lambda d: random_split(d, [0.5, 0.4]), ArgumentError, ["fractions to 1", "0.9"]),
        (lambda d: random_split(d, [6, -1]), ArgumentError, ["[6, -1]"]),
        (lambda d: random_split(d, [5], seed=-1), ArgumentError, ["seed", "-1"]),
    ],
)
def test_messages(call, error, parts):
    with pytest.raises(error) as caught:
        call(ArrayDataset(np.arange(5)))
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize("index", [9999, -5])
def test_a_sample_that_is_not_there_is_named(index):
    whole = ArrayDataset(np.arange(4))
    for dataset in (whole, Subset(whole, [3, 2, 1, 0])):
        with pytest.raises(IndexingError, match=rf"{type(dataset).__name__} has no sample {index}: the indices are 0 to 3"):
            dataset[index]


def test_so_many_of_each_class_drawn_by_the_seed_and_in_the_dataset_s_order():
    class Labelled:
        """Says its labels, and gives no sample: none need be read."""

        labels = np.array([2, 0, 2, 2, 0, 1])

        def __len__(self):
            return 6

    of_labels = of_each_class(Labelled(), 2, seed=0)
    assert np.bincount(Labelled.labels[of_labels.indices]).tolist() == [2, 1, 2]
    assert of_labels.indices.tolist() == sorted(of_labels.indices.tolist())
    read = of_each_class(ArrayDataset(np.arange(6), Labelled.labels), 2, seed=0)
    assert read.indices.tolist() == of_labels.indices.tolist()
    assert len({tuple(of_each_class(Labelled(), 2, seed=seed).indices.tolist()) for seed in range(9)}) > 1
    part = Subset(Labelled(), [4, 1, 5])
    assert part.labels.tolist() == [int(Labelled.labels[i]) for i in (4, 1, 5)]
    assert not hasattr(Subset(ArrayDataset(np.arange(6)), [1]), "labels")
    with pytest.raises(ArgumentError, match="of_each_class: count must be an integer >= 1, not 0"):
        of_each_class(read, 0)
