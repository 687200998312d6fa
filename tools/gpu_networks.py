"""Whole networks on a GPU beside the CPU: `python tools/gpu_networks.py CODE [--backend cupy]` for one; `gpu_session.py networks` for all.

One training step in float64 on the GPU is compared with that of NumPy: the loss, every gradient, and the running statistics. In float32, tf32 and bf16 the loss
and all gradients together are. Then some steps of SGD with momentum are done twice, each operation called, and recorded by
`minicnn.compile_step`: the losses must be the same to the bit.
"""

import argparse
import functools
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
EXACT = 1e-10, 1e-8  # relative deviations in float64: of the loss, and of each gradient and running statistic
ROUNDING = {"float32": 2.0**-24, "tf32": 2.0**-11, "bf16": 2.0**-8}
LEAST, TIMES, DRAWS = (1e-6, 1e-5), 8, 10
"""In fewer digits the loss, and all gradients together, may deviate by `LEAST`, or by so many times what rounding does to the network itself: it is computed in
float64, with every input, weight and output of a layer shaken at random by half a unit in the last of those digits. That may be much, for rounding turns numbers over to the other
side of a ReLU: gradients of MobileNetV2 move by 2 % in float32, and those of ResNet50 by 80 % in tf32. What is exact is checked in float64."""

Found = dict[str, Any]
Shake = Callable[[Any], Any]


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


def step(code: str, backend: str, dtype: str, precision: str | None = None, shake: Shake | None = None) -> Found:
    """One step forward and back: loss, gradients and buffers by name, in float64."""
    model, (images, labels) = network(code, dtype).to(backend), batch(code, dtype)
    if shake is not None:
        images = shake(images)
        shake_layers(model, shake)
    with minicnn.use_backend(backend):
        with minicnn.autocast(precision):
            loss = auxiliary_cross_entropy(model(Tensor(images)), Tensor(labels))
        loss.backward()
    found = {"loss": loss, **{f"d {name}": p.grad for name, p in model.named_parameters() if p.grad is not None}, **dict(model.named_buffers())}
    return {name: to_numpy(value.data).astype(np.float64) for name, value in found.items()}


def shake_layers(model: nn.Module, shake: Shake) -> None:
    """Shake the weights, and from now on what each layer puts out."""
    for parameter in model.parameters():
        parameter.data = shake(parameter.data)
    for layer in model.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear, nn.BatchNorm2d)):
            layer.forward = functools.partial(_shaken, layer.forward, shake)  # type: ignore[method-assign]


def _shaken(forward: Callable[[Tensor], Tensor], shake: Shake, x: Tensor) -> Tensor:
    y = forward(x)
    return y * Tensor(shake(np.ones(y.shape)))


def moved(code: str, precision: str, right: Found) -> tuple[float, float]:
    """How far rounding to so few digits moves the loss and the gradients of a network, at most."""
    found = []
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        shake = lambda x, rng=rng: x * (1 + ROUNDING[precision] * rng.uniform(-1, 1, x.shape))
        found.append(compare(step(code, "numpy", "float64", shake=shake), right, each=False)[:2])
    loss, gradients = np.max(found, axis=0)
    return float(loss), float(gradients)


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

    def exactly() -> str:
        loss, worst, name = compare(step(code, backend, "float64"), right, each=True)
        return f"{'' if loss <= EXACT[0] and worst <= EXACT[1] else 'WRONG '}loss {loss:.0e}, {name} {worst:.0e}"

    def rounded(precision: str) -> str:
        loss, gradients, _ = compare(step(code, backend, "float32", None if precision == "float32" else precision), right, each=False)
        most = [max(least, TIMES * by) for least, by in zip(LEAST, moved(code, precision, right), strict=True)]
        wrong = not (loss <= most[0] and gradients <= most[1])
        return f"{'WRONG ' if wrong else ''}loss {loss:.0e} (at most {most[0]:.0e}), all gradients {gradients:.0e} (at most {most[1]:.0e})"

    def twice(precision: str | None) -> str:
        one, two = (losses(code, backend, precision, recorded=recorded) for recorded in (False, True))
        return f"same {one[-1]:.4f}" if one == two else f"WRONG called {one}, recorded {two}"

    yield "float64", exactly
    for name in ROUNDING:
        yield name, functools.partial(rounded, name)
    for precision in (None, "bf16"):
        yield f"recorded {precision or 'fp32'}", functools.partial(twice, precision)


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
