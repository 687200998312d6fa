"""tools/gpu_session.py without a GPU: what happens when a process crashes, hangs or is lost, and what is kept of its work."""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from minicnn import kernels
from minicnn.bench.gpu import STANDARD
from minicnn.bench.gpu.rows import GpuRow
from minicnn.bench.workload import Workload
from minicnn.kernels.registry import Kernel
from minicnn.testing.cases import CASES
from tests import stand_in_cupy

TOOLS = Path(__file__).resolve().parents[1] / "tools"


@pytest.fixture(autouse=True)
def tools(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))


def script(path, text):
    path.write_text("import json, os, sys, time\n\ndef say(**line):\n    print(json.dumps(line), flush=True)\n\n" + text)
    return path


def test_a_case_that_kills_its_process_has_failed_and_the_next_are_checked(tmp_path, monkeypatch):
    import gpu_correctness

    script(tmp_path / "gpu_checks.py", """
say(source="cuda")
for k in range(int(sys.argv[-1]), 8):
    say(start=k, case=f"case {k}")
    if k == 2:
        os.abort()
    if k == 4:
        time.sleep(100)
    say(done=k, case=f"case {k}", about="x (3,)", wrong="y[0] is wrong" if k == 6 else "", errors={"float32": k / 1e9}, seconds=1)
    if k == 6:
        os._exit(3)
""")  # fmt: skip
    monkeypatch.setattr(gpu_correctness, "HERE", tmp_path)
    wrong = gpu_correctness.run(["relu"], ["values"], "cupy", tmp_path, workers=1, limit=60, each=2)
    text = (tmp_path / "correctness.txt").read_text()
    assert wrong == 3
    assert "5 cases right, 3 wrong" in text
    for part in ("case 2\nthe process ended with -6", "case 4\nthe process ended with stopped after 2 s", "case 6: x (3,)\ny[0] is wrong", "7e-09"):
        assert part in text


def test_a_process_that_comes_to_nothing_is_not_started_again(tmp_path, monkeypatch):
    import gpu_correctness

    script(tmp_path / "gpu_checks.py", "sys.exit('no GPU')")
    monkeypatch.setattr(gpu_correctness, "HERE", tmp_path)
    assert gpu_correctness.run(["relu"], ["values"], "cupy", tmp_path, workers=1, limit=60, each=9) == 1
    assert "the process did not come to it, 1: no GPU" in (tmp_path / "correctness.txt").read_text()


def wrong_relu(x):
    y = np.maximum(x, 0)
    if x.ndim:
        y[..., -1] += 1e-3  # the ragged end
    return y, y > 0


@pytest.mark.parametrize("check", ["values", "large"])
def test_a_wrong_kernel_is_found(check):
    import gpu_checks

    from minicnn.backend import get_backend

    right = kernels.find("relu", ["array"])
    kernel = Kernel("relu", "mine", wrong_relu, right.backward)
    found = {k.source: [getattr(gpu_checks, check)(draw(), k, get_backend("numpy")) for _, draw in gpu_checks.cases("relu", check)] for k in (right, kernel)}
    assert not any(findings.wrong for findings in found["array"])
    assert any("expected" in text for findings in found["mine"] for text in findings.wrong)


def test_every_operation_has_large_cases_that_are_its_own():
    import gpu_cases

    assert set(gpu_cases.LARGE) == set(kernels.OPS) == {op for op in CASES if op in kernels.OPS}
    assert all(build(np.random.default_rng(0)).op == op for op, builds in gpu_cases.LARGE.items() for build in builds[-1:])


CHILD = """
task = json.loads(sys.argv[1])
for number, row in enumerate(task["rows"]):
    say(machine={"date": "today", "minicnn": "1"})
    say(start=number)
    heat = {"name": "minicnn", "style": "eager", "is_rival": False, "error": "", "note": "", "memory": {}, "deviation": None, "deviates": False}
    say(heat={**heat, "images_per_second": {"median": 7.0}})
    print("a library says something")
    if row["batch_size"] == 2:
        print("CUDA error: an illegal memory access", file=sys.stderr)
        os._exit(3)
    if row["batch_size"] == 3:
        time.sleep(100)
    say(done=number, result={**row, "error": "", "heats": [heat | {"images_per_second": {"median": 9.0}}], "finals": []})
"""


def rows(*batches):
    return [GpuRow(Workload("LeNet5", (1, 32, 32), batch, "train"), "fp32").as_dict() for batch in batches]


def parent(tmp_path, given, *, limit=60.0, row_limit=3.0):
    import gpu_bench

    command = [sys.executable, str(script(tmp_path / "child.py", CHILD))]
    return gpu_bench.Parent(given, {}, tmp_path / "bench.json", time.perf_counter() + limit, row_limit, command=command).run()


def test_rows_go_on_after_a_crash_and_a_hanging_one(tmp_path, capsys):
    found = parent(tmp_path, rows(1, 2, 3, 4))
    assert json.loads((tmp_path / "bench.json").read_text()) == json.loads(json.dumps(found))
    assert [(row["batch_size"], row["heats"][0]["images_per_second"]["median"]) for row in found["rows"]] == [(1, 9), (2, 7), (3, 7), (4, 9)]
    assert [row["error"][:25] for row in found["rows"]] == ["", "the process ended with 3:", "stopped: it took too long", ""]
    assert "illegal memory access" in found["rows"][1]["error"]
    assert found["machine"]["date"] == "today"
    assert "illegal memory access" in capsys.readouterr().out


def test_when_the_time_is_over_what_was_found_is_kept(tmp_path, capsys):
    found = parent(tmp_path, rows(1, 3, 4), limit=3.0, row_limit=50.0)
    assert [row["error"] for row in found["rows"]] == ["", "stopped: the time was over"]
    assert "1 rows not measured" in capsys.readouterr().out


def test_what_must_be_compiled_is_found_without_compiling(monkeypatch):
    """On the simulator's arrays: every kernel of a step does nothing, and its module is noted."""
    import gpu_compile

    from minicnn.bench.gpu import own
    from minicnn.kernels.cuda import launch

    build = own.build
    monkeypatch.setattr(own, "build", lambda problem, precision: build(problem, precision, backend="cudasim"))
    before = launch._module
    keys = gpu_compile.collect([GpuRow(Workload("LeNet5", (1, 32, 32), 2, "train"), "fp32")])
    assert launch._module is before
    assert all(isinstance(key[0], str) for key in keys)
    assert len(set(keys)) == len(keys) > 0


def test_the_rows_that_options_leave(tmp_path, monkeypatch):
    import gpu_session

    seen = []
    monkeypatch.setitem(gpu_session.STEPS, "bench", lambda args: seen.extend(gpu_session.rows(args)) or 0)
    monkeypatch.setattr(sys, "argv", ["gpu_session.py", "bench", "--out", str(tmp_path), "--models", "ResNet18", "--mode", "train", "--precision", "bf16", "--batch", "64"])
    assert gpu_session.main() == 0
    assert [row.label for row in seen] == ["ResNet18 64x3x224x224 train bf16"]
    seen.clear()
    monkeypatch.setattr(sys, "argv", ["gpu_session.py", "bench", "--out", str(tmp_path)])
    gpu_session.main()
    assert tuple(seen) == STANDARD


def test_a_step_that_fails_does_not_stop_the_next(tmp_path, monkeypatch, capsys):
    import gpu_session

    def fail(args):
        raise RuntimeError("no driver")

    monkeypatch.setitem(gpu_session.STEPS, "bench", fail)
    monkeypatch.setitem(gpu_session.STEPS, "memory", lambda args: 0)
    monkeypatch.setattr(sys, "argv", ["gpu_session.py", "bench", "memory", "--out", str(tmp_path)])
    assert gpu_session.main() == 1
    out = capsys.readouterr().out
    assert "bench failed: RuntimeError: no driver" in out
    assert "== memory: 0 s" in out


def test_networks_are_compared_and_a_wrong_gradient_is_seen(monkeypatch):
    import gpu_networks

    code = "LeNet5(num_classes=5)"
    right = gpu_networks.step(code, "numpy", "float64")
    assert gpu_networks.compare(gpu_networks.step(code, "numpy", "float64"), right, each=True)[:2] == (0, 0)
    single, by = (gpu_networks.compare(gpu_networks.step(code, "numpy", "float32"), right, each=False), gpu_networks.moved(code, "float32", right))
    assert all(1e-9 < error < max(least, gpu_networks.TIMES * move) for error, least, move in zip(single, gpu_networks.LEAST, by, strict=False))
    assert by < gpu_networks.moved(code, "tf32", right) < (0.1, 0.1)
    checks = dict(gpu_networks.checks(code, "numpy"))
    assert checks["float32"]().startswith("loss ")
    monkeypatch.setattr(gpu_networks, "LEAST", (1e-12, 1e-12))
    monkeypatch.setattr(gpu_networks, "moved", lambda *given: (1e-12, 1e-12))
    assert checks["float32"]().startswith("WRONG loss ")
    name = next(name for name in right if name.startswith("d "))
    for wrong in ({**right, name: -right[name]}, {k: v for k, v in right.items() if k != name}, {**right, name: right[name] * np.nan}):
        assert gpu_networks.compare(wrong, right, each=True)[1] > 0.01
    losses = gpu_networks.losses(code, "numpy", None, recorded=False)
    assert losses[-1] < losses[0]
    assert losses == gpu_networks.losses(code, "numpy", None, recorded=True)


def test_transfers_on_a_stand_in(monkeypatch, capsys):
    """Those that take no training; the stand-in counts no memory."""
    import gpu_transfers

    stand_in_cupy.install_gpu(monkeypatch)
    counts = iter([0, 2**22])
    monkeypatch.setattr("minicnn.memory_stats", lambda: {"used": next(counts)})
    monkeypatch.setattr(gpu_transfers, "SIZE", 6)
    monkeypatch.setattr(gpu_transfers, "BUSY", 8)
    monkeypatch.setattr(gpu_transfers, "CHECKS", {"moved": gpu_transfers.moved, "ahead": gpu_transfers.ahead})
    assert gpu_transfers.run() == 0
    assert capsys.readouterr().out == "moved: fine\nahead: fine\n"
    monkeypatch.setattr("minicnn.data.ahead._Entry.copy", lambda self, stream: None)
    assert gpu_transfers.run() == 2, "moved has no more counts, and nothing is copied"
