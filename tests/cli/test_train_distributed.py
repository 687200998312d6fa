"""`mpiexec -n N minicnn train --distributed`: what is written, what happens when a worker dies, and how to go on."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from minicnn.cli.train import _as_before
from minicnn.distributed import mpi
from minicnn.io import load_checkpoint
from minicnn.train import RunFolder, read_log
from tests.distributed.ranks import command

QUICK = ("--threads", "1", "--dataset", "digits", "--model", "LeNet5", "--batch-size", "96", "--seed", "2")
SECONDS = 120


def start(ranks, *arguments, launch=(), **options):
    line = command(ranks, "-m", "minicnn", "train", "--distributed", *arguments)
    return subprocess.Popen([line[0], *launch, *line[1:]], **{"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True} | options)


def train(ranks, *arguments):
    """Exit code and what was said."""
    process = start(ranks, *arguments)
    said = process.communicate(timeout=SECONDS)[0]
    return process.returncode, said


def worker(out, rank):
    """The process of a rank: the one with this run on its command line and this number in its environment."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if words[0] == sys.executable.encode() and str(out).encode() in words and f"PMI_RANK={rank}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                return int(folder.name)
    return None


def until(found, what):
    end = time.monotonic() + SECONDS
    while not (answer := found()):
        assert time.monotonic() < end, what
        time.sleep(0.05)
    return answer


def steps(out):
    log = Path(out, "log.jsonl")
    return [line["step"] for line in read_log(log) if line["kind"] == "step"] if log.exists() else []


def killed(out, rank, number, **options):
    """Start a run of two workers, and end one of them when the first epoch is over, or for None the launcher; code and output."""
    process = start(2, *QUICK, "--epochs", "3", "--out", str(out), **options)
    until(lambda: Path(out, "held_out.json").exists(), "the first epoch ends")
    os.kill(process.pid if rank is None else until(lambda: worker(out, rank), "there is such a worker"), number)
    said = process.communicate(timeout=SECONDS)[0]
    return process.returncode, said


def history(out):
    return [(e["train_loss"], e["test_loss"], e["test_accuracy"]) for e in load_checkpoint(Path(out, "checkpoint.safetensors"))["history"]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Three epochs by two workers, without a break."""
    out = tmp_path_factory.mktemp("whole") / "run"
    code, said = train(2, *QUICK, "--epochs", "3", "--out", out)
    assert code == 0, said
    return out, said


def test_one_of_them_writes_and_speaks_for_all(whole):
    out, said = whole
    assert said.count("2 workers, backend numba") == 1
    assert [line.split()[1] for line in said.splitlines() if line.startswith("epoch")] == ["1/3", "2/3", "3/3"]
    lines = list(read_log(out / "log.jsonl"))
    assert [line["kind"] for line in lines].count("run") == [line["kind"] for line in lines].count("end") == 1
    assert lines[0]["workers"] == 2
    confusion = json.loads((out / "held_out.json").read_text())["confusion"]
    assert sum(map(sum, confusion)) == 360


def test_one_worker_with_the_same_batches_has_the_same_losses(whole, tmp_path):
    code, said = train(1, *QUICK, "--epochs", "3", "--out", tmp_path / "run")
    assert code == 0, said
    assert "One worker: mpiexec -n 4 in front of the command starts four." in said
    np.testing.assert_allclose(history(tmp_path / "run"), history(whole[0]), rtol=2e-4)


@pytest.mark.parametrize("rank", [1, 0], ids=["a worker", "the first worker"])
def test_a_death_ends_the_job_with_one_line_and_it_can_go_on_with_two_or_one(rank, whole, tmp_path):
    out = tmp_path / "run"
    before = set(Path("/dev/shm").glob("mpich_*"))
    code, said = killed(out, rank, signal.SIGKILL if rank else signal.SIGTERM)
    assert code != 0
    lines = [line for line in said.splitlines() if line.startswith("minicnn:")]
    assert len(lines) == 1, said
    assert set(Path("/dev/shm").glob("mpich_*")) <= before, "MPI leaves its memory behind"
    assert re.match(rf"minicnn: worker {rank} of 2 \(process \d+ on \S+\) has died, and the job with it\. Go on from the last checkpoint, if there is one yet: ", lines[0])
    assert lines[0].endswith(f"mpiexec -n 2 minicnn train --distributed --resume {out}")
    until(lambda: worker(out, 0) is None and worker(out, 1) is None, "nobody is left")
    code, said = train(2 if rank else 1, "--resume", out)
    assert code == 0, said
    assert ("in each of its workers, 2 in all" in said) == (rank == 0), "it says so where the number of workers is another"
    if rank:
        assert history(out) == history(whole[0])
    else:
        np.testing.assert_allclose(history(out), history(whole[0]), rtol=2e-4)


TWO_MACHINES = ("-launcher", "fork", "-hosts", "one,another", "-ppn", "1")  # as MPI sees them: in truth both are this one


@pytest.mark.parametrize("rank", [1, 0])
@pytest.mark.parametrize("into_a_file", [False, True])
def test_a_death_on_one_of_two_machines_is_said_although_the_launcher_s_helpers_die_of_it(rank, into_a_file, tmp_path):
    before = set(Path("/dev/shm").glob("mpich_*"))
    with Path(tmp_path, "errors").open("w") as file:
        code, said = killed(tmp_path / "run", rank, signal.SIGKILL, launch=TWO_MACHINES, **({"stderr": file} if into_a_file else {}))
    if into_a_file:
        said = until(lambda: "minicnn:" in (text := Path(tmp_path, "errors").read_text()) and text, "it is said when the launcher writes no more")
    assert code != 0
    assert said.count(f"minicnn: worker {rank} of 2 (process ") == said.count("minicnn:") == 1, said
    until(lambda: set(Path("/dev/shm").glob("mpich_*")) <= before, "MPI leaves nothing behind")


def test_the_launcher_is_killed_and_the_run_goes_on(whole, tmp_path):
    out = tmp_path / "run"
    code, _ = killed(out, None, signal.SIGKILL)
    assert code == -signal.SIGKILL
    until(lambda: worker(out, 0) is None and worker(out, 1) is None, "nobody is left")
    code, said = train(2, "--resume", out)
    assert code == 0, said
    assert history(out) == history(whole[0])


def test_ctrl_c_ends_all_after_the_step_and_keeps_the_state(whole, tmp_path):
    out = tmp_path / "run"
    process = start(2, *QUICK, "--epochs", "3", "--out", str(out))
    until(lambda: steps(out), "the first step")
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=SECONDS)[0]
    assert process.returncode == 130, said
    assert f"go on: mpiexec -n 2 minicnn train --distributed --resume {out}" in said
    assert "has died" not in said
    code, said = train(2, "--resume", out)
    assert code == 0, said
    assert history(out) == history(whole[0])


WRITES_AFTER_THE_OTHER_IS_DONE = """
import sys, time
from argparse import Namespace
from pathlib import Path
from minicnn.cli.job import job

with job(Namespace(backend="numpy", threads=1, thread_order=None)) as together:
    if together.is_first:
        time.sleep(1)
        Path(sys.argv[1]).write_text("whole")
sys.exit(130 if Path(sys.argv[1]).exists() else "left before the other was done")
"""


def test_nobody_leaves_before_those_that_write_are_done(tmp_path):
    """After Ctrl-C all end with an error code, and the launcher may end all others as soon as one of them has."""
    done = subprocess.run(command(2, "-c", WRITES_AFTER_THE_OTHER_IS_DONE, tmp_path / "state"), capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 130, done.stderr
    assert (tmp_path / "state").read_text() == "whole"


@pytest.mark.parametrize(
    ("option", "sentence"),
    [(("--model", "LeNet55"), "unknown model 'LeNet55'"), (("--backend", "nunba"), "unknown backend 'nunba'"), (("--bad",), "unrecognized arguments: --bad")],
)
def test_an_error_that_all_have_is_said_once(option, sentence):
    code, said = train(2, *option)
    assert code != 0
    assert said.count("minicnn:") == said.count(sentence) == 1
    assert "Traceback" not in said


def test_without_the_option_each_is_told_that_it_would_train_for_itself(tmp_path):
    line = command(2, "-m", "minicnn", "train", *QUICK, "--out", tmp_path / "run")
    done = subprocess.run(line, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode != 0
    assert done.stderr.count("minicnn:") == 1
    assert "mpiexec has started this command 2 times, and each would train for itself: add --distributed" in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        (["--epochs", "2"], "minicnn: the workers do not begin alike: the settings of one differ from those of the first"),
        (["--backend", "nunba"], "minicnn: worker 1: unknown backend 'nunba'"),
        (["--recipe", "nothing.toml"], "minicnn: worker 1: "),
        (["--bad"], "minicnn: unrecognized arguments: --bad"),
        (["--backend", "numpy"], "minicnn: the workers do not begin alike: the backends of one differ"),
    ],
)
def test_an_error_of_one_ends_the_others(option, sentence, tmp_path):
    """The second worker has another command line: an error before it meets the others, or with them."""
    line = command(1, "-m", "minicnn", "train", "--distributed", *QUICK, "--out", tmp_path / "a")
    done = subprocess.run([*line, ":", *line[1:], *option], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode != 0
    assert done.stderr.count("minicnn:") == 1
    assert "Traceback" not in done.stderr
    assert sentence in done.stderr
    assert not (tmp_path / "a" / "checkpoint.safetensors").exists()


def test_a_batch_that_cannot_be_shared_out_is_refused_and_leaves_no_folder(tmp_path):
    code, said = train(2, *QUICK, "--batch-size", "1", "--out", tmp_path / "run")
    assert code == 2
    assert "a batch of 1 images cannot be shared out among 2 workers" in said
    assert "give --batch-size 2 or more" in said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("size", "threads"), [(3, 5), (2, None)])
def test_a_run_that_goes_on_has_the_backend_it_had_and_the_threads_if_there_are_as_many_workers(size, threads, tmp_path, monkeypatch):
    """Which must be known before the workers share the machine."""
    folder = RunFolder.new(tmp_path / "run")
    folder.log_settings({"backend": "loops"}, workers=3, threads=5)
    monkeypatch.setattr(mpi, "MPICommunicator", lambda: SimpleNamespace(size=size))
    args = Namespace(resume=folder.path, backend=None, threads=None)
    _as_before(args)
    assert (args.backend, args.threads) == ("loops", threads)
    args = Namespace(resume=folder.path, backend="numpy", threads=7)
    _as_before(args)
    assert (args.backend, args.threads) == ("numpy", 7), "what is said prevails"
    args = Namespace(resume=tmp_path / "nowhere", backend=None, threads=None)
    _as_before(args)
    assert args.backend is None, "that there is no run is said later"


def test_a_launcher_of_another_mpi_is_noticed(tmp_path):
    """Its processes would each be the only one, and write over each other."""
    done = subprocess.run(
        [sys.executable, "-m", "minicnn", "train", "--distributed"], env={**os.environ, "OMPI_COMM_WORLD_SIZE": "4"}, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 2
    assert "minicnn: 4 processes were started, but mpi4py sees 1: this mpiexec belongs to another MPI" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_mpi4py_it_says_how_to_get_it(tmp_path):
    code = "import sys; sys.modules['mpi4py'] = None; from minicnn.cli import main; sys.exit(main(['train', '--distributed']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "more than one worker needs mpi4py" in done.stderr
    assert '-e ".[distributed]"' in done.stderr
