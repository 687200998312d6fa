"""What the documents promise: their Python blocks run, their links lead somewhere, the README has its two commands."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minicnn import models
from minicnn.models import registry
from tests.forks import Server

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)\)")


def blocks():
    for path in DOCUMENTS:
        for i, code in enumerate(BLOCK.findall(path.read_text())):
            yield pytest.param(code, id=f"{path.relative_to(ROOT)}-{i}")


def anew(code, folder):
    """The same without forks."""
    result = subprocess.run([sys.executable, "-W", "error", "-c", code], check=False, cwd=folder, capture_output=True, text=True, timeout=120)
    return result.returncode, result.stderr


@pytest.fixture(scope="module")
def python():
    """Runs a text in a process of its own, in which `import numba` and `import minicnn` cost nothing; returns the exit code and what it says on its error stream."""
    if sys.platform != "linux":
        yield anew
        return
    server = Server(["-W", "error"], "import numba, minicnn", {"OPENBLAS_NUM_THREADS": "1", **os.environ})  # one that has threads cannot be forked

    def run(code, folder):
        with Path(os.devnull).open() as nothing, (folder / "printed").open("w") as printed, (folder / "errors").open("w") as errors:
            process = server.start(code, nothing, printed, errors, folder=folder)
            try:
                return process.wait(timeout=120), (folder / "errors").read_text()
            finally:
                process.kill()

    yield run
    server.close()


@pytest.mark.parametrize("code", list(blocks()))
def test_python_blocks_run(code, tmp_path, python):
    exit_code, errors = python(code, tmp_path)
    assert exit_code == 0, errors


@pytest.mark.parametrize(("code", "said"), [
    ("print(1)\nimport minicnn\nminicnn.nn.NoSuchLayer()", "line 3, in <module>\nAttributeError"), ("import warnings\nwarnings.warn('old')", "UserWarning: old"),
    ("minicnn", "NameError"), ("import sys\nsys.exit('said')", "said"),
], ids=range(4))  # fmt: skip
def test_a_block_that_fails_is_seen(code, said, tmp_path, python):
    exit_code, errors = python(code, tmp_path)
    assert exit_code == 1
    assert said in errors


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    for link in LINK.findall(path.read_text()):
        assert (path.parent / link).exists(), f"{path.name} links to {link}"


def test_the_readme_has_its_two_commands():
    promised = re.findall(r"^python3 -m venv .*$", (ROOT / "README.md").read_text(), re.MULTILINE)
    start = 'python3 -m venv .venv && .venv/bin/pip install -e ".[dev]" && .venv/bin/'
    assert promised == [start + "minicnn train", start + "pytest --gradcheck -n auto"]


def test_every_operation_has_its_page():
    families = {p.stem for p in (ROOT / "kernels" / "loops").glob("*.py")} - {"__init__"}
    pages = {p.stem for p in (ROOT / "docs" / "ops").glob("*.md")}
    assert families <= pages, families - pages


def test_every_network_and_its_file_are_on_the_page_of_networks():
    page = (ROOT / "docs" / "models.md").read_text()
    for name in models.list_models():
        assert re.search(rf"`{name}[`(]", page), name
        file = inspect.getsourcefile(registry._models[name])
        assert Path(file).name in page, file


def test_the_numbers_of_networks_in_the_documents_are_true():
    page, readme = (ROOT / "docs" / "models.md").read_text(), (ROOT / "README.md").read_text()
    rows = (ROOT / "tests" / "models" / "zoo_numbers.txt").read_text().strip().splitlines()
    assert f"of {len(rows)} networks and variants" in page
    assert f"same weights, {len(np.load(ROOT / 'tests' / 'models' / 'files' / 'reference_logits.npz').files)} networks" in page
    assert f"# one of {len(models.list_models())}: models.list_models()" in readme
