"""Networks by their description: wherever a name is taken, a string is, too."""

import re

import numpy as np
import pytest

import minicnn
from minicnn import models
from minicnn.errors import ArgumentError, CheckpointError
from minicnn.io import save_checkpoint
from minicnn.models.from_string import is_string, normalised, short_name
from minicnn.models.registry import model_name
from minicnn.train import Recipe
from minicnn.train.recipe_file import read_recipe, write_recipe

CHAIN, CELLS = "chain 3x3x4 3x3x8/2+0 1x1x4+0+1", "cells sep3:0+id:1 / max3:0+avg3:1"


@pytest.mark.parametrize("string", [CHAIN, CELLS, models.NASNET_A])
def test_a_network_is_rebuilt_from_its_string(string):
    sizes = {} if string == CHAIN else {"cells": 1, "filters": 2}
    net = models.create_from_string(string, 7, 2, **sizes)
    assert net.string == string
    again = models.create_from_string(net.string, num_classes=7, in_channels=2, **sizes)
    assert [(name, p.shape) for name, p in again.named_parameters()] == [(name, p.shape) for name, p in net.named_parameters()]
    assert again(minicnn.ones(2, 2, 8, 8)).shape == (2, 7)


def test_the_first_word_says_in_which_language():
    assert isinstance(models.create_from_string(CHAIN), models.SearchedChain)
    assert isinstance(models.create_from_string(CELLS, cells=1), models.SearchedCells)
    assert (is_string(" CHAIN x"), is_string("chain"), is_string("chained"), is_string(""), is_string(None)) == (True, True, False, False, False)


def test_no_string_is_listed():
    assert not [name for name in models.list_models() if "Searched" in name or is_string(name)]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: models.create_from_string("chian 3x3x8"), "a network's string begins with what it is, as in 'chain 3x3x24 3x3x36+0', not with 'chian': did you mean chain? Known: cells, chain"),
        (lambda: models.create_from_string(""), "a network's string begins with what it is, as in 'chain 3x3x24 3x3x36+0', not with '': Known: cells, chain"),
        (lambda: models.create_from_string(3), "a network is described by a string such as 'chain 3x3x24 3x3x36+0', not 3"),
        (lambda: models.create("chain 3x3x0"), "layer 0 of the chain, '3x3x0': the number of filters must be at least 1, not 0"),
        (lambda: models.create("chian 3x3x8"), "unknown model 'chian 3x3x8'; the description of a searched network begins with the word chain or cells: "),
        (lambda: model_name("cells id:0+id:1"), "one / separates the normal cell from the reduction cell"),
        (lambda: Recipe(model="chain").resolved(), "the chain has no layers"),
        (lambda: models.create(CHAIN, weights="imagenet"), "no weights for ImageNet are published for SearchedChain"),
    ],
)
def test_mistakes(call, said):
    with pytest.raises(ArgumentError) as error:
        call()
    assert str(error.value).startswith(said)


def test_sizes_that_a_network_does_not_have_are_refused():
    with pytest.raises(ArgumentError, match=r"^SearchedChain\(string: .*: got an unexpected keyword argument 'cells'"):
        models.create_from_string(CHAIN, cells=2)
    with pytest.raises(ArgumentError, match=r"^SearchedCells\(string: .*: got an unexpected keyword argument 'depth'"):
        models.create(CELLS, depth=2)


def test_names_are_spelled_in_one_way():
    assert normalised(" Chain 3x3x4  3x3x8/1+0 ") == model_name("CHAIN 3x3x4 3x3x8+0") == "chain 3x3x4 3x3x8+0"
    assert models.create(" CHAIN 3x3x4/1").string == "chain 3x3x4"
    assert Recipe(model="CELLS sep3:0+id:1/max3:0+avg3:1").resolved().model == CELLS


def test_files_are_called_after_the_network_and_no_two_alike():
    assert re.fullmatch(r"cells-[0-9a-f]{6}", short_name(models.NASNET_A))
    assert short_name(CHAIN) == short_name(CHAIN.upper().replace(" ", "   ")) != short_name(CHAIN + " 1x1x1")
    assert short_name("ResNet18") == "ResNet18"


def test_a_recipe_is_written_and_read(tmp_path):
    recipe = Recipe(model=models.NASNET_A, model_options={"cells": 1, "filters": 2}).resolved()
    write_recipe(recipe, tmp_path / "recipe.toml")
    assert Recipe(**read_recipe(str(tmp_path / "recipe.toml"))).resolved() == recipe


def test_a_checkpoint_brings_the_network_back(tmp_path):
    net = models.create(CHAIN, num_classes=3)
    save_checkpoint(tmp_path / "net.safetensors", {"network": {"name": CHAIN, "kwargs": {"num_classes": 3}}, "model": net.state_dict()})
    again, _ = models.load_model(tmp_path / "net.safetensors")
    assert again.string == CHAIN
    np.testing.assert_array_equal(again.classifier.weight.numpy(), net.classifier.weight.numpy())
    filled = models.create(CHAIN, num_classes=3, weights=tmp_path / "net.safetensors")
    np.testing.assert_array_equal(filled.layers[1].conv.weight.numpy(), net.layers[1].conv.weight.numpy())
    save_checkpoint(tmp_path / "no.safetensors", {"network": {"name": "chain 3x3x4 1x1x1+1", "kwargs": {}}, "model": net.state_dict()})
    with pytest.raises(CheckpointError, match=r"cannot be built here: layer 1 of the chain, '1x1x1\+1', cannot read layer 1"):
        models.load_model(tmp_path / "no.safetensors")
