"""A family of operations bears one name in every room of the house."""

import inspect
import re
from pathlib import Path

import pytest

from minicnn import nn, ops

ROOT = Path(__file__).resolve().parents[1]


def names(folder):
    return {path.stem for path in (ROOT / folder).glob("[!_]*.py")}


FAMILIES = sorted(names("kernels/loops"))  # with kernels, on which every one of them has a layer
WITHOUT_KERNELS = {  # plain array arithmetic, all described in docs/ops/array.md
    "arithmetic", "channel_shuffle", "comparison", "dtype", "elementwise", "indexing", "join", "matmul", "pad", "reduction", "shape", "to",
}  # fmt: skip
HELPERS = {"autocast", "axis", "broadcasting", "checks"}  # of minicnn/ops
COMPOSED = {"embedding": "recurrent", "recurrent": "recurrent"}  # layers that several operations make together, and the page that describes each
FRAME = {"container", "fuse", "init", "joined", "mode", "module", "parameter", "state", "trace", "watch"}  # of minicnn/nn: what layers are made of, or looked at with

PLACES = [
    "kernels/loops/{}.py",
    "kernels/array/{}.py",
    "kernels/cpu/{}.py",
    "kernels/cuda/{}.py",
    "minicnn/ops/{}.py",
    "minicnn/nn/{}.py",
    "minicnn/testing/cases/{}.py",
    "docs/ops/{}.md",
    "tests/ops/test_{}.py",
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_with_kernels_is_in_every_room(family, place):
    assert (ROOT / place.format(family)).is_file()


@pytest.mark.parametrize("family", sorted(WITHOUT_KERNELS))
def test_a_family_without_kernels_has_its_test_and_a_line_in_the_docs(family):
    assert (ROOT / f"tests/ops/test_{family}.py").is_file()
    assert f"minicnn/ops/{family}.py" in (ROOT / "docs/ops/array.md").read_text()


@pytest.mark.parametrize("layers", COMPOSED)
def test_layers_of_several_operations_have_their_test_and_a_line_in_the_docs(layers):
    assert (ROOT / f"tests/nn/test_{layers}.py").is_file()
    assert f"minicnn/nn/{layers}.py" in (ROOT / f"docs/{COMPOSED[layers]}.md").read_text()


def test_there_is_no_other_file():
    assert names("minicnn/ops") == {*FAMILIES, *WITHOUT_KERNELS, *HELPERS}
    assert names("minicnn/nn") - FRAME - COMPOSED.keys() <= {*FAMILIES, *WITHOUT_KERNELS}
    assert COMPOSED.keys() <= names("minicnn/nn") - {*FAMILIES, *WITHOUT_KERNELS, *FRAME}


@pytest.mark.parametrize("layer", [name for name in nn.__all__ if inspect.isclass(getattr(nn, name))])
def test_a_layer_stands_in_the_file_of_its_operation(layer):
    """Where an operation has the layer's name: `softmax` of nn.Softmax, `mse_loss` of nn.MSELoss, `cross_entropy`, ..."""
    files = {re.sub("_", "", name): getattr(ops, name).__module__.rpartition(".")[2] for name in ops.__all__}
    file = next((files[n] for n in (layer.lower(), layer.lower().removesuffix("loss"), layer.lower()[:-2]) if n in files), None)
    assert file is None or getattr(nn, layer).__module__ == f"minicnn.nn.{file}"
