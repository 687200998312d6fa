"""Every check of every operation, many processes at once, and a table of what failed. Called by `gpu_session.py correctness`.

A process checks one operation in one way (see `gpu_checks.py`). If it crashes, loses the GPU's context or takes too long, the case that it was at
has failed, and a new process goes on with the next one.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gpu_checks

from minicnn import kernels
from minicnn.testing.cases import CASES

HERE = Path(__file__).resolve().parent
RESTARTS = 4  # of one operation and check
LONGEST_FIRST = ("conv2d", "conv2d_relu", "batch_norm", "batch_norm_relu", "avg_pool2d", "max_pool2d", "group_norm")
TYPES = ("float64", "float32", "tf32", "float16", "bfloat16")
SHOWN, SHOWN_LINES = 12, 5  # failures on the screen, and lines of each; the file has all


@dataclass
class Outcome:
    """One operation, one check.

    Attributes:
        op, check: which.
        source: the folder that the kernel is from; "?" if no process got that far.
        passed: cases without a fault.
        failures: for each other case, what it was and what was wrong.
        errors: the largest relative error by element type.
        seconds: altogether.
    """

    op: str
    check: str
    source: str = "?"
    passed: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)
    errors: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0


def run(ops: Sequence[str], checks: Sequence[str], backend: str, out: Path, *, workers: int, limit: float, each: float) -> int:
    """Check everything within `limit` seconds, `each` seconds at most for one process. Returns how many cases failed."""
    start = time.perf_counter()
    jobs = [(op, check) for check in checks for op in _operations(check, kernels.OPS, tuple(CASES)) if not ops or op in ops]
    jobs.sort(key=lambda job: job[0] not in LONGEST_FIRST)
    outcomes: list[Outcome] = []
    lock = threading.Lock()

    def one(job: tuple[str, str]) -> None:
        outcome = _outcome(*job, backend, start + limit, each, Path(folder))
        with lock:
            outcomes.append(outcome)
            (out / "correctness.txt").write_text("\n".join(report(outcomes, len(jobs), time.perf_counter() - start, everything=True)) + "\n")

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        list(pool.map(one, jobs))
    print("\n".join(report(outcomes, len(jobs), time.perf_counter() - start, everything=False)), flush=True)
    return sum(len(outcome.failures) for outcome in outcomes)


def _operations(check: str, with_kernels: Sequence[str], everything: Sequence[str]) -> Sequence[str]:
    """Which operations a check is for."""
    return {"gradients": everything, "tf32": gpu_checks.PRODUCTS}.get(check, with_kernels)


def _outcome(op: str, check: str, backend: str, deadline: float, each: float, folder: Path) -> Outcome:
    """Processes, until all cases are through."""
    outcome, first, begun = Outcome(op, check), 0, time.perf_counter()
    for attempt in range(RESTARTS + 1):
        left = min(each, deadline - time.perf_counter())
        if left <= 0:
            outcome.failures.append((f"case {first} and all after it", "the time was over"))
            break
        path = folder / f"{op}.{check}.{attempt}"
        with path.with_suffix(".log").open("w") as log, path.with_suffix(".err").open("w") as err:
            command = [sys.executable, str(HERE / "gpu_checks.py"), op, check, "--backend", backend, "--first", str(first)]
            try:
                code: int | str = subprocess.run(command, stdout=log, stderr=err, timeout=left, check=False, env=environment()).returncode
            except subprocess.TimeoutExpired:
                code = f"stopped after {left:.0f} s"
        lines = _lines(path.with_suffix(".log"))
        done = _enter(outcome, lines)
        if code == 0:
            break
        started = max((line["start"] for line in lines if "start" in line), default=first - 1)
        if started >= first and started not in done:
            name = next(line["case"] for line in lines if line.get("start") == started)
            outcome.failures.append((name, f"the process ended with {code}: {tail(path.with_suffix('.err'))}"))
        elif started < first:
            outcome.failures.append((f"case {first}", f"the process did not come to it, {code}: {tail(path.with_suffix('.err'))}"))
            break
        first = started + 1
    outcome.seconds = time.perf_counter() - begun
    return outcome


def _enter(outcome: Outcome, lines: list[dict[str, Any]]) -> set[int]:
    """Put the lines of a process into the outcome; returns the numbers of the cases that are done."""
    for line in lines:
        outcome.source = line.get("source", outcome.source)
        if "done" not in line:
            continue
        if line["wrong"]:
            outcome.failures.append((f"{line['case']}: {line['about']}", line["wrong"]))
        else:
            outcome.passed += 1
        for dtype, error in line["errors"].items():
            outcome.errors[dtype] = max(outcome.errors.get(dtype, 0.0), error)
    return {line["done"] for line in lines if "done" in line}


def _lines(path: Path) -> list[dict[str, Any]]:
    """The lines of JSON; a last one that was cut off is left out."""
    found = []
    for text in path.read_text().splitlines():
        try:
            found.append(json.loads(text))
        except ValueError:
            continue
    return found


def tail(path: Path, lines: int = 6) -> str:
    """The end of a file."""
    return "\n".join(path.read_text(errors="replace").strip().splitlines()[-lines:])


def environment() -> dict[str, str]:
    """For a process that does one thing, beside others: one thread, this checkout, no waiting for output."""
    path = os.pathsep.join([str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def report(outcomes: Sequence[Outcome], jobs: int, seconds: float, *, everything: bool) -> list[str]:
    """The table by operation, and the failures."""
    lines = [f"correctness: {len(outcomes)} of {jobs} checks done in {seconds:.0f} s; {sum(o.passed for o in outcomes)} cases right, {sum(len(o.failures) for o in outcomes)} wrong"]
    checks = list(dict.fromkeys(o.check for o in sorted(outcomes, key=lambda o: o.check)))
    by = {(o.op, o.check): o for o in outcomes}
    own = [op for op in dict.fromkeys(o.op for o in outcomes) if any((op, c) in by and by[op, c].source not in ("-", "?") for c in checks)]
    rows = [("operation", "from", *checks, *TYPES, "s")]
    for op in own:
        found = [by[op, c] for c in checks if (op, c) in by]
        errors = [max((o.errors.get(t, 0.0) for o in found), default=0.0) for t in TYPES]
        cells = [_cell(by.get((op, c))) for c in checks]
        rows.append((op, found[0].source, *cells, *(f"{e:.0e}" if e else "" for e in errors), f"{max(o.seconds for o in found):.0f}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines += ["  ".join(text.ljust(w) for text, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    others = [o for o in outcomes if o.op not in own]
    if others:
        lines.append(f"without kernels: {sum(not o.failures for o in others)} of {len(others)} operations right")
    failures = [(o, name, text) for o in sorted(outcomes, key=lambda o: (o.op, o.check)) for name, text in o.failures]
    firsts = list({(o.op, o.check): (o, name, text) for o, name, text in reversed(failures)}.values())[::-1]
    for o, name, text in failures if everything else firsts[:SHOWN]:
        lines.append(f"\n--- {o.op} ({o.source}) {o.check}: {name}")
        lines += text.splitlines() if everything else [line[:220] for line in text.splitlines()[-SHOWN_LINES:]]
    return lines


def _cell(outcome: Outcome | None) -> str:
    """Such as "12" or "10, 2 WRONG"."""
    if outcome is None:
        return "."
    return f"{outcome.passed}" + (f", {len(outcome.failures)} WRONG" if outcome.failures else "")
