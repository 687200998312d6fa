"""Batches that are copied to the GPU one ahead: whole, in order, and not in each other's memory, whichever stream is the faster. The GPU is played by a stand-in."""

import numpy as np
import pytest

import minicnn
from minicnn.data import ArrayDataset, DataLoader
from minicnn.data.ahead import STAGED
from minicnn.errors import DataError
from tests.data import streams

COUNT, SIZE = 7, 4


@pytest.fixture(params=[True, False], ids=["copies first", "copies last"])
def gpu(request, monkeypatch):
    with minicnn.use_backend("numpy"):
        installed = streams.install(monkeypatch, request.param)
        with minicnn.use_backend("cupy"):
            yield installed


def dataset():
    images = np.arange(COUNT * SIZE * 6, dtype=np.float32).reshape(-1, 1, 2, 3)
    return ArrayDataset(images, np.arange(COUNT * SIZE))


def expected(**options):
    with minicnn.use_backend("numpy"):
        return [[entry.numpy().copy() for entry in batch] for batch in DataLoader(dataset(), SIZE, **options)]


def compute(batch, usual, seen):
    """What a kernel does that reads a batch: later, at the addresses of now."""
    arrays = [entry.data.inner for entry in batch]
    usual.ask(lambda: seen.append([array.copy() for array in arrays]))


@pytest.mark.parametrize("workers", [0, 2])
def test_every_batch_is_read_whole_and_in_order(gpu, workers):
    cupy, usual, memory, _ = gpu
    options, seen = {"shuffle": True, "seed": 0, "num_workers": workers}, []
    for batch in DataLoader(dataset(), SIZE, **options):
        assert all(isinstance(entry.data, cupy.ndarray) for entry in batch)
        compute(batch, usual, seen)
        del batch  # whose memory the next but one is given
    usual.synchronize()
    for one, two in zip(seen, expected(**options), strict=True):
        np.testing.assert_array_equal(one[0], two[0])
        np.testing.assert_array_equal(one[1], two[1])
        assert (one[0].dtype, one[1].dtype) == (two[0].dtype, two[1].dtype)
    assert len(memory.pieces) < 2 * COUNT, "memory is reused: this test would not see who reads too late"


def test_batches_that_are_kept_stay_what_they_are(gpu):
    _, usual, _, _ = gpu
    kept = list(DataLoader(dataset(), SIZE))
    usual.synchronize()
    for batch, arrays in zip(kept, expected(), strict=True):
        np.testing.assert_array_equal(batch[0].numpy(), arrays[0])


def test_a_copy_begins_before_the_batch_in_front_is_handed_out(gpu):
    _, _, _, pinned = gpu
    made = []
    loader = DataLoader(dataset(), SIZE, collate=lambda samples: made.append(1) or np.ones((SIZE, 2), np.float32))
    batches = iter(loader)
    for count in range(1, COUNT):
        next(batches)
        assert len(made) == count + 1
    next(batches)
    assert len(made) == COUNT
    with pytest.raises(StopIteration):
        next(batches)
    assert len(pinned.pieces) == STAGED, "pinned memory is dear"


def test_a_batch_may_be_one_array_or_hold_something_else(gpu):
    _, usual, _, _ = gpu
    (batch,) = DataLoader(dataset(), COUNT * SIZE, collate=lambda samples: np.ones((2, 3), np.int64))
    (mixed,) = DataLoader(dataset(), COUNT * SIZE, collate=lambda samples: (np.zeros((0, 2), np.float32), "names", np.array([[True]]), np.array(["cat"])))
    usual.synchronize()
    np.testing.assert_array_equal(batch.numpy(), np.ones((2, 3), np.int64))
    assert (mixed[0].shape, mixed[0].dtype, mixed[1], mixed[2].tolist()) == ((0, 2), np.float32, "names", [[True]])
    assert (type(mixed[3]), mixed[3].tolist()) == (np.ndarray, ["cat"])


class Broken:
    def __len__(self):
        return 8

    def __getitem__(self, index):
        if index == 5:
            raise ValueError("no such picture")
        return np.full((2, 2), index, np.float32), index


def test_an_error_comes_when_its_turn_comes(gpu):
    _, usual, _, _ = gpu
    seen = []
    batches = iter(DataLoader(Broken(), 2))
    for first in (0, 2):
        images, labels = next(batches)
        usual.synchronize()
        assert labels.tolist() == [first, first + 1]
        seen.append(images)
    with pytest.raises(DataError, match="sample 5: ValueError: no such picture"):
        next(batches)
    with pytest.raises(StopIteration):
        next(batches)


def test_a_loop_that_is_left_waits_for_its_copies(gpu):
    """Else the memory of a batch that nobody has seen would be given away while it is written."""
    cupy, usual, memory, _ = gpu
    batches = iter(DataLoader(dataset(), SIZE))
    images, _ = next(batches)
    del images, _
    batches.close()
    other = [cupy.empty(piece.size, np.uint8) for piece in list(memory.free)]
    for array in other:
        array[...] = 7
    usual.synchronize()
    assert all(array.tolist() == [7] * array.size for array in other)
    assert other


def test_on_other_backends_nothing_is_copied(gpu):
    with minicnn.use_backend("numpy"):
        images, _ = next(iter(DataLoader(dataset(), SIZE)))
    assert isinstance(images.data, np.ndarray)
