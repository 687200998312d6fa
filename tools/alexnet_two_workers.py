"""One training step of AlexNet on two workers, beside the same step in one process, and what the workers sent.

    mpiexec -n 2 python tools/alexnet_two_workers.py            a small network in float64
    mpiexec -n 2 python tools/alexnet_two_workers.py --full     the network of 2012: 61 million weights, float32
"""

import argparse
import sys
import time
from typing import Any

import numpy as np

import minicnn
from minicnn import Tensor, models, ops
from minicnn.distributed import AlexNetTwoWorkers, Communicator, MPICommunicator, alexnet_traffic
from minicnn.errors import ArgumentError
from minicnn.nn import Module

SMALL: dict[str, Any] = {"channels": (6, 16, 24, 24, 16), "hidden": 32, "num_classes": 6}


def step(net: Module, images: Tensor, labels: Tensor) -> dict[str, Any]:
    """Loss, scores and gradients of one step without dropout, and its seconds."""
    start = time.perf_counter()
    scores = net.eval()(images)
    loss = ops.cross_entropy(scores, labels)
    loss.backward()
    seconds = time.perf_counter() - start
    return {"loss": loss.item(), "scores": scores.numpy(), "seconds": seconds, **{name: p.grad.numpy() for name, p in net.named_parameters() if p.grad is not None}}


def report(communicator: Communicator, sizes: dict[str, Any], dtype: str, batch: int) -> list[str]:
    """What is printed."""
    minicnn.set_num_threads(1)
    rng = np.random.default_rng(0)
    images = Tensor(rng.standard_normal((batch, 3, 227, 227)).astype(dtype) * 5)
    labels = Tensor(rng.integers(0, sizes.get("num_classes", 1000), batch))
    minicnn.manual_seed(0)
    whole = models.AlexNetGrouped(**sizes, norm_groups=2).astype(dtype)
    net = AlexNetTwoWorkers(communicator, **sizes).astype(dtype)
    net.load_halves(whole.state_dict())
    step(net, images, labels)  # compiles, and gets memory
    net.zero_grad()
    net.traffic.clear()
    ours = step(net, images, labels)
    gathered = {name: np.concatenate(communicator.all_gather(array)) for name, array in ours.items() if "." in name}
    if communicator.rank:
        return []
    step(whole, images, labels)
    whole.zero_grad()
    theirs = step(whole, images, labels)
    worst = max(float(np.abs(gathered[name] - theirs[name]).max() / np.abs(theirs[name]).max()) for name in gathered)
    on_paper = alexnet_traffic(batch, **sizes, itemsize=np.dtype(dtype).itemsize)
    return [
        f"{communicator.size} workers, {batch} images, {dtype}",
        f"loss {ours['loss']:.6f}, in one process {theirs['loss']:.6f}",
        f"scores differ by {np.abs(ours['scores'] - theirs['scores']).max():.1e} at most",
        f"gradients of {len(gathered)} parameters differ by {worst:.1e} of the largest at most",
        f"{ours['seconds']:.2f} s with {communicator.size} workers of one thread, {theirs['seconds']:.2f} s in one process of one thread",
        "",
        net.traffic.table(),
        "",
        "as on paper" if sorted(net.traffic.rows) == sorted(on_paper.rows) else f"NOT as on paper:\n{on_paper.table()}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="the network of 2012")
    parser.add_argument("--batch", type=int, default=2)
    options = parser.parse_args()
    communicator = MPICommunicator()
    try:
        lines = report(communicator, {} if options.full else SMALL, "float32" if options.full else "float64", options.batch)
    except ArgumentError as error:
        sys.exit(2 if communicator.rank else f"{parser.prog}: {error}")
    if lines:
        print("\n".join(lines))


if __name__ == "__main__":
    main()
