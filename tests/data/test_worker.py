"""Worker processes: the same batches as without them, and a clear end whatever happens."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from minicnn import Tensor, nn
from minicnn.data import ArrayDataset, DataLoader, Digits
from minicnn.data.passing import receive
from minicnn.data.transforms import Compose, RandomHorizontalFlip, RandomShift
from minicnn.data.worker import _Worker
from minicnn.errors import ArgumentError, DataError


@pytest.fixture
def datasets(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))  # workers get this process's path
    import worker_datasets

    return worker_datasets


@pytest.fixture(autouse=True)
def _no_process_is_left():
    yield
    assert multiprocessing.active_children() == []


def epochs(loader, count=2):
    return [[part.numpy().copy() for part in batch] for _ in range(count) for batch in loader]


def test_same_batches_as_without_workers():
    augment = Compose(RandomShift(2, fill=Digits.background), RandomHorizontalFlip())
    options = {"batch_size": 50, "shuffle": True, "seed": 3, "transform": augment}
    here = epochs(DataLoader(Digits(train=False), **options))
    there = epochs(DataLoader(Digits(train=False), **options, num_workers=2))
    assert len(here) == len(there) == 16
    for mine, theirs in zip(here, there, strict=True):
        for a, b in zip(mine, theirs, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)


def test_batches_are_made_elsewhere(datasets):
    loader = DataLoader(datasets.ProcessId(4), batch_size=1, num_workers=2)
    ids = [batch[0].item() for batch in loader]
    assert len(set(ids)) == 2
    assert ids[:2] == ids[2:]
    assert multiprocessing.current_process().pid not in ids


def test_more_workers_than_batches(datasets):
    loader = DataLoader(datasets.Plain(3), batch_size=2, num_workers=3)
    assert [batch[1].tolist() for batch in loader] == [[0, 1], [2]]


def test_safe_after_numba_has_run_on_all_threads(datasets):
    nn.Conv2d(3, 8, kernel_size=3)(Tensor(np.ones((16, 3, 40, 40), np.float32)))
    loader = DataLoader(datasets.Plain(), batch_size=5, num_workers=2)
    assert [batch[1].tolist()[0] for batch in loader] == [0, 5, 10, 15]


@pytest.mark.parametrize("num_workers", [0, 2])
def test_an_exception_names_the_sample_and_keeps_its_message(datasets, num_workers):
    loader = DataLoader(datasets.Failing(), batch_size=4, num_workers=num_workers)
    with pytest.raises(DataError) as caught:
        list(loader)
    assert str(caught.value) == "sample 7: OSError: picture_7.png is damaged"
    if num_workers:
        assert "In worker process 1" in caught.value.__notes__[0]
        assert "worker_datasets.py" in caught.value.__notes__[0]


def test_a_killed_worker_is_one_clear_error(datasets):
    loader = DataLoader(datasets.Killed(), batch_size=4, num_workers=2)
    with pytest.raises(DataError, match=r"worker process 1 was killed by SIGKILL before it delivered batch 1: was .* out of memory"):
        list(loader)


def test_a_worker_that_exits_is_one_clear_error(datasets):
    with pytest.raises(DataError, match="worker process 0 ended with exit code 3 before it delivered batch 0"):
        list(DataLoader(datasets.Exiting(), batch_size=4, num_workers=1))


def test_breaking_off_ends_the_workers_at_once(datasets):
    start = time.perf_counter()
    for batch in DataLoader(datasets.Slow(), batch_size=4, num_workers=2):
        assert batch[1].tolist() == [0, 1, 2, 3]
        break
    assert multiprocessing.active_children() == []
    assert time.perf_counter() - start < 60  # the next sample would take ten minutes


def test_an_error_in_the_loop_ends_the_workers(datasets):
    def train():
        for _ in DataLoader(datasets.Slow(), batch_size=4, num_workers=2):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train()


def test_large_batches_pass():
    images = np.arange(6 * 3 * 300 * 300, dtype=np.float32).reshape(6, 3, 300, 300)
    batches = epochs(DataLoader(ArrayDataset(images), batch_size=3, num_workers=2), count=1)
    np.testing.assert_array_equal(np.concatenate([batch[0] for batch in batches]), images)


@pytest.mark.parametrize("what", ["transform", "collate", "the dataset"])
def test_what_cannot_be_pickled_is_named(datasets, what):
    class Local(datasets.Plain):
        pass

    dataset = Local() if what == "the dataset" else datasets.Plain()
    options = {} if what == "the dataset" else {what: lambda *a: a[0]}
    with pytest.raises(ArgumentError, match=f"{what} cannot be sent to worker processes .*Lambdas.*num_workers=0"):
        next(iter(DataLoader(dataset, num_workers=1, **options)))


def test_a_class_that_the_worker_cannot_import_is_named(datasets, monkeypatch):
    dataset = datasets.Plain()
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p != str(Path(__file__).parent)])
    with pytest.raises(DataError, match=r"cannot load the dataset \(ModuleNotFoundError: No module named 'worker_datasets'\).*notebook"):
        next(iter(DataLoader(dataset, num_workers=1)))


def test_a_script_without_guard_is_told(tmp_path):
    script = tmp_path / "unguarded.py"
    script.write_text("from minicnn.data import *\nfor batch in DataLoader(Digits(), 64, num_workers=1):\n    pass\n")
    result = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    last = result.stderr.strip().splitlines()[-1]
    assert "worker process 0 ended with exit code 1" in last
    assert "if __name__ == '__main__':" in last


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="no signal masks here")
def test_ctrl_c_while_a_worker_imports_does_not_end_it(tmp_path):
    """A worker imports the script before it runs a line of ours: there the signal finds it."""
    script = tmp_path / "script.py"
    script.write_text(
        "import os, signal\n"
        "if __name__ == '__mp_main__':\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "from minicnn.data import DataLoader, Digits\n"
        "if __name__ == '__main__':\n"
        "    print(len(list(DataLoader(Digits(train=False), 64, num_workers=2))), signal.pthread_sigmask(signal.SIG_BLOCK, []))\n"
    )
    result = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, check=False)
    assert (result.stdout, result.stderr) == ("6 set()\n", "")


def test_a_worker_that_sigint_has_killed_is_named():
    worker = _Worker(0)
    try:
        worker.process.kill()
        worker.process.join()
        worker.process._popen.returncode = -signal.SIGINT
        assert "worker process 0 was killed by SIGINT before its first batch: Ctrl-C was meant" in str(worker._death("before its first batch"))
    finally:
        worker.stop()


def test_nobody_waits_until_a_worker_has_read_a_large_dataset():
    """The other end of the pipe does not read at all."""
    if not hasattr(os, "memfd_create"):
        pytest.skip("this system has no files in memory")
    worker = _Worker.__new__(_Worker)
    worker.connection, theirs = multiprocessing.Pipe()
    starting = threading.Thread(target=worker.start, args=(bytes(5_000_000), [np.arange(3)], 0, 1), daemon=True)
    starting.start()
    starting.join(10)
    assert not starting.is_alive()
    assert receive(theirs).nbytes == 5_000_000
    theirs.close()
    worker.connection.close()
