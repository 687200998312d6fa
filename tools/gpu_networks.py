"""Whole networks on a GPU beside the CPU: `python tools/gpu_networks.py CODE [--backend cupy]` for one; `gpu_session.py networks` for all.

One training step in float64 on the GPU is compared with that of NumPy: the loss, every gradient, and the running statistics. In float32, tf32 and bf16 the loss
and all gradients together are. Then some steps of SGD with momentum are done twice, each operation called, and recorded by
`minicnn.compile_step`: the losses must be the same to the bit.
"""

import argparse
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import minicnn
from minicnn import Tensor, models, nn, optim
from minicnn.backend import to_numpy
from minicnn.models import auxiliary_cross_entropy

HERE = Path(__file__).resolve().parent
NETWORKS = {
    "LeNet5(num_classes=5)": (1, 32, 32),
    "VGG11(width=8, hidden=32, num_classes=5)": (3, 32, 32),
    "ResNet18(width=16, num_classes=5)": (3, 64, 64),
    "ResNet50(width=8, num_classes=5)": (3, 64, 64),
    "ResNet20(num_classes=5)": (3, 32, 32),
    "GoogLeNetBN(width=0.25, num_classes=5)": (3, 64, 64),
    "DenseNetCIFAR(22, 4, num_classes=5)": (3, 32, 32),
    "SqueezeNet1_1(width=16, num_classes=5)": (3, 63, 63),
    "MobileNetV2(width=0.25, num_classes=5)": (3, 64, 64),
    "ShuffleNetV1(width=0.25, num_classes=5)": (3, 64, 64),
    "EfficientNetB0(depth=0.3, width=0.25, num_classes=5)": (3, 64, 64),
}
BATCH, STEPS = 6, 5
LIMITS = {"float64": (1e-10, 1e-8), "float32": (1e-5, 5e-2), "tf32": (5e-3, 0.2), "bf16": (5e-2, 0.6)}
"""Of the loss and of gradients, relative: in float64 of each array, else of all gradients together. Those say little there: rounding turns some numbers over
to the other side of a ReLU, and NumPy's own gradients of MobileNetV2 in float32 are off by 1.5e-2. What is exact is checked in float64."""

ROUNDING = {"tf32": 2.0**-11, "bf16": 2.0**-8}

Found = dict[str, Any]


def network(code: str, dtype: str) -> nn.Module:
    """The network, always with the same weights, without randomness."""
    minicnn.manual_seed(1)
    with minicnn.use_backend("numpy"):
        model: nn.Module = eval(code, vars(models)).astype(dtype)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return model.train()


def batch(code: str, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Random images and labels."""
    rng = np.random.default_rng(7)
    return rng.standard_normal((BATCH, *NETWORKS[code])).astype(dtype), rng.integers(5, size=BATCH)


def step(code: str, backend: str, dtype: str, precision: str | None = None) -> Found:
    """One step forward and back: loss, gradients and buffers by name, in float64."""
    model, (images, labels) = network(code, dtype).to(backend), batch(code, dtype)
    with minicnn.use_backend(backend):
        with minicnn.autocast(precision):
            loss = auxiliary_cross_entropy(model(Tensor(images)), Tensor(labels))
        loss.backward()
    found = {"loss": loss, **{f"d {name}": p.grad for name, p in model.named_parameters() if p.grad is not None}, **dict(model.named_buffers())}
    return {name: to_numpy(value.data).astype(np.float64) for name, value in found.items()}


def off(a: np.ndarray, b: np.ndarray, size: float) -> float:
    """‖a - b‖ over the larger of ‖b‖ and `size`; infinite if something is not finite."""
    value = float(np.linalg.norm(a - b)) / max(float(np.linalg.norm(b)), size, 1e-30)
    return value if np.isfinite(value) else float("inf")


def compare(found: Found, right: Found, *, each: bool) -> tuple[float, float, str]:
    """The deviation of the loss, the largest other one, and of what; of gradients either each by itself, or all together."""
    if found.keys() != right.keys():
        return float("inf"), float("inf"), f"other gradients: {sorted(found.keys() ^ right.keys())[:4]}"
    loss = off(found["loss"], right["loss"], 0.0)
    gradients = [name for name in right if name.startswith("d ")]
    largest = max(float(np.linalg.norm(right[name])) for name in gradients)
    if each:
        floors = {name: 1e-2 * largest if name in gradients else 0.1 * right[name].size ** 0.5 for name in right}  # below which numbers count as 0
        return loss, *max((off(found[name], right[name], floors[name]), name) for name in right)
    together = (np.concatenate([side[name].ravel() for name in gradients]) for side in (found, right))
    return loss, off(*together, 0.0), "all gradients"


def losses(code: str, backend: str, precision: str | None, *, recorded: bool) -> list[float]:
    """Of some steps of SGD with momentum."""
    model, (images, labels) = network(code, "float32").to(backend), batch(code, "float32")
    optimizer = optim.SGD(model.parameters(), 0.01, momentum=0.9)
    with minicnn.use_backend(backend), minicnn.autocast(precision):
        x, target = Tensor(images), Tensor(labels)
        do: Callable[[], Any] = lambda: _called(model, optimizer, x, target)
        if recorded:
            compiled = minicnn.compile_step(model, auxiliary_cross_entropy, optimizer)
            do = lambda: compiled(x, target)
        return [float(do().item()) for _ in range(STEPS)]


def _called(model: nn.Module, optimizer: optim.SGD, x: Tensor, target: Tensor) -> Tensor:
    optimizer.zero_grad()
    loss = auxiliary_cross_entropy(model(x), target)
    loss.backward()
    optimizer.step()
    return loss


def checks(code: str, backend: str) -> Iterator[tuple[str, Callable[[], str]]]:
    """The checks of a network by name; each says what it found, and begins with WRONG if that is too much."""
    right = step(code, "numpy", "float64")
    enlarged = 0.0  # how many times the network enlarges float32's rounding

    def against(dtype: str, precision: str | None) -> str:
        nonlocal enlarged
        loss, worst, name = compare(step(code, backend, dtype, precision), right, each=dtype == "float64")
        if dtype == "float32" and precision is None:
            enlarged = worst * 2**24
        most = LIMITS[precision or dtype]
        if precision is not None:
            most = most[0], max(most[1], 4 * enlarged * ROUNDING[precision])
        return f"{'' if loss <= most[0] and worst <= most[1] else 'WRONG '}loss {loss:.0e}, {name} {worst:.0e}"

    def twice(precision: str | None) -> str:
        one, two = (losses(code, backend, precision, recorded=recorded) for recorded in (False, True))
        return f"same {one[-1]:.4f}" if one == two else f"WRONG called {one}, recorded {two}"

    for dtype, precision in (("float64", None), ("float32", None), ("float32", "tf32"), ("float32", "bf16")):
        yield precision or dtype, lambda dtype=dtype, precision=precision: against(dtype, precision)  # type: ignore[misc]
    for precision in (None, "bf16"):
        yield f"recorded {precision or 'fp32'}", lambda precision=precision: twice(precision)  # type: ignore[misc]


def main() -> int:
    """One network: a line for each check."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("code", choices=NETWORKS)
    parser.add_argument("--backend", default="cupy")
    args = parser.parse_args()
    wrong = False
    for name, check in checks(args.code, args.backend):
        start = time.perf_counter()
        try:
            said = check()
        except Exception:  # noqa: BLE001 - the other checks are made, too
            said = "WRONG " + traceback.format_exc(limit=-6)
        wrong |= said.startswith("WRONG")
        print(f"{args.code.partition('(')[0]:<16} {name:<14} {said} ({time.perf_counter() - start:.1f} s)", flush=True)
    return int(wrong)


def run(backend: str, out: Path, *, workers: int, limit: float) -> int:
    """All networks, each in a process of its own; returns how many have something wrong."""

    def one(code: str) -> tuple[bool, str]:
        command = [sys.executable, str(HERE / "gpu_networks.py"), code, "--backend", backend]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
        except subprocess.TimeoutExpired as late:
            text = late.stdout.decode() if isinstance(late.stdout, bytes) else late.stdout or ""
            return True, f"{text}{code}: WRONG stopped after {limit:.0f} s\n"
        return done.returncode != 0, done.stdout + (f"{code}: WRONG ended with {done.returncode}: {done.stderr[-600:]}\n" if done.returncode not in (0, 1) or not done.stdout else "")

    with ThreadPoolExecutor(workers) as pool:
        found = list(pool.map(one, NETWORKS))
    text = "".join(said for _, said in found)
    (out / "networks.txt").write_text(text)
    print("\n".join(line[:300] for line in text.splitlines()), flush=True)
    return sum(wrong for wrong, _ in found)


if __name__ == "__main__":
    sys.exit(main())
