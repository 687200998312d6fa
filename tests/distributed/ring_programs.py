"""What the processes of the ring's tests do: each function gets a communicator first. Started by `spawn`."""

import os
import random
import signal
import sys
import threading
import time

import numpy as np

from minicnn.errors import ShapeError

TYPES = ("int32", "int64", "float32", "float64")
LENGTHS = (0, 1, 2, 3, 4, 7, 1000, 20_001)  # shorter than the ring, no multiple of its size, more than one piece


def numbers(rank, dtype, length):
    rng = np.random.default_rng([rank, TYPES.index(dtype), length])
    return rng.integers(-1000, 1000, length).astype(dtype) if dtype.startswith("int") else rng.standard_normal(length).astype(dtype)


def sums(communicator):
    """The all-reduce of every type and length, and the bytes that this rank sent for each."""
    found = {}
    for dtype in TYPES:
        for length in LENGTHS:
            array, before = numbers(communicator.rank, dtype, length), communicator.bytes_sent
            communicator.all_reduce(array)
            found[dtype, length] = array, communicator.bytes_sent - before
    grid = np.full((2, 3), communicator.rank + 1.0)
    communicator.all_reduce(grid)
    found["grid"] = grid
    return found


def steps(communicator, length):
    """What this rank held after each step of an all-reduce, and the steps."""
    held, made = [], []
    communicator.after_step = lambda step, array: (made.append(step), held.append(array.copy()))
    communicator.all_reduce(numbers(communicator.rank, "float32", length))
    return made, held


def others(communicator):
    """The operations beside the all-reduce."""
    rank, size = communicator.rank, communicator.size
    found = {"broadcast": [], "pairs": {}}
    for root in range(size):
        array = np.arange(5.0) + 10 * rank
        communicator.broadcast(array, root)
        found["broadcast"].append(array)
    own = np.full((rank, 2), rank, np.float32)
    found["all_gather"] = communicator.all_gather(own)
    found["all_gather"][rank][...] = -1  # is a copy
    assert (own == rank).all()
    if size > 1:
        found["exchange"] = communicator.exchange(np.full(90_000, rank), (rank + 1) % size, (rank - 1) % size)
        for source in range(1, size):
            if rank == source:
                communicator.send(np.array([source], np.int16), 0)
            if rank == 0:
                array = np.zeros(1, np.int16)
                communicator.receive(array, source)
                found["pairs"][source] = int(array[0])
    communicator.barrier()
    return found


class Slow:
    """A semaphore before and after which everything takes its time."""

    def __init__(self, semaphore, rng):
        self.semaphore, self.rng = semaphore, rng

    def doze(self):
        time.sleep(self.rng.choice([0, 0, 0.0005, 0.003]))

    def acquire(self, block=True, timeout=None):
        self.doze()
        got = self.semaphore.acquire(block, timeout)
        self.doze()
        return got

    def release(self):
        self.doze()
        self.semaphore.release()
        self.doze()


def in_slow_motion(communicator, seed):
    """Everything again, with a pause of random length before and after each signal."""
    rng = random.Random(100 * seed + communicator.rank)
    communicator._office.signals = [tuple(Slow(signal, rng) for signal in pair) for pair in communicator._office.signals]
    results = []
    for length in (3, 6_000, 5, 1):
        array = numbers(communicator.rank, "float64", length)
        communicator.all_reduce(array)
        results.append(array)
    return results, others(communicator)


def meet(communicator, seconds):
    """Times around a barrier to which rank 1 comes late."""
    if communicator.rank == 1:
        time.sleep(seconds)
    before = time.monotonic()
    communicator.barrier()
    return before, time.monotonic()


def two_at_once(communicator):
    """An all-reduce in a thread beside one in this thread, each rank in another order."""
    twin, sums = communicator.duplicate(), {}

    def add(which, of, length):
        array = np.full(length, which, np.int64)
        of.all_reduce(array)
        sums[which] = array.tolist()

    thread = threading.Thread(target=add, args=(10, twin, 4))
    if communicator.rank == 0:
        thread.start()
        time.sleep(0.05)
    add(1, communicator, 3)
    if communicator.rank != 0:
        thread.start()
    thread.join()
    return sums


def third(communicator):
    return communicator.duplicate().duplicate()


def die(communicator, how):
    """Rank 1 ends in the middle of the work; the others wait for it."""
    communicator.barrier()
    if communicator.rank == 1:
        if how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "exits":
            sys.exit(3)
        if how == "ends":
            sys.exit()
        raise ShapeError("x is (1,)")
    communicator.barrier()


def return_early(communicator):
    communicator.barrier()
    if communicator.rank != 1:
        communicator.barrier()


def differ(communicator, *of_ranks):
    """Each rank with an array of its own length and type."""
    communicator.all_reduce(np.zeros(*of_ranks[communicator.rank]))


def call(communicator, method, *args):
    return getattr(communicator, method)(*args)


def return_a_lock(communicator):
    return threading.Lock()


class Stubborn(Exception):
    def __init__(self, a, b):
        super().__init__(f"{a} and {b}")


def raise_what_cannot_be_sent(communicator):
    raise Stubborn("this", "that")


def meet_for_ever(communicator):
    """Nobody waits long."""
    os.write(1, f"{os.getpid()}\n".encode())  # at once: another process writes, too
    while True:
        communicator.barrier()


def wait_for_each_other(communicator):
    os.write(1, f"{os.getpid()}\n".encode())  # at once: another process writes, too
    communicator.receive(np.zeros(1), 1 - communicator.rank)
