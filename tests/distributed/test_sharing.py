"""Shares of batches: together they are the batch, whatever the number of workers."""

import numpy as np
import pytest

from minicnn.data import ArrayDataset, DataLoader
from minicnn.data.transforms import RandomShift
from minicnn.distributed import SharedLoader
from minicnn.distributed.sharing import weight_of
from minicnn.errors import ArgumentError

IMAGES = np.random.default_rng(0).random((23, 1, 4, 4)).astype(np.float32)


def loader(**options):
    return DataLoader(ArrayDataset(IMAGES, np.arange(23)), 5, shuffle=True, seed=7, transform=RandomShift(1), **options)


def collected(batches):
    return [(images.numpy(), labels.numpy()) for images, labels in batches]


@pytest.mark.parametrize("size", [2, 3, 5])
def test_the_shares_in_the_order_of_ranks_are_the_batches_of_one_worker(size):
    whole, parts = loader(), [SharedLoader(loader(), rank, size) for rank in range(size)]
    for _ in range(2):  # each epoch has an order and shifts of its own
        shares = [collected(part) for part in parts]
        for number, (images, labels) in enumerate(collected(whole)):
            of_all = [share[number] for share in shares]
            if len(labels) < size:
                assert all(part[1].tolist() == labels.tolist() for part in of_all)
                continue
            np.testing.assert_array_equal(np.concatenate([part[0] for part in of_all]), images)
            np.testing.assert_array_equal(np.concatenate([part[1] for part in of_all]), labels)
            lengths = [len(part[1]) for part in of_all]
            assert max(lengths) - min(lengths) <= 1


def test_an_image_counts_one_over_all_workers():
    for size in (2, 4, 5):
        counts = np.zeros(23)
        for rank in range(size):
            for batch in SharedLoader(loader(), rank, size):
                counts[batch[1].numpy()] += weight_of(batch)
        np.testing.assert_allclose(counts, 1)


def test_another_number_of_workers_goes_on_where_these_stopped():
    whole = collected(loader())
    two = SharedLoader(loader(), 0, 2)
    for number, _ in enumerate(two):
        if number == 2:
            break
    shares = []
    for rank in range(4):
        part = SharedLoader(loader(), rank, 4)
        part.load_state_dict(two.state_dict())
        shares.append([(weight_of(batch), batch[1].numpy()) for batch in part])
    assert [len(share) for share in shares] == [2] * 4
    np.testing.assert_array_equal(np.concatenate([share[0][1] for share in shares]), whole[3][1])
    assert [[weight for weight, _ in share] for share in shares] == [[1, 0.25]] * 4, "the last batch has 3 images for 4 workers"


def test_a_loader_that_was_begun_is_shared_from_there_and_worker_processes_change_nothing():
    begun = loader()
    for _ in begun:
        break
    begun.load_state_dict(begun.state_dict())
    rest = collected(SharedLoader(begun, 1, 2))
    assert len(rest) == 4
    helped = collected(SharedLoader(loader(num_workers=1), 1, 2))[1:]
    for (images, labels), (others, same) in zip(rest, helped, strict=True):
        np.testing.assert_array_equal(images, others)
        np.testing.assert_array_equal(labels, same)


def test_a_loader_knows_all_samples_and_all_batches():
    part = SharedLoader(loader(), 1, 2)
    assert len(part) == 5
    assert len(part.dataset) == 23
    assert weight_of((IMAGES, IMAGES)) == 1


@pytest.mark.parametrize(("rank", "size", "message"), [(2, 2, "rank must be below size=2, not 2"), (-1, 2, "rank"), (0, 0, "size")])
def test_what_is_no_share_is_refused(rank, size, message):
    with pytest.raises(ArgumentError, match=message):
        SharedLoader(loader(), rank, size)
