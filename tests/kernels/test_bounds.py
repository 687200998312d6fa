"""No kernel reads or writes beside its arrays: `guarded.py` runs them where the system would notice."""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.skipif(sys.platform == "win32", reason="memory is protected by mprotect, which Windows does not have")
@pytest.mark.parametrize("side", ["begin", "end"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nothing_beside_the_arrays_is_touched(dtype, side):
    ended = subprocess.run([sys.executable, str(HERE / "guarded.py"), dtype, side], capture_output=True, text=True, check=False)
    last = ended.stdout.strip().splitlines()[-1:]
    assert ended.returncode == 0, f"ended with {ended.returncode} in {last}\n{ended.stderr[-2000:]}"
    assert ended.stdout.count("conv2d") > 100
