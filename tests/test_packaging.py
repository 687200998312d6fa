"""The layout: setup.cfg against the tree, what `import minicnn` pulls in, and that there is one copy of the kernels."""

import configparser
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import minicnn.kernels

ROOT = Path(__file__).resolve().parents[1]


def run(code, cwd="/", env=None):
    return subprocess.run([sys.executable, "-c", code], check=False, cwd=cwd, env=env, capture_output=True, text=True, timeout=60)


def test_setup_cfg_lists_every_package():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = set(config["options"]["packages"].split())
    found = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in (ROOT / "minicnn").rglob("__init__.py")
        if "kernels" not in path.parts
    }
    found |= {"minicnn." + ".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "kernels").rglob("__init__.py")}
    assert listed == found


def test_import_is_light():
    code = "import sys, minicnn; print([m for m in ('numba', 'cupy', 'rich', 'matplotlib', 'PIL', 'safetensors', 'torch', 'multiprocessing.pool') if m in sys.modules])"
    result = run(code)
    assert result.stdout.strip() == "[]", result.stdout + result.stderr


def test_kernels_from_the_root_is_refused():
    result = run("import kernels", cwd=ROOT)
    assert result.returncode != 0
    assert "minicnn.kernels" in result.stderr


def test_a_script_beside_the_clone_finds_the_package(tmp_path):
    (tmp_path / "minicnn").symlink_to(ROOT)  # the clone is a folder of the package's own name, which must not hide it
    result = run("import minicnn.kernels; print(minicnn.Tensor([1.0]).item())", cwd=tmp_path)
    assert result.stdout.strip() == "1.0", result.stderr


def test_there_is_one_copy_of_the_kernels():
    assert Path(minicnn.kernels.__file__).resolve() == ROOT / "kernels" / "__init__.py"


def test_works_without_the_optional_packages():
    code = """
import sys
for name in ("numba", "cupy", "matplotlib", "PIL", "rich", "safetensors"):
    sys.modules[name] = None
import minicnn
from minicnn import nn
layer = nn.Conv2d(1, 2, 3)
loss = layer(minicnn.ones(1, 1, 4, 4)).sum()
loss.backward()
print(minicnn.get_backend().name)
"""
    result = run(code)
    assert result.stdout.strip() == "numpy", result.stderr
    assert result.stderr.count("\n") == 1, result.stderr
    assert "Numba cannot be imported" in result.stderr


def test_minimum_versions_are_stated():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11"
    assert "numpy>=2.0" in project["dependencies"]
    assert {"gpu", "gpu-cuda13", "viz", "data", "weights", "docs", "assignments", "tensorboard", "distributed", "dev", "all"} <= set(
        project["optional-dependencies"]
    )


@pytest.mark.parametrize("name", ["README.md", "LICENSE", "CONTRIBUTING.md", "docs/design.md"])
def test_the_documents_exist(name):
    assert (ROOT / name).stat().st_size > 500
