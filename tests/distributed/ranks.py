"""A function run by several workers of an MPI job, and what each returned."""

import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
MPIEXEC = Path(sys.executable).with_name("mpiexec")
SECONDS = 120


def command(ranks, *arguments):
    """A command line that starts so many processes of this Python."""
    return [str(MPIEXEC), "-n", str(ranks), sys.executable, *map(str, arguments)]


def run_ranks(ranks, name, *arguments, seconds=SECONDS):
    """`name(communicator, *arguments)`, a function of tests/distributed/programs.py, on each of so many workers; the list of what they returned."""
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder, "task")
        task.write_bytes(pickle.dumps((name, arguments)))
        done = subprocess.run(command(ranks, HERE / "programs.py", task), capture_output=True, text=True, timeout=seconds, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return [pickle.loads(Path(folder, f"result-{rank}").read_bytes()) for rank in range(ranks)]
