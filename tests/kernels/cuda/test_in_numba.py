"""The kernels in Python, in Numba's simulator; what is said where they cannot run; and that the page which compares them with C++ quotes both rightly."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minicnn.errors import BackendError

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[3]
FILES = {"cpp": ROOT / "kernels" / "cuda" / "in_numba.cu", "python": ROOT / "kernels" / "cuda" / "in_numba.py"}


def run(program, **environment):
    command = [sys.executable, "-W", "error", "-c", program]
    return subprocess.run(command, env=os.environ | environment, cwd=ROOT, check=False, capture_output=True, text=True)


def test_the_kernels_in_the_simulator_of_numba():
    ended = run((HERE / "numba_simulated.py").read_text(), NUMBA_ENABLE_CUDASIM="1")
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(
    ("old", "new"),
    [("        cuda.syncthreads()\n", ""), ("v > best or", "v >= best and"), ("if i < x.size:", "if i < x.size - 1:")],
)
def test_a_mistake_would_be_seen(old, new, tmp_path):
    text = FILES["python"].read_text()
    assert text.count(old) == 1
    (tmp_path / "mistaken.py").write_text(text.replace(old, new))
    program = (HERE / "numba_simulated.py").read_text().replace("from minicnn.kernels.cuda import in_numba", "import mistaken as in_numba")
    ended = run(program, NUMBA_ENABLE_CUDASIM="1", PYTHONPATH=str(tmp_path))
    assert ended.returncode == 1
    assert "AssertionError" in ended.stderr


def test_nothing_else_imports_numba_for_gpus():
    assert run("import sys, minicnn, minicnn.kernels.cuda.activation; print('numba.cuda' in sys.modules)").stdout == "False\n"


def test_what_is_said_without_a_gpu():
    from minicnn.kernels.cuda import in_numba

    if in_numba.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(BackendError, match="NUMBA_ENABLE_CUDASIM=1"):
        in_numba.relu_forward(np.ones(3))


def test_what_is_said_where_it_is_not_installed():
    ended = run("import sys; sys.modules['numba.cuda'] = None; import minicnn.kernels.cuda.in_numba")
    assert "BackendError" in ended.stderr
    assert "pip install numba-cuda" in ended.stderr


def test_the_page_quotes_the_files():
    page = (ROOT / "docs" / "cuda_in_numba.md").read_text()
    quotes = re.findall(r"^```(cpp|python) [^\n]*\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert len(quotes) == 6
    for language, quote in quotes:
        assert quote in FILES[language].read_text()
