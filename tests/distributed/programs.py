"""What the workers of the tests do: each function gets a communicator first. Started by `ranks.run_ranks`."""

import pickle
import random
import sys
import time
from pathlib import Path

import numpy as np

from minicnn import data, manual_seed, nn, ops, optim
from minicnn.backend import set_num_threads
from minicnn.distributed import MPICommunicator, Workers, synchronise
from minicnn.errors import NonFiniteError
from minicnn.train import Trainer, WeightAverage


def images(count, seed=0, size=6):
    """Noise, and whether its first channel is brighter than its second."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((count, 2, size, size)).astype(np.float32)
    return data.ArrayDataset(x, (x[:, 0].mean((1, 2)) > x[:, 1].mean((1, 2))).astype(np.int64))


class Net(nn.Module):
    """A convolution, with or without a batch norm, and a linear layer; some parameters are in no graph."""

    def __init__(self, norm, dropout=0.0):
        super().__init__()
        self.conv = nn.Conv2d(2, 5, 3, padding=1)
        self.norm = nn.BatchNorm2d(5) if norm else nn.Identity()
        self.drop = nn.Dropout(dropout)
        self.fc = nn.Linear(5, 2)
        self.unused = nn.Linear(3, 3)

    def forward(self, x):
        y = self.norm(self.conv(x))
        return self.fc(self.drop(ops.relu(y).mean(axis=(2, 3))))


def fit(communicator, *, norm=None, batch=12, count=40, accumulate=1, epochs=2, optimizer="SGD", average=0.0, dropout=0.0, **workers_options):
    """Losses, gradient norms and final state of a run; `norm` is None, "local" or "sync"."""
    set_num_threads(1)
    manual_seed(3)
    model = Net(norm is not None, dropout)
    workers = Workers(communicator, **workers_options)
    if norm == "sync":
        synchronise(model, workers)
    rate = optim.SGD(model.parameters(), lr=0.3, momentum=0.9, weight_decay=1e-3) if optimizer == "SGD" else optim.Adam(model.parameters(), lr=0.01)
    trainer = Trainer(model, rate, accumulate=accumulate, workers=workers, average=WeightAverage(model, average) if average else None)
    train = workers.share(data.DataLoader(images(count), batch, shuffle=True, seed=1))
    test = workers.share(data.DataLoader(images(21, 1), 10))
    trainer.fit(train, test, epochs)
    history = [(e.train_loss, e.train_accuracy, e.test_loss, e.test_accuracy) for e in trainer.history]
    return {"history": history, "norm": trainer.gradient_norm, "state": model.state_dict(), "steps": trainer.steps}


def fits(communicator, runs):
    """Several runs, one after the other."""
    return [fit(communicator, **run) for run in runs]


class Late:
    """A communicator that comes to everything late, by up to so many seconds, at random, in each of its threads."""

    def __init__(self, communicator, seconds=0.01):
        self.communicator, self.seconds, self.random = communicator, seconds, random.Random(communicator.rank)
        self.rank, self.size = communicator.rank, communicator.size

    def duplicate(self):
        return Late(self.communicator.duplicate(), self.seconds)

    def __getattr__(self, name):
        operation = getattr(self.communicator, name)

        def late(*arguments):
            time.sleep(self.random.uniform(0, self.seconds))
            return operation(*arguments)

        return late


def with_and_without_delays(communicator, run):
    """The same run twice."""
    return [fit(each, **run) for each in (communicator, Late(communicator))]


def operations(communicator):
    """What each operation gives on this worker."""
    rank, size = communicator.rank, communicator.size
    found = {"sum": np.array([rank, 10.0]), "from the last": np.array([rank, 7]), "received": np.zeros(1)}
    communicator.all_reduce(found["sum"])
    communicator.broadcast(found["from the last"], size - 1)
    found["gathered"] = communicator.all_gather(np.full((rank, 2), rank))
    found["exchanged"] = communicator.exchange(np.full(3, rank), (rank + 1) % size, (rank - 1) % size)
    if rank == 0:
        communicator.send(np.array([5.0]), size - 1)
    if rank == size - 1:
        communicator.receive(found["received"], 0)
    apart, found["apart"] = communicator.duplicate(), np.ones(1)
    apart.all_reduce(found["apart"])
    communicator.barrier()
    return {**found, "here": communicator.here}


class Logarithms(nn.Module):
    """Whose inputs should be above 0."""

    def __init__(self):
        super().__init__()
        self.fc, self.norm = nn.Linear(2 * 6 * 6, 2), nn.BatchNorm2d(2)

    def forward(self, x):
        return self.fc(ops.log(x).flatten(1)) + 0 * self.norm(x).mean()


def spoiled(communicator):
    """What a run says whose eighth image has a negative number: in the second batch of four, the second worker's."""
    set_num_threads(1)
    manual_seed(3)
    few = images(8)
    x = np.abs(few.arrays[0]) + 0.1
    x[7, 0, 0, 0] = -1
    model, workers = Logarithms(), Workers(communicator)
    synchronise(model, workers)
    loader = workers.share(data.DataLoader(data.ArrayDataset(x, few.arrays[1]), 4))
    try:
        Trainer(model, optim.SGD(model.parameters(), lr=0.1), workers=workers).fit(loader, loader, 1)
    except NonFiniteError as error:
        return str(error)
    return ""


def main():
    task = Path(sys.argv[1])
    name, arguments = pickle.loads(task.read_bytes())
    communicator = MPICommunicator()
    result = globals()[name](communicator, *arguments)
    task.with_name(f"result-{communicator.rank}").write_bytes(pickle.dumps(result))


if __name__ == "__main__":
    main()
