"""The loader: order, seeds, sizes, element types, messages."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor
from minicnn.data import ArrayDataset, DataLoader, Digits, Subset
from minicnn.data.transforms import Compose, Normalize, RandomShift
from minicnn.errors import ArgumentError, DataError

NUMBERS = ArrayDataset(np.arange(10))


def order(loader):
    return [i for (batch,) in loader for i in batch.tolist()]


def test_an_epoch_has_every_sample_once_in_order():
    loader = DataLoader(NUMBERS, batch_size=4)
    assert [batch.tolist() for (batch,) in loader] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert len(loader) == 3
    assert order(loader) == list(range(10))


def test_drop_last():
    loader = DataLoader(NUMBERS, batch_size=4, drop_last=True)
    assert len(loader) == 2
    assert order(loader) == list(range(8))
    assert len(DataLoader(NUMBERS, batch_size=5, drop_last=True)) == 2


def test_each_epoch_has_its_own_order_and_a_seed_repeats_them_all():
    loader = DataLoader(NUMBERS, batch_size=3, shuffle=True, seed=1)
    first, second = order(loader), order(loader)
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    again = DataLoader(NUMBERS, batch_size=3, shuffle=True, seed=1)
    assert [order(again), order(again)] == [first, second]
    assert order(DataLoader(NUMBERS, batch_size=3, shuffle=True, seed=2)) != first


def test_an_epoch_counts_even_if_it_is_broken_off_and_can_be_set():
    loader = DataLoader(NUMBERS, batch_size=3, shuffle=True, seed=1)
    epochs = [order(loader) for _ in range(3)]
    loader.epoch = 0
    next(iter(loader))
    assert loader.epoch == 1
    assert order(loader) == epochs[1]


def test_without_a_seed_manual_seed_decides():
    def orders():
        minicnn.manual_seed(5)
        return [order(DataLoader(NUMBERS, batch_size=3, shuffle=True)) for _ in range(2)]

    first = orders()
    assert first[0] != first[1]
    assert orders() == first


def test_shuffling_leaves_the_process_generator_alone():
    minicnn.manual_seed(5)
    order(DataLoader(NUMBERS, shuffle=True, seed=1, transform=lambda x, rng: x + rng.integers(2)))
    drawn = minicnn.backend.generator().random()
    minicnn.manual_seed(5)
    assert minicnn.backend.generator().random() == drawn


def test_random_transforms_depend_on_seed_epoch_and_sample_only():
    def noise(x, rng):
        return x + rng.random()

    def values(**options):
        return np.array(sorted(order(DataLoader(ArrayDataset(np.arange(10.0)), transform=noise, **options))))

    plain = values(seed=1)
    np.testing.assert_array_equal(values(seed=1, shuffle=True, batch_size=3), plain)
    assert not np.isin(values(seed=2), plain).any()
    loader = DataLoader(ArrayDataset(np.arange(10.0)), transform=noise, seed=1)
    assert order(loader) != order(loader)
    assert len({x % 1 for x in plain}) == 10


def test_tensors_of_the_types_that_networks_want():
    images, weights, labels, flags = next(
        iter(
            DataLoader(
                ArrayDataset(np.ones((4, 1, 2, 2)), np.ones(4, np.float16), np.ones(4, np.uint8), np.ones(4, bool)), batch_size=4
            )
        )
    )
    assert all(isinstance(part, Tensor) for part in (images, weights, labels, flags))
    assert [str(part.dtype) for part in (images, weights, labels, flags)] == ["float32", "float32", "int64", "bool"]
    assert not images.requires_grad


def test_names_and_dates_stay_what_they_are():
    samples = [(np.ones(2), "cat", np.datetime64("2026-01-01")), (np.zeros(2), "dog", np.datetime64("2026-01-02"))]
    ((images, names, dates),) = DataLoader(samples, batch_size=2)
    assert isinstance(images, Tensor)
    assert (type(names), names.tolist()) == (np.ndarray, ["cat", "dog"])
    assert dates.dtype == "datetime64[D]"


def test_batches_are_copies():
    data = np.zeros((4, 1, 2, 2), np.float32)
    (batch,) = next(iter(DataLoader(ArrayDataset(data), batch_size=4)))
    batch.fill_(1)
    assert data.sum() == 0


def test_a_subclass_that_reads_its_samples_differently_is_heard():
    class Doubled(ArrayDataset):
        def __getitem__(self, index):
            return tuple(2 * entry for entry in super().__getitem__(index))

    assert order(DataLoader(Doubled(np.arange(3)))) == [0, 2, 4]
    assert order(DataLoader(Subset(Doubled(np.arange(3)), [2, 1]))) == [4, 2]


def test_subsets_of_subsets_sample_by_sample_and_at_once():
    subset = Subset(Subset(ArrayDataset(np.arange(100, 110)), [9, 7, 5, 3]), [0, 2, 3])
    assert order(DataLoader(subset, batch_size=2)) == [109, 105, 103]
    assert order(DataLoader(subset, batch_size=2, transform=lambda x, rng: x)) == [109, 105, 103]


def test_a_list_of_tuples_is_a_dataset():
    assert order(DataLoader([(3,), (4,)], batch_size=2)) == [3, 4]


def test_collate_may_return_anything():
    loader = DataLoader(NUMBERS, batch_size=10, collate=lambda samples: (np.float64(0) + np.ones(2), [s[0] for s in samples]))
    ones, numbers = next(iter(loader))
    assert isinstance(ones, Tensor)
    assert ones.dtype == np.float64
    assert numbers == list(range(10))
    assert isinstance(next(iter(DataLoader(NUMBERS, collate=lambda samples: np.ones(3)))), Tensor)


@pytest.mark.parametrize(
    ("dataset", "options", "parts"),
    [
        (ArrayDataset(np.zeros((0, 1, 8, 8))), {}, ["dataset is empty"]),
        (NUMBERS, {"batch_size": 0}, ["batch_size", ">= 1", "0"]),
        (NUMBERS, {"batch_size": 2.5}, ["batch_size", "2.5"]),
        (NUMBERS, {"batch_size": True}, ["batch_size", "True"]),
        (NUMBERS, {"num_workers": -1}, ["num_workers", ">= 0", "-1"]),
        (NUMBERS, {"seed": -1}, ["seed", "-1"]),
        (NUMBERS, {"shuffle": "yes"}, ["shuffle", "'yes'"]),
        (NUMBERS, {"drop_last": 1}, ["drop_last", "True or False"]),
        (NUMBERS, {"batch_size": 11, "drop_last": True}, ["no batch", "10 samples", "11"]),
        (NUMBERS, {"transform": 3}, ["transform", "function", "int"]),
        (5, {}, ["int", "len(dataset) and dataset[i]"]),
        ((np.zeros(3), np.zeros(3)), {}, ["tuple is no dataset", "ArrayDataset(images, labels)"]),
    ],
)
def test_messages(dataset, options, parts):
    with pytest.raises(ArgumentError) as caught:
        DataLoader(dataset, **options)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("dataset", "options", "parts"),
    [
        ([1, 2], {}, ["sample 0", "must be a tuple", "int"]),
        ([(np.zeros((1, 2, 2)), 0), (np.zeros((1, 3, 2)), 0)], {"batch_size": 2}, ["samples 0, 1", "(1, 2, 2), (1, 3, 2)", "Resize"]),
        ([(1,), (1, 2)], {"batch_size": 2}, ["samples 0, 1", "number of entries", "1, 2"]),
        (NUMBERS, {"transform": lambda x, rng: x.nothing}, ["sample 0: AttributeError", "no attribute 'nothing'"]),
        (NUMBERS, {"transform": RandomShift(1)}, ["sample 0: ShapeError", "RandomShift", "(C, H, W)"]),
        (NUMBERS, {"collate": lambda samples: 1 / 0}, ["samples 0: ZeroDivisionError"]),
    ],
)
def test_messages_while_iterating(dataset, options, parts):
    with pytest.raises(DataError) as caught:
        next(iter(DataLoader(dataset, **options)))
    for part in parts:
        assert part in str(caught.value)


def test_the_digits_fit_the_loader():
    images, labels = next(iter(DataLoader(Digits(), batch_size=64, shuffle=True, seed=0)))
    assert (images.shape, str(images.dtype)) == ((64, 1, 32, 32), "float32")
    assert (labels.shape, str(labels.dtype)) == ((64,), "int64")


def test_images_of_integers_keep_their_type_and_labels_become_int64():
    images, labels, boxes = np.zeros((6, 1, 4, 4), np.uint8), np.arange(6, dtype=np.uint8), np.zeros((6, 4), np.int32)
    at_once = ArrayDataset(images, labels, boxes)
    for dataset in (at_once, list_of(at_once)):
        batch = next(iter(DataLoader(dataset, batch_size=3)))
        assert [part.dtype for part in batch] == [np.uint8, np.int64, np.int32]


def list_of(dataset):
    """The same samples, read one by one."""

    class Plain:
        def __len__(self):
            return len(dataset)

        def __getitem__(self, i):
            return dataset[i]

    return Plain()


@pytest.mark.parametrize("transform", [lambda image: image, lambda: 0, lambda image, *, rng: image, np.flipud, Normalize], ids=range(5))
def test_a_transform_without_room_for_the_generator_is_told_how_it_is_called(transform):
    if transform is Normalize:
        transform = Normalize(0.5, 0.5).__call__.__func__  # takes self as well
    with pytest.raises(ArgumentError, match=r"DataLoader: transform is called as transform\(image, rng\), where .* cannot be: "):
        DataLoader(NUMBERS, transform=transform)
    with pytest.raises(ArgumentError, match=r"Compose: transform is called as transform\(image, rng\)"):
        Compose(transform)


def test_transforms_of_every_kind_are_let_through():
    for transform in (lambda image, rng: image, lambda *a: a[0], RandomShift(1), Compose(), np.add):
        assert len(DataLoader(NUMBERS, transform=transform)) == 10
