"""Batches on their way between processes: what arrives is what was sent, and nothing is left when it is gone."""

import gc
import multiprocessing
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from minicnn.data import ArrayDataset, DataLoader, passing
from minicnn.errors import DataError

needs_memfd = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="files in memory without a name are Linux's")


@pytest.fixture
def datasets(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    import worker_datasets

    return worker_datasets


@pytest.fixture
def pipe(monkeypatch):
    monkeypatch.setattr(passing, "LEAST", 100)
    here, there = multiprocessing.Pipe()
    with here, there:
        yield here, there


def through(pipe, message):
    passing.send(pipe[0], message)
    return passing.receive(pipe[1])


def shared():
    """Files and mappings of this process that are batches."""
    gc.collect()
    files = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return sum("minicnn-batch" in file for file in files), Path("/proc/self/maps").read_text().count("minicnn-batch")


def test_arrays_of_every_kind_arrive(pipe):
    rng = np.random.default_rng(0)
    arrays = [
        rng.standard_normal((3, 5, 7)),
        np.asfortranarray(rng.standard_normal((5, 9)).astype(np.float32)),
        rng.integers(0, 255, 101).astype(np.uint8),  # so that the next does not follow at once
        np.arange(1000)[::3],
        np.zeros((0, 400)),
        np.arange(3),
        np.array(["names", "are", "kept"]),
    ]
    batch, label, nothing = through(pipe, ((*arrays, {"more": arrays[0]}), "label", None))
    assert (label, nothing) == ("label", None)
    for sent, got in zip(arrays, batch, strict=False):
        np.testing.assert_array_equal(got, sent, strict=True)
        assert got.flags.writeable
        assert got.flags.aligned
    assert batch[-1]["more"] is batch[0]
    batch[0][...] = 1  # nobody else's memory
    assert not np.array_equal(arrays[0], batch[0])


@needs_memfd
def test_large_arrays_share_memory_and_small_ones_do_not(pipe):
    assert shared() == (0, 0)
    big = through(pipe, np.zeros(100))
    assert shared() == (1, 1)
    assert big.ctypes.data % passing.EDGE == 0
    small = through(pipe, np.zeros(12))
    assert shared() == (1, 1)
    del big, small
    assert shared() == (0, 0)


@needs_memfd
def test_so_many_batches_may_be_kept_that_files_would_run_out(pipe, monkeypatch):
    monkeypatch.setattr(passing, "MOST_MAPPED", 3)
    kept = [through(pipe, np.full(100, k)) for k in range(8)]
    assert shared() == (3, 3)
    for k, array in enumerate(kept):
        np.testing.assert_array_equal(array, np.full(100, k))
        array += 1
    del kept[0], array
    kept.append(through(pipe, np.zeros(100)))
    assert shared() == (3, 3)


def test_without_files_in_memory_the_pipe_takes_all(pipe, monkeypatch):
    monkeypatch.delattr(os, "memfd_create", raising=False)
    np.testing.assert_array_equal(through(pipe, np.arange(50)), np.arange(50))
    if sys.platform.startswith("linux"):
        assert shared() == (0, 0)


def test_the_sender_dies_between_two_messages(pipe):
    passing.send(pipe[0], np.arange(50))
    pipe[0].close()
    np.testing.assert_array_equal(passing.receive(pipe[1]), np.arange(50))
    with pytest.raises(EOFError):
        passing.receive(pipe[1])


@needs_memfd
def test_nothing_is_left_of_a_loop_that_ends_breaks_off_or_loses_a_worker(datasets):
    large = DataLoader(ArrayDataset(np.arange(4 * 300_000, dtype=np.float32).reshape(4, 1, 300, 1000)), batch_size=1, num_workers=1)
    for k, (batch,) in enumerate(large):
        assert batch.numpy().ravel()[[0, -1]].tolist() == [k * 300_000, (k + 1) * 300_000 - 1]
        assert shared()[1] >= 1
    kept = next(iter(large))
    del batch, kept
    assert shared() == (0, 0)
    with pytest.raises(DataError, match="was killed by SIGKILL before it delivered batch 1"):
        list(DataLoader(datasets.LargeKilled(), batch_size=1, num_workers=1))
    assert shared() == (0, 0)


def test_a_worker_is_no_more_than_prefetch_batches_ahead(datasets, tmp_path):
    loader = DataLoader(datasets.Recorded(tmp_path, 8), batch_size=1, num_workers=1, prefetch=3)
    for k, (batch,) in enumerate(loader):
        assert batch.item() == k
        made = len(list(tmp_path.iterdir()))
        assert made <= k + 1 + 3
    assert made == 8
