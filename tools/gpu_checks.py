"""Checks the kernels of one operation on a backend, one case after the other: `python tools/gpu_checks.py OP CHECK [--backend cupy] [--first K]`.

    values      small cases in float64 and float32 against the definition in `loops`, in every memory order, and which gradients are asked for
    large       cases as large as in a network, in float64 and float32 against `array` in float64 on the CPU
    sixteen     both kinds in float16 and bfloat16, against float64 on the same rounded numbers; only where the backend has a kernel of its own
    tf32        large cases of matrix products in float32, whose factors may be rounded to 11 bits
    captured    large cases in float32, recorded as a CUDA graph and replayed: nothing may wait for the GPU, and the numbers stay the same
    gradients   gradients against measured slopes, in float64

Each case is one line of JSON, written before it starts and again when it is done: whoever reads knows which case a crash belongs to. Memory that
a kernel gets on a GPU is filled with NaN first, so that what it forgets to write is seen.
"""

import argparse
import json
import os
import sys
import time
import traceback
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import gpu_cases
import numpy as np
from gpu_compute import SIXTEEN, Findings, Run, channels_last, compare, compute, given, reference, upstream

from minicnn import kernels
from minicnn.backend import Backend, get_backend, to_numpy, use_backend
from minicnn.kernels.cuda.precision import restore_precision, set_precision
from minicnn.kernels.types import Kernel
from minicnn.testing.cases import CASES, Case
from minicnn.testing.draw import RandomDraw
from minicnn.testing.gradcheck import gradcheck
from minicnn.testing.kernel_check import KINKED, rounded

CHECKS = ("values", "large", "sixteen", "tf32", "captured", "gradients")
PRODUCTS = ("conv2d", "linear")  # which tensor cores compute; not conv2d_relu, whose gradient jumps where rounding turns a sign
DRAWN = 12  # small cases of an operation
BROKEN = 3  # exit code: the GPU's context is lost, the next case needs a new process


def values(case: Case, kernel: Kernel, place: Backend) -> Findings:
    """Small cases: every order of memory, each gradient alone, and the same twice."""
    findings = Findings()
    expected = reference(case, "loops", given(case, "float64"), "float64")
    for dtype, limit in (("float64", 1e-11), ("float32", 2e-4)):
        arrays = given(case, dtype)
        orders = [(False, False), (True, True), (True, False), (False, True)]
        for how in [Run(dtype, last, dy_last) for last, dy_last in orders]:
            compare(compute(case, kernel, place, arrays, how), expected, how, limit, findings)
        for i, (name, x) in enumerate(arrays.items()):
            if x is not None and x.dtype.kind == "f" and name in case.inputs:
                how = Run(dtype, only=i)
                wanted = {key: r for key, r in expected.items() if key == f"d{name}" or key.startswith("y")}
                compare(compute(case, kernel, place, arrays, how), wanted, how, limit, findings)
        first, second = (compute(case, kernel, place, arrays, Run(dtype)) for _ in range(2))
        findings.wrong += [f"{dtype}: {name} is not the same twice" for name in first if not np.array_equal(first[name], second[name], equal_nan=True)]
    return findings


def large(case: Case, kernel: Kernel, place: Backend) -> Findings:
    """Large cases; float32 against float64 on the numbers that float32 can hold."""
    findings = Findings()
    for dtype, limit in (("float64", 1e-11), ("float32", 1e-4)):
        arrays = given(case, dtype)
        expected = reference(case, "array", arrays, dtype)
        for how in (Run(dtype), Run(dtype, last=True, dy_last=True)):
            compare(compute(case, kernel, place, arrays, how), expected, how, limit, findings)
        first, second = (compute(case, kernel, place, arrays, Run(dtype, True, True)) for _ in range(2))
        findings.wrong += [f"{dtype}: {name} is not the same twice" for name in first if not np.array_equal(first[name], second[name], equal_nan=True)]
    return findings


def sixteen(case: Case, kernel: Kernel, place: Backend) -> Findings:
    """16 bits: four units in the last place of the largest element. An intermediate result of 16 bits costs about one."""
    findings = Findings()
    for dtype, eps in SIXTEEN.items():
        arrays = given(case, dtype)
        expected = reference(case, "array", arrays, dtype)
        if dtype == "float16":  # it has no number above 65504
            expected = {name: np.where(np.abs(e) < 65520, e, np.copysign(np.inf, e)) for name, e in expected.items()}
        for how in (Run(dtype), Run(dtype, last=True, dy_last=True)):
            compare(compute(case, kernel, place, arrays, how), expected, how, 4 * eps, findings)
    return findings


def tf32(case: Case, kernel: Kernel, place: Backend) -> Findings:
    """Both factors are off by up to 2^-11 (as most tensor cores round them; 2^-10 if they cut)."""
    findings = Findings()
    arrays = given(case, "float32")
    expected = reference(case, "array", arrays, "float32")
    before = set_precision("tf32")
    try:
        for how in (Run("float32"), Run("float32", last=True, dy_last=True)):
            compare(compute(case, kernel, place, arrays, how), expected, how, 2.0**-9, findings)
    finally:
        restore_precision(before)
    return Findings(findings.wrong, {"tf32": findings.errors.get("float32", 0.0)})


def captured(case: Case, kernel: Kernel, place: Backend) -> Findings:
    """The forward and backward pass as a CUDA graph gives to the bit what they give when called."""
    xp, findings = place.xp, Findings()
    arrays = {name: None if x is None else place.asarray(x) for name, x in given(case, "float32").items()}
    first = next(iter(arrays))
    arrays[first] = channels_last(xp, arrays[first])
    needs = tuple(x is not None and x.dtype.kind == "f" and name in case.inputs for name, x in arrays.items())

    def passes(dy: Any) -> list[Any]:
        y, saved = kernel.forward(*arrays.values(), **case.attributes)
        outputs = y if isinstance(y, tuple) else (y,)
        dy = xp.ones_like(outputs[0]) if dy is None else dy
        return [*outputs, *(g for g in kernel.backward(dy, saved, needs=needs) if g is not None)]

    stream = xp.cuda.Stream(non_blocking=True)
    xp.cuda.runtime.deviceSynchronize()  # it does not wait for the stream in which the arrays are made
    with stream:
        y = passes(None)[0]
        dy = place.asarray(upstream(y.shape, "float32"))
        called = [to_numpy(result) for result in passes(dy)]
        stream.synchronize()
        stream.begin_capture()
        try:
            results = passes(dy)
        finally:
            graph = stream.end_capture()
        graph.launch(stream)
        graph.launch(stream)
        stream.synchronize()
        for number, (before, after) in enumerate(zip(called, map(to_numpy, results), strict=True)):
            if not np.array_equal(before, after, equal_nan=True):
                findings.wrong.append(f"result {number} of the graph differs from that of the call in {int((before != after).sum())} of {before.size} elements")
    return findings


def gradients(case: Case, kernel: Kernel | None, place: Backend) -> Findings:  # noqa: ARG001 - as the others are called
    """Every element of the gradients of a small case, or a sample, against slopes."""
    with use_backend(place.name):
        gradcheck(case.function, case.inputs, name=case.op or "operation")
    return Findings()


def cases(op: str, check: str) -> Iterator[tuple[str, Callable[[], Case]]]:
    """The cases of a check, as what to call them and how to draw them."""
    seeds = [1000 * k + zlib.crc32(op.encode()) % 1000 for k in range(DRAWN)]
    if check in ("values", "sixteen"):
        yield from ((f"drawn from seed {seed}", lambda seed=seed: CASES[op](RandomDraw(seed))) for seed in seeds)  # type: ignore[misc]
    if check == "gradients":
        for k in range(DRAWN):
            tied = op in KINKED and k % 3 == 2
            yield f"drawn from seed {k}{', rounded' * tied}", lambda k=k, tied=tied: (rounded if tied else _as_it_is)(CASES[op](RandomDraw(k)))  # type: ignore[misc]
    if check in ("large", "sixteen", "tf32", "captured"):
        for k, build in enumerate(gpu_cases.LARGE.get(op, [])):
            yield f"large {k}", lambda k=k, build=build: build(np.random.default_rng([k, 1]))  # type: ignore[misc]


def _as_it_is(case: Case) -> Case:
    return case


def describe(case: Case) -> str:
    """Shapes and attributes."""
    shapes = [f"{name} {None if x is None else x.shape}" for name, x in {**case.inputs, **case.constants}.items()]
    return ", ".join(shapes + [f"{name}={value}" for name, value in case.attributes.items()])


def poison(xp: Any) -> None:
    """From now on all memory comes filled with NaN."""
    pool = xp.get_default_memory_pool()

    def allocate(size: int) -> Any:
        memory = pool.malloc(size)
        if size:
            memory.memset_async(0xFF, size, xp.cuda.get_current_stream())
        return memory

    xp.cuda.set_allocator(allocate)


def broken(place: Backend) -> bool:
    """Whether nothing works any more, as after an access to memory that is not ours."""
    try:
        return float(place.xp.ones(3).sum()) != 3.0
    except Exception:  # noqa: BLE001 - whatever it is
        return True


def main() -> int:
    """Check one operation; a line of JSON before each case and after it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("op")
    parser.add_argument("check", choices=CHECKS)
    parser.add_argument("--backend", default="cupy")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    args = parser.parse_args()
    place = get_backend(args.backend)
    kernel = place.kernel(args.op) if args.op in kernels.OPS else None
    own = kernel is not None and kernel.source == "cuda"
    say({"source": kernel.source if kernel else "-"})
    if (args.check in ("sixteen", "tf32", "captured") and not own) or (args.check == "captured" and args.backend != "cupy"):
        return 0
    if args.check == "tf32" and args.op not in PRODUCTS:
        return 0
    if args.backend == "cupy":
        poison(place.xp)
    check = globals()[args.check]
    for number, (name, draw) in enumerate(cases(args.op, args.check)):
        if number < args.first:
            continue
        say({"start": number, "case": name})
        start, text, errors = time.perf_counter(), "", {}
        try:
            case = draw()
            text = describe(case)
            findings = check(case, kernel, place)
            wrong, errors = "\n".join(findings.wrong), findings.errors
        except Exception:  # noqa: BLE001 - whatever it is, the next case is checked, too
            wrong = traceback.format_exc(limit=-6)
        say({"done": number, "case": name, "about": text, "wrong": wrong, "errors": errors, "seconds": time.perf_counter() - start})
        if wrong and broken(place):
            return BROKEN
    return 0


def say(line: dict[str, Any]) -> None:
    """One line of JSON."""
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # a lost context can make the interpreter hang at its end
