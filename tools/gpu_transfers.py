"""What stands above the kernels, on a GPU: `python tools/gpu_transfers.py` or `gpu_session.py transfers`. Each check prints a line, and what is wrong.

    moved       tensors and networks go to the GPU and back, the optimiser's state with them; bfloat16 arrives as it was
    ahead       batches that the loader copies one ahead are whole, while the GPU is busy and memory is reused at once
    scaled      a network learns in float16 with a scaled loss, and a step that overflows is left out
    the same    the same training twice, in each precision, to the bit
"""

import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import minicnn
from minicnn import GradScaler, Tensor, nn, ops, optim
from minicnn.data import ArrayDataset, DataLoader

STEPS = 20
SIZE = 64  # of images in `ahead`
BUSY = 2048  # of the matrices that keep the GPU busy meanwhile


def network() -> nn.Sequential:
    """Always with the same weights."""
    minicnn.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 16, 3), nn.ReLU(), nn.Dropout(0.2),
        nn.Flatten(), nn.Linear(16 * 36, 4),
    )  # fmt: skip


def batch() -> tuple[np.ndarray, np.ndarray]:
    """Images of four kinds."""
    rng, labels = np.random.default_rng(0), np.arange(32) % 4
    return (rng.standard_normal((32, 3, 16, 16)) / 2 + rng.standard_normal((4, 3, 16, 16))[labels]).astype(np.float32), labels


def train(net: nn.Module, optimizer: optim.Optimizer, precision: str, count: int, scaler: GradScaler | None = None) -> list[float]:
    """The losses of so many steps on one batch."""
    images, labels = map(Tensor, batch())
    scaler = scaler or GradScaler(enabled=precision == "fp16")
    losses = []
    for _ in range(count):
        with minicnn.autocast(precision):
            loss = ops.cross_entropy(net(images), labels)
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        losses.append(loss.item())
    return losses


def moved() -> None:
    """See above."""
    with minicnn.use_backend("numpy"):
        net = network()
        optimizer = optim.Adam(net.parameters(), lr=1e-3)
        train(net, optimizer, "fp32", 1)
        x = Tensor([1.0, 0.1], requires_grad=True)
    net.to("cupy")
    train(net, optimizer, "fp32", 1)
    few = x.to("cupy").astype("bfloat16")
    expect(few.tolist() == [1.0, 0.10009765625], f"bfloat16 is {few.tolist()}")
    expect(repr(few.detach()) == "Tensor([1.        , 0.10009766], dtype=bfloat16)", f"its repr is {few.detach()!r}")
    (3 * few).astype("float32").sum().backward()
    expect(isinstance(x.grad, Tensor) and isinstance(x.grad.data, np.ndarray) and x.grad.tolist() == [3.0, 3.0], f"the gradient is {x.grad!r}")
    net.to("numba")
    with minicnn.use_backend("numba"):
        train(net, optimizer, "fp32", 1)
    minicnn.empty_cache()
    before = minicnn.memory_stats()
    kept = minicnn.ones(1 << 20)
    after = minicnn.memory_stats()
    expect(after["used"] - before["used"] == kept.data.nbytes, f"memory before {before}, after {after}")


def ahead() -> None:
    """See above."""
    images = np.random.default_rng(1).standard_normal((24 * 8, 3, SIZE, SIZE)).astype(np.float32)
    loader = DataLoader(ArrayDataset(images, np.arange(len(images))), 8)
    busy, sums = minicnn.randn(BUSY, BUSY), []
    for x, index in loader:
        product = ops.matmul(busy, busy)  # the GPU is still at it when the next batches are copied
        sums.append((index, (x + 0 * product[0, 0]).sum((1, 2, 3))))
        del x
    for index, total in sums:
        expected = images[index.numpy()].astype(np.float64).sum((1, 2, 3))
        error = np.abs(total.numpy() - expected).max()
        expect(bool(error < 1e-2), f"images {index.tolist()} are off by {error}")


def scaled() -> None:
    """See above."""
    net = network()
    losses = train(net, optim.SGD(net.parameters(), lr=0.03, momentum=0.9), "fp16", STEPS)
    expect(losses[-1] < 0.3 * losses[0], f"losses {losses[0]:.3f} ... {losses[-1]:.3f}")
    net, scaler = network(), GradScaler(init_scale=2.0**60)
    before = net.state_dict()["0.weight"]
    train(net, optim.SGD(net.parameters(), lr=0.1), "fp16", 1, scaler)
    expect(np.array_equal(net.state_dict()["0.weight"], before), "a step that overflows was taken")
    expect(scaler.get_scale() == 2.0**59, f"the scale is {scaler.get_scale()}")


def the_same() -> None:
    """See above."""
    for precision in ("fp32", "tf32", "bf16", "fp16"):
        found = []
        for _ in range(2):
            net = network()
            losses = train(net, optim.SGD(net.parameters(), lr=0.03, momentum=0.9), precision, STEPS // 2)
            found.append((losses, {name: array.tobytes() for name, array in net.state_dict().items()}))
        expect(found[0] == found[1], f"{precision}: losses {found[0][0][-1]} and {found[1][0][-1]}")


CHECKS: dict[str, Callable[[], None]] = {"moved": moved, "ahead": ahead, "scaled": scaled, "the same": the_same}


def expect(good: bool, what: str) -> None:
    """Stop the check if it is not so."""
    if not good:
        raise AssertionError(what)


def run(*_: Any) -> int:
    """All checks on the backend cupy; how many found something wrong."""
    failed = 0
    for name, check in CHECKS.items():
        try:
            with minicnn.use_backend("cupy"):
                check()
            print(f"{name}: fine", flush=True)
        except Exception:  # noqa: BLE001 - the next check is done all the same
            failed += 1
            print(f"{name}: {traceback.format_exc()}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(run())
