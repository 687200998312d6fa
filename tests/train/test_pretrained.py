"""Recipes that start from weights: the head is new, what is frozen stays, and features that are computed once train the same head."""

import numpy as np
import pytest

import minicnn
from minicnn import models, nn
from minicnn.data import Digits
from minicnn.data.imagenet import MEAN, STD
from minicnn.errors import ArgumentError, CheckpointError
from minicnn.io import save_weights
from minicnn.models import load_model
from minicnn.nn.mode import evaluating_untrained
from minicnn.train import Recipe, RunFolder, evaluate, run_recipe
from minicnn.train.datasets import load_dataset
from minicnn.train.on_features import OnFeatures, ends_in
from minicnn.train.pretrained import as_pretrained
from tests.train.few import assert_same, install, silent

OPTIONS = {"depth": 10, "k": 1, "dropout": 0.3}
SETTINGS = {"model": "WideResNetCIFAR", "model_options": OPTIONS, "dataset": "few", "epochs": 2, "batch_size": 16, "lr": 0.05, "augment": "none"}


@pytest.fixture(autouse=True)
def _few(monkeypatch):
    install(monkeypatch)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Of a network for five classes that has seen some digits."""
    minicnn.manual_seed(5)
    net = models.WideResNetCIFAR(num_classes=5, in_channels=1, **OPTIONS)
    net(minicnn.Tensor(Digits(size=8).images[:64]))
    path = tmp_path_factory.mktemp("weights") / "five.safetensors"
    save_weights(path, net.state_dict())
    return str(path)


def fitted(recipe):
    parts = recipe.build()
    parts.trainer.fit(parts.train, parts.test, recipe.epochs)
    return parts


def test_a_head_trained_on_features_is_the_head_trained_behind_the_frozen_body(weights, monkeypatch):
    recipe = Recipe(**SETTINGS, weights=weights, strategy="linear")
    quick = fitted(recipe)
    monkeypatch.setattr("minicnn.train.parts._can_use_features", lambda recipe, parts: False)
    slow = fitted(recipe)
    assert isinstance(quick.trainer.model, OnFeatures)
    assert not isinstance(slow.trainer.model, OnFeatures)
    start, one, other = recipe.build().model.state_dict(), quick.model.state_dict(), slow.model.state_dict()
    for name in one:
        if name.startswith("linear."):
            assert np.abs(one[name] - start[name]).max() > 1e-3
            np.testing.assert_allclose(one[name], other[name], rtol=1e-4, atol=1e-6)
        else:
            assert one[name].tobytes() == other[name].tobytes() == start[name].tobytes()
    for a, b in zip(quick.trainer.history, slow.trainer.history, strict=True):
        assert (a.test_accuracy, a.lr) == (b.test_accuracy, b.lr)
        assert a.train_loss == pytest.approx(b.train_loss, rel=1e-4)
        assert a.test_loss == pytest.approx(b.test_loss, rel=1e-4)


def test_what_a_run_on_features_leaves_is_the_whole_network(weights, tmp_path):
    recipe = Recipe(**SETTINGS, weights=weights, strategy="linear", validation=0.25)
    outcome = run_recipe(recipe, recipe.build(), RunFolder.new(tmp_path / "run"), silent)
    model, contents = load_model(tmp_path / "run" / "checkpoint.safetensors")
    assert (contents["recipe"]["strategy"], contents["recipe"]["weights"]) == ("linear", weights)
    assert model.linear.weight.shape == (10, 64)
    whole = Recipe(**{**SETTINGS, "augment": "usual"}, weights=weights, strategy="linear").build()  # which looks at images
    assert not isinstance(whole.trainer.model, OnFeatures)
    assert evaluate(model, whole.test).accuracy == outcome.history[-1].test_accuracy


def test_a_run_on_features_goes_on_bit_for_bit(weights):
    recipe = Recipe(**SETTINGS, weights=weights, strategy="linear")
    whole, first = fitted(recipe), recipe.build()
    first.trainer.fit(first.train, first.test, 1)
    second = recipe.build()
    second.trainer.load_state_dict(first.trainer.state_dict())
    second.train.load_state_dict(first.train.state_dict())
    second.trainer.fit(second.train, second.test, 2)
    assert_same(second.model.state_dict(), whole.model.state_dict())


def test_few_and_all_train_what_they_say_at_their_rates(weights):
    few = Recipe(**SETTINGS, weights=weights, strategy="few", body_lr=0.5).build()
    assert [group["lr"] for group in few.trainer.optimizer.param_groups] == pytest.approx([0.05 / 25, 0.025 / 25])  # one-cycle begins at 1/25
    frozen = {name.partition(".")[0] for name, parameter in few.model.named_parameters() if not parameter.requires_grad}
    assert frozen == {"conv", "layer1", "layer2"} or frozen < {name for name, _ in few.model.named_children()}
    everything = Recipe(**SETTINGS, weights=weights, decay="weights", optimizer_options={"weight_decay": 0.1}).build()
    assert all(parameter.requires_grad for parameter in everything.model.parameters())
    assert [group["weight_decay"] for group in everything.trainer.optimizer.param_groups] == [0.1, 0.0, 0.1, 0.0]


def test_only_so_many_images_of_each_class():
    parts = Recipe(**SETTINGS, images_per_class=3).build()
    labels = [int(label) for _, label in parts.images.train]
    assert np.bincount(labels).tolist() == [3] * 10
    assert len(parts.train) == 2


def test_something_after_the_head_needs_the_whole_network():
    minicnn.manual_seed(0)
    images = minicnn.Tensor(np.random.default_rng(0).standard_normal((1, 1, 4, 4)).astype(np.float32))
    last = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    rectified = nn.Sequential(nn.Flatten(), nn.Linear(16, 3), nn.ReLU())
    assert ends_in(last, "1", images)
    assert not ends_in(rectified, "1", images)
    with evaluating_untrained(models.SqueezeNet1_1(num_classes=3)) as squeeze:
        assert not ends_in(squeeze, "classifier.1", minicnn.zeros(1, 3, 35, 35))


def test_images_are_normalised_as_they_were_for_the_published_weights():
    shapes = load_dataset("shapes")

    def of(model, weights="imagenet"):
        return as_pretrained(shapes, {"model": model, "model_options": {}, "weights": weights}).prepare

    grey = np.full((3, 2, 2), 0.5, np.float32)
    rng = np.random.default_rng()
    np.testing.assert_allclose(of("EfficientNetLite0")(grey, rng), (127.5 - 127) / 128, rtol=1e-4)
    np.testing.assert_allclose(of("ResNet18")(grey, rng)[:, 0, 0], (0.5 - np.array(MEAN)) / STD, rtol=1e-5)
    assert of("ResNet18", "file.pth") is shapes.prepare
    assert of("ResNet18", None) is shapes.prepare


def test_mistakes_are_one_sentence(weights, tmp_path):
    with pytest.raises(ArgumentError, match="the strategy few would leave random weights as they are: give weights to start from"):
        Recipe(strategy="few").resolved()
    with pytest.raises(ArgumentError, match="unknown strategy 'fwe': did you mean few"):
        Recipe(strategy="fwe", weights="imagenet").resolved()
    with pytest.raises(ArgumentError, match="body_lr must be"):
        Recipe(body_lr=0).resolved()
    with pytest.raises(ArgumentError, match="the weights for ImageNet are for colour images, and those of few have 1 channel"):
        Recipe(model="ResNet18", dataset="few", weights="imagenet").build()
    with pytest.raises(ArgumentError, match="no weights for ImageNet are published for ResNet20 that this version knows"):
        Recipe(model="ResNet20", dataset="shapes", weights="imagenet").build()
    with pytest.raises(CheckpointError, match=r"five\.safetensors does not fit LeNet5: it has no output\.weight, the layer that gives the scores"):
        Recipe(model="LeNet5", weights=weights).build()
    with pytest.raises(CheckpointError, match=r"nowhere\.pth"):
        Recipe(**SETTINGS, weights=str(tmp_path / "nowhere.pth")).build()
