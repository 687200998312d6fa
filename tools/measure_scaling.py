"""Measures what workers cost on this machine, and sets the model of `minicnn.distributed.cost` beside it: docs/benchmarks/workers.json.

    python tools/measure_scaling.py && python tools/distributed_page.py

From the all-reduces of two workers follow latency and bandwidth of a link, by least squares over the relative errors; from the steps of one worker follows his
rate. The model's answers for more workers come from these. The machine's processors are shared by all workers: with more workers than processors, each
computes so much slower, and so does the prediction.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import minicnn
from minicnn import Tensor, models, nn, ops, optim
from minicnn.analysis import summarize
from minicnn.bench.elsewhere import Watch
from minicnn.bench.session import machine
from minicnn.distributed import (
    Communicator,
    Machine,
    MPICommunicator,
    Workers,
    all_reduce_time,
    simulate,
    spawn,
)
from minicnn.distributed.buckets import BUCKET

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "benchmarks" / "workers.json"
WORKERS = (1, 2, 4)
LENGTHS = tuple(4**k for k in range(12))  # float32 numbers: 4 bytes to 16 MiB
NETWORK, IMAGE, IMAGES = "ResNet20", (3, 32, 32), 32  # of each worker in a step
REST = 5  # seconds
WAYS = ("shared memory", "MPI")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=0.5, help="for each figure")
    parser.add_argument("--rank", type=Path, help="used by the tool itself: this is one process of an MPI job; where to write")
    options = parser.parse_args()
    if options.rank:
        found = measure(MPICommunicator(), options.seconds)
        if MPICommunicator().rank == 0:
            options.rank.write_text(json.dumps(found))
        return
    RESULTS.write_text(json.dumps(with_predictions(measure_all(options.seconds)), indent=1) + "\n")


# Measuring


def measure_all(seconds: float) -> dict[str, Any]:
    """All processes, over both ways: {"machine", "all_reduce": [...], "steps": [...]}, and how many processors other programs took before and after."""
    before = taken_by_others()
    found: dict[str, Any] = {"machine": {**machine(1), "processors": os.cpu_count()}, "all_reduce": [], "steps": []}
    for way in WAYS:
        for workers in WORKERS:
            part = spawn(measure, workers, seconds)[0] if way == "shared memory" else over_mpi(workers, seconds)
            for name, rows in part.items():
                found[name] += [{"over": way, "workers": workers, **row} for row in rows]
    found["machine"]["taken_by_others"] = [before, taken_by_others()]
    return found


def taken_by_others() -> float | None:
    """Processors that other programs use while this one sleeps."""
    watch = Watch()
    time.sleep(REST)
    return watch.processors()


def over_mpi(workers: int, seconds: float) -> dict[str, list[dict[str, Any]]]:
    """The same in an MPI job."""
    mpiexec = Path(sys.executable).with_name("mpiexec")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "found.json")
        subprocess.run([mpiexec, "-n", str(workers), sys.executable, __file__, "--rank", file, "--seconds", str(seconds)], check=True)
        found: dict[str, list[dict[str, Any]]] = json.loads(file.read_text())
        return found


def measure(communicator: Communicator, seconds: float) -> dict[str, list[dict[str, Any]]]:
    """One worker's part; the figures are the same on all."""
    minicnn.set_num_threads(1)
    reduces = []
    for length in LENGTHS if communicator.size > 1 else ():
        array = np.zeros(length, np.float32)
        reduces.append({"bytes": array.nbytes, "seconds": least(communicator, lambda array=array: communicator.all_reduce(array), seconds)})  # type: ignore[misc]
    steps = [{"overlap": overlap, "seconds": least(communicator, training_step(communicator, overlap), 6 * seconds)} for overlap in (False, True)]
    return {"all_reduce": reduces, "steps": steps}


def least(communicator: Communicator, work: Callable[[], None], seconds: float) -> float:
    """The shortest of the times in which all workers were done: others use the machine, too, and never make it faster."""
    work()
    best, end = math.inf, time.perf_counter() + seconds
    while True:
        communicator.barrier()
        start = time.perf_counter()
        work()
        now = time.perf_counter()
        (slowest, late) = (max(array.item() for array in communicator.all_gather(np.array([value]))) for value in (now - start, now - end))
        best = min(best, slowest)
        if late > 0:
            return best


def training_step(communicator: Communicator, overlap: bool) -> Callable[[], None]:
    """A step of data parallel training, with this worker's share of random images."""
    minicnn.manual_seed(0)
    model = models.create(NETWORK)
    workers = Workers(communicator, overlap=overlap, bucket=BUCKET)
    optimizer = optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    rng = np.random.default_rng(communicator.rank)
    images, labels = Tensor(rng.standard_normal((IMAGES, *IMAGE)).astype(np.float32)), Tensor(rng.integers(0, 10, IMAGES))

    def step() -> None:
        optimizer.zero_grad()
        loss = ops.cross_entropy(model(images), labels)
        with workers.reducing(model, list(model.parameters())):
            loss.backward()
        optimizer.step()

    return step


# The model's answers


def fitted(rows: Sequence[dict[str, Any]], workers: int) -> tuple[float, float]:
    """Latency and bandwidth of 2 (n - 1) (latency + bytes / (n bandwidth)), with the least squares of relative errors."""
    seconds = np.array([row["seconds"] for row in rows])
    terms = np.array([[2 * (workers - 1), 2 * (workers - 1) * row["bytes"] / workers] for row in rows])
    latency, per_byte = np.linalg.lstsq(terms / seconds[:, None], np.ones(len(rows)), rcond=None)[0]
    return float(latency), 1 / float(per_byte)


def with_predictions(found: dict[str, Any]) -> dict[str, Any]:
    """The measured rows, each with what the model says."""
    layers = summarize(nn_of(NETWORK), IMAGE).layers
    macs, processors = sum(layer.macs for layer in layers), found["machine"]["processors"]
    alone = min(row["seconds"] for row in found["steps"] if row["workers"] == 1)
    found["rate"], found["links"] = 3 * IMAGES * macs / alone, {}
    for way in WAYS:
        reduces = [row for row in found["all_reduce"] if row["over"] == way]
        steps = [row for row in found["steps"] if row["over"] == way]
        latency, bandwidth = fitted([row for row in reduces if row["workers"] == 2], 2)
        found["links"][way] = {"latency": latency, "bandwidth": bandwidth}
        for row in reduces:
            row["predicted"] = all_reduce_time(row["bytes"], row["workers"], Machine(found["rate"], bandwidth, latency))
        for row in steps:
            each = Machine(found["rate"] / max(1, row["workers"] / processors), bandwidth, latency)
            row["predicted"] = simulate(layers, each, row["workers"], IMAGES, overlap=row["overlap"], bucket=BUCKET).seconds
    return found


def nn_of(name: str) -> nn.Module:
    """The network, without memory for weights."""
    with minicnn.use_backend("meta"):
        return models.create(name)


if __name__ == "__main__":
    main()
