"""A training step of the same two networks in minicnn and in other frameworks, measured in turns.

    python tools/peers.py --out docs/benchmarks/peers.json --rival torch=.venv/bin/python --rival dezero=OTHER/bin/python --rival tinygrad=...

Each framework runs in a process of its own, by the Python that has it installed, and is asked for a few steps at a time, in turns with the others, so that a
busy moment of the machine meets them all. What counts is the ratio within a round, and of these the median. All get as many threads as there are cores.
"""

import argparse
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

NETWORKS = {  # (channels, size, batch) of the images; then filters of the 3x3 or 5x5 convolutions, "pool", and the linear layers
    "LeNet-5, 64 images of 1x28x28": ((1, 28, 64), 5, [6, "pool", 16, "pool"], [120, 84, 10]),
    "six 3x3 convolutions, 32 images of 3x32x32": ((3, 32, 32), 3, [32, 32, "pool", 64, 64, "pool", 128, 128, "pool"], [10]),
}
ROUNDS, SECONDS = 9, 1.0  # rounds, and about how long a framework works in each


def sequential(nn, image, size, layers, linear):
    """The network out of a library's layers: minicnn's and PyTorch's have the same names."""
    parts, channels = [], image[0]
    for layer in layers:
        if layer == "pool":
            parts.append(nn.MaxPool2d(2))
        else:
            parts += [nn.Conv2d(channels, layer, size, padding=size // 2), nn.ReLU()]
            channels = layer
    parts.append(nn.Flatten())
    units = [flattened(image, layers, channels), *linear]
    for features, out in itertools.pairwise(units):
        parts += [nn.Linear(features, out), nn.ReLU()]
    return nn.Sequential(*parts[:-1])


def flattened(image, layers, channels):
    """How many numbers of an image are left behind the last pooling."""
    return channels * (image[1] // 2 ** layers.count("pool")) ** 2


def minicnn_step(image, size, layers, linear):
    """A function that does one step and returns the loss."""
    import numpy as np

    import minicnn
    from minicnn import nn, ops, optim

    net = sequential(nn, image, size, layers, linear)
    optimizer = optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    x, t = (minicnn.tensor(a) for a in batch(np, image))

    def step():
        loss = ops.cross_entropy(net(x), t)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step, minicnn.__version__


def torch_step(image, size, layers, linear):
    """The same in PyTorch."""
    import numpy as np
    import torch
    from torch import nn

    net = sequential(nn, image, size, layers, linear)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    x, t = (torch.from_numpy(a) for a in batch(np, image))

    def step():
        loss = nn.functional.cross_entropy(net(x), t)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step, torch.__version__


def dezero_step(image, size, layers, linear):
    """The same in DeZero."""
    from importlib.metadata import version

    import dezero.functions as F
    import dezero.layers as L
    import numpy as np
    from dezero import Model, optimizers

    class Net(Model):
        def __init__(self):
            super().__init__()
            for i, layer in enumerate(layers):
                if layer != "pool":
                    setattr(self, f"conv{i}", L.Conv2d(layer, kernel_size=size, pad=size // 2))
            for i, units in enumerate(linear):
                setattr(self, f"linear{i}", L.Linear(units))

        def forward(self, x):
            for i, layer in enumerate(layers):
                x = F.pooling(x, 2, 2) if layer == "pool" else F.relu(getattr(self, f"conv{i}")(x))
            x = F.reshape(x, (x.shape[0], -1))
            for i in range(len(linear)):
                x = getattr(self, f"linear{i}")(x)
                x = F.relu(x) if i < len(linear) - 1 else x
            return x

    net = Net()
    x, t = batch(np, image)
    optimizer = optimizers.MomentumSGD(lr=0.01, momentum=0.9).setup(net)

    def step():
        loss = F.softmax_cross_entropy(net(x), t)
        net.cleargrads()
        loss.backward()
        optimizer.update()
        return float(loss.data)

    return step, version("dezero")


def tinygrad_step(image, size, layers, linear):
    """The same in tinygrad, with its JIT."""
    from importlib.metadata import version

    import numpy as np
    from tinygrad import Context, Tensor, TinyJit, nn

    convolutions, channels = {}, image[0]
    for i, layer in enumerate(layers):
        if layer != "pool":
            convolutions[i] = nn.Conv2d(channels, layer, size, padding=size // 2)
            channels = layer
    units = [flattened(image, layers, channels), *linear]
    lines = [nn.Linear(a, b) for a, b in itertools.pairwise(units)]

    def forward(x):
        for i, layer in enumerate(layers):
            x = x.max_pool2d() if layer == "pool" else convolutions[i](x).relu()
        x = x.flatten(1)
        for i, line in enumerate(lines):
            x = line(x)
            x = x.relu() if i < len(lines) - 1 else x
        return x

    optimizer = nn.optim.SGD([p for part in (*convolutions.values(), *lines) for p in (part.weight, part.bias)], lr=0.01, momentum=0.9)
    x, t = (Tensor(a) for a in batch(np, image))

    @TinyJit
    def jitted(x, t):
        optimizer.zero_grad()
        loss = forward(x).sparse_categorical_crossentropy(t).backward()
        return loss.realize(*optimizer.schedule_step())

    def step():
        with Context(TRAINING=1):
            return jitted(x, t).item()

    return step, version("tinygrad")


def batch(np, image):
    """Images and labels, the same for all."""
    generator = np.random.default_rng(0)
    channels, size, count = image
    return generator.standard_normal((count, channels, size, size)).astype(np.float32), generator.integers(0, 10, count).astype(np.int64)


def serve(framework: str, name: str) -> None:
    """Answer each line "N" with the seconds that N steps take; first with the version, and the losses of the first steps."""
    step, version = globals()[f"{framework}_step"](*NETWORKS[name])
    for _ in range(5):
        loss = step()
    print(json.dumps({"version": version, "loss": loss}), flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            step()
        print(time.perf_counter() - start, flush=True)


def measure(name: str, pythons: dict[str, str]) -> dict[str, dict[str, object]]:
    """All frameworks on one network, in turns."""
    workers = {
        framework: subprocess.Popen([python, __file__, "--serve", framework, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for framework, python in pythons.items()
    }

    def ask(framework: str, steps: int) -> float:
        print(steps, file=workers[framework].stdin, flush=True)
        return float(workers[framework].stdout.readline()) / steps

    found = {framework: json.loads(worker.stdout.readline()) for framework, worker in workers.items()}
    steps = {framework: max(1, round(SECONDS / ask(framework, 2))) for framework in workers}
    times: dict[str, list[float]] = {framework: [] for framework in workers}
    for _ in range(ROUNDS):
        for framework in workers:
            times[framework].append(ask(framework, steps[framework]))
    for worker in workers.values():
        worker.stdin.close()
        worker.wait()
    for framework, seconds in times.items():
        ratios = sorted(theirs / ours for theirs, ours in zip(seconds, times["minicnn"], strict=True))
        found[framework] |= {"milliseconds": round(1000 * statistics.median(seconds), 2), "times_minicnn": round(statistics.median(ratios), 2), "from": round(ratios[1], 2), "to": round(ratios[-2], 2)}
    return found


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rival", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--serve", nargs=2)
    args = parser.parse_args()
    if args.serve:
        serve(*args.serve)
        return
    pythons = {"minicnn": sys.executable} | dict(rival.split("=", 1) for rival in args.rival)
    report = {"machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores, no GPU", "networks": {name: measure(name, pythons) for name in NETWORKS}}
    print(json.dumps(report, indent=1))
    if args.out:
        args.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
