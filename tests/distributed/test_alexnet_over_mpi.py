"""AlexNet on two processes of an MPI job: tools/alexnet_two_workers.py says that it is the network in one process."""

import re
import subprocess
from pathlib import Path

from minicnn.distributed import alexnet_traffic
from tests.distributed.ranks import command

ROOT = Path(__file__).resolve().parents[2]
TOOL = "tools/alexnet_two_workers.py"


def test_two_processes_compute_what_one_does():
    done = subprocess.run(command(2, TOOL), capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    head, loss, scores, gradients, _, _, *table, _, verdict = done.stdout.splitlines()
    assert head == "2 workers, 2 images, float64"
    assert len(set(re.findall(r"\d+\.\d+", loss))) == 1
    for line in (scores, gradients):
        assert float(re.search(r"differ by (\S+)", line)[1]) < 1e-10
    assert gradients.startswith("gradients of 16 parameters")
    on_paper = alexnet_traffic(2, channels=(6, 16, 24, 24, 16), hidden=32, num_classes=6, itemsize=8)
    assert "\n".join(table) == on_paper.table()
    assert verdict == "as on paper"
