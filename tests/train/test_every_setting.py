"""A recipe in which no setting is the usual one: each arrives where it does its work."""

import dataclasses

import numpy as np
import pytest

import minicnn
from minicnn import models, optim
from minicnn.data import ArrayDataset
from minicnn.data.transforms import Compose, Normalize, RandomShift, ToFloat
from minicnn.io import load_weights, save_weights
from minicnn.ops import cross_entropy
from minicnn.train import Recipe, RunFolder, run_recipe
from minicnn.train import datasets as by_name
from minicnn.train.datasets import ImageSet
from tests.train.few import silent

PIXELS = np.random.default_rng(0).integers(0, 256, (80, 3, 16, 16), dtype=np.uint8)
LABELS = np.arange(80) % 2
PREPARE = Compose(ToFloat(), Normalize((0.5, 0.5, 0.5), (0.25, 0.25, 0.25)))


@pytest.fixture
def asked(monkeypatch):
    """Where the dataset `noise` was looked for, and in what size."""
    places = []

    def noise(where):
        places.append((where.folder, where.size))
        parts = ArrayDataset(PIXELS[:60], LABELS[:60]), ArrayDataset(PIXELS[60:], LABELS[60:])
        return ImageSet(*parts, ("even", "odd"), (3, 16, 16), RandomShift(1), PREPARE, None)

    monkeypatch.setitem(by_name.DATASETS, "noise", noise)
    monkeypatch.setattr(by_name, "SIZED", ("noise",))
    return places


@pytest.fixture
def recipe(asked, tmp_path):
    minicnn.manual_seed(1)
    start = models.create("WideResNetCIFAR", num_classes=5, in_channels=3, depth=10, k=1)
    start(minicnn.randn(8, 3, 16, 16))  # so that its batch norms have seen something
    save_weights(tmp_path / "five.npz", start.state_dict())
    return Recipe(
        model="WideResNetCIFAR", model_options={"depth": 10, "k": 1}, weights=str(tmp_path / "five.npz"), strategy="few", body_lr=0.25, dataset="noise",
        data_dir=str(tmp_path), image_size=16, images_per_class=20, augment="crop-flip", validation=0.2, epochs=6, batch_size=5, accumulate=3,
        optimizer="adamw", optimizer_options={"weight_decay": 0.03}, decay="weights", lr=0.02, schedule="multi-step",
        schedule_options={"milestones": [2, 4], "gamma": 0.5}, label_smoothing=0.1, mixup=0.4, clip_norm=1.5, average=0.9, patience=2, keep_every=3,
        seed=7, workers=1, precision="bf16", sync_batch_norm=True,
    )  # fmt: skip


def test_no_setting_is_the_usual_one(recipe):
    usual = Recipe()
    assert [field.name for field in dataclasses.fields(Recipe) if getattr(recipe, field.name) == getattr(usual, field.name)] == []


def test_each_setting_arrives(recipe, asked, tmp_path):
    parts = recipe.build()
    trainer, groups = parts.trainer, parts.trainer.optimizer.param_groups
    assert asked == [(str(tmp_path), 16)]
    like = models.WideResNetCIFAR(num_classes=2, depth=10, k=1)
    assert {name: value.shape for name, value in parts.model.state_dict().items()} == {name: value.shape for name, value in like.state_dict().items()}
    np.testing.assert_array_equal(parts.model.state_dict()["conv1.weight"], load_weights(tmp_path / "five.npz")["conv1.weight"])
    assert (trainer.accumulate, trainer.clip_norm, trainer.mixup, trainer.precision, trainer.average.decay) == (3, 1.5, 0.4, "bf16", 0.9)
    assert type(trainer.optimizer) is optim.AdamW
    trained = {id(p) for p in parts.model.parameters() if p.requires_grad}
    assert 0 < len(trained) < len(list(parts.model.parameters()))  # the strategy "few"
    assert sorted((group["lr"], group["weight_decay"], {p.ndim > 1 for p in group["params"]}) for group in groups) == [
        (0.005, 0.0, {False}), (0.005, 0.03, {True}), (0.02, 0.0, {False}), (0.02, 0.03, {True}),
    ]  # fmt: skip
    assert {id(p) for group in groups for p in group["params"]} == trained
    scores, labels = minicnn.Tensor([[2.0, -1.0]]), minicnn.Tensor([1])
    assert trainer.loss(scores, labels).item() == cross_entropy(scores, labels, label_smoothing=0.1).item() != cross_entropy(scores, labels).item()
    steps = 3  # 40 images, 8 of them to decide by; 7 batches of 5, by threes
    assert [round(trainer.schedule.lr_at(1.0, t), 6) for t in (2 * steps - 1, 2 * steps, 4 * steps - 1, 4 * steps)] == [1.0, 0.5, 0.5, 0.25]


def test_the_images(recipe):
    parts = recipe.build()
    assert [len(loader.dataset) for loader in (parts.train, parts.validation, parts.test)] == [32, 8, 20]
    assert (parts.train.batch_size, parts.train.num_workers, parts.train.shuffle) == (5, 1, True)
    assert [type(step).__name__ for step in parts.train._make.transform.transforms] == ["Compose", "Compose"]
    augment, prepare = parts.train._make.transform.transforms
    assert [type(step).__name__ for step in augment.transforms] == ["RandomHorizontalFlip", "RandomCrop"]
    assert prepare is PREPARE is parts.validation._make.transform is parts.test._make.transform
    chosen = [dataclasses.replace(recipe, seed=seed).build().images.train for seed in (7, 7, 8)]
    assert np.bincount(chosen[0].dataset.arrays[1][chosen[0].indices]).tolist() == [20, 20]
    same, others = chosen[1].indices.tolist(), chosen[2].indices.tolist()
    assert chosen[0].indices.tolist() == same != others
    assert parts.train.state_dict()["seed"] == 7


def test_those_that_work_while_it_runs(recipe, tmp_path):
    """`keep_every`, `patience`: without them there were no third checkpoint, and no end after two epochs that are no better."""
    quick = dataclasses.replace(recipe, workers=0, precision="fp32", accumulate=1, batch_size=40)
    short = dataclasses.replace(quick, epochs=3)
    run_recipe(short, short.build(), RunFolder.new(tmp_path / "kept"), silent)
    assert [path.name for path in (tmp_path / "kept").glob("epoch-*")] == ["epoch-0003.safetensors"]
    dull = dataclasses.replace(quick, lr=1e-12, average=0.0)
    outcome = run_recipe(dull, dull.build(), RunFolder.new(tmp_path / "dull"), silent)
    losses = [epoch.validation_loss for epoch in outcome.history]
    assert len(losses) - 1 - losses.index(min(losses)) == 2
    assert "for 2 epochs" in outcome.stopped
