"""Recipes in files: those of the papers can be cooked, one's own come back as written, and mistakes are named."""

import dataclasses
import json

import numpy as np
import pytest

from minicnn.errors import ArgumentError
from minicnn.train import Recipe, list_recipes, read_recipe
from minicnn.train.augmentation import AUGMENTATIONS
from minicnn.train.recipe_file import with_settings, write_recipe
from tests.train.few import install

PUBLISHED = {  # name: (model, optimizer, rate, momentum, weight decay, batch, epochs), looked up in the papers once more
    "alexnet": ("AlexNet", "sgd", 0.01, 0.9, 5e-4, 128, 90),
    "vgg": ("VGG16", "sgd", 0.01, 0.9, 5e-4, 256, 74),
    "resnet": ("ResNet50", "sgd", 0.1, 0.9, 1e-4, 256, 120),
    "resnet-cifar": ("ResNet20", "sgd", 0.1, 0.9, 1e-4, 128, 164),
    "wide-resnet": ("WideResNetCIFAR", "sgd", 0.1, 0.9, 5e-4, 128, 200),
    "densenet": ("DenseNet121", "sgd", 0.1, 0.9, 1e-4, 256, 90),
    "densenet-cifar": ("DenseNetCIFAR", "sgd", 0.1, 0.9, 1e-4, 64, 300),
    "mobilenet": ("MobileNetV2", "rmsprop", 0.045, 0.9, 4e-5, 96, 300),
    "efficientnet": ("EfficientNetB0", "rmsprop", 0.256, 0.9, 1e-5, 2048, 350),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_numbers_of_the_papers(name):
    recipe = Recipe(**read_recipe(name)).resolved()
    options = recipe.optimizer_options
    assert (recipe.model, recipe.optimizer, recipe.lr, options["momentum"], options["weight_decay"], recipe.batch_size, recipe.epochs) == PUBLISHED[name]
    assert recipe.augment in AUGMENTATIONS


@pytest.mark.parametrize("name", sorted(list_recipes()))
def test_every_recipe_trains_a_small_network(name, monkeypatch):
    install(monkeypatch)
    small = {"model": "WideResNetCIFAR", "model_options": {"depth": 10, "k": 1}, "dataset": "few", "epochs": 3, "batch_size": 48, "augment": "none"}
    parts = Recipe(**{**read_recipe(name), **small}).build()
    before = parts.model.state_dict()["conv1.weight"]
    parts.trainer.fit(parts.train, parts.test, 1, validation=parts.validation)
    assert abs(parts.model.state_dict()["conv1.weight"] - before).max() > 0


def test_a_rate_is_where_the_paper_says_it_falls(monkeypatch):
    install(monkeypatch)
    parts = Recipe(**{**read_recipe("resnet-cifar"), "dataset": "few", "batch_size": 48, "model": "LeNet5"}).build()
    schedule = parts.trainer.schedule
    assert [round(schedule.lr_at(0.1, 2 * epoch), 9) for epoch in (0, 81, 82, 122, 123)] == [0.1, 0.1, 0.01, 0.01, 0.001]


def test_what_is_written_is_read_again(tmp_path):
    recipe = Recipe(
        model="ResNet20", model_options={"num_classes": 3}, dataset='a "quoted"\\path', optimizer_options={"momentum": 0.5, "nesterov": True},
        schedule="multi-step", schedule_options={"milestones": [1, 2.5]}, lr=1e-7, clip_norm=3,
    )  # fmt: skip
    write_recipe(recipe, tmp_path / "r.toml")
    assert Recipe(**read_recipe(str(tmp_path / "r.toml"))) == recipe
    numbers = {"mixup": np.float64(0.5), "seed": np.int64(3), "epochs": np.int32(2), "lr": np.float32(0.5), "label_smoothing": np.float16(0.5)}
    options = {"schedule": "multi-step", "schedule_options": {"milestones": (np.float32(0.5), 1)}, "model_options": {"dropout": np.float64(0.25)}}
    recipe = Recipe(**numbers, **options).resolved()
    assert {type(value) for value in dataclasses.asdict(recipe).values()} == {str, int, float, bool, dict, type(None)}
    assert json.loads(json.dumps(dataclasses.asdict(recipe))) == dataclasses.asdict(recipe)
    write_recipe(recipe, tmp_path / "numpy.toml")
    assert Recipe(**read_recipe(str(tmp_path / "numpy.toml"))) == recipe
    write_recipe(Recipe().resolved(), tmp_path / "usual.toml")
    assert dataclasses.asdict(Recipe(**read_recipe(str(tmp_path / "usual.toml")))) == dataclasses.asdict(Recipe().resolved())


def test_mistakes_in_files(tmp_path):
    for text, sentence in (("epochs = ", r"r\.toml is no TOML: "), ("epoch = 3", r"r\.toml: a recipe has no setting 'epoch': did you mean epochs")):
        (tmp_path / "r.toml").write_text(text)
        with pytest.raises(ArgumentError, match=sentence):
            read_recipe(str(tmp_path / "r.toml"))
    with pytest.raises(ArgumentError, match=r"cannot be read: No such file"):
        read_recipe(str(tmp_path / "nowhere.toml"))
    with pytest.raises(ArgumentError, match=r"unknown recipe 'resnet_cifar': did you mean resnet-cifar\?"):
        read_recipe("resnet_cifar")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("lr", "--set lr: write NAME=VALUE"),
        ("momentum=0.8", "--set momentum=0.8: a recipe has no setting 'momentum'"),
        ("lr.x=3", "a recipe has no setting 'lr.x'"),
        ("optimizer_options=3", "optimizer_options is a table: write optimizer_options.OPTION=VALUE"),
    ],
)
def test_mistakes_on_the_command_line(change, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        with_settings({}, [change])


def test_a_setting_without_a_value_is_the_usual_one_again():
    settings = {"weights": "a.npz", "lr": 0.1, "optimizer_options": {"momentum": 0.5, "nesterov": True}}
    assert with_settings(settings, ["weights=", "optimizer_options.momentum= "]) == {"lr": 0.1, "optimizer_options": {"nesterov": True}}
    assert settings["optimizer_options"] == {"momentum": 0.5, "nesterov": True}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"optimizer_options": {"momentm": 0.8}}, "the optimizer sgd has no option 'momentm': did you mean momentum"),
        ({"schedule_options": {"milestones": [3]}}, "the schedule one-cycle has no option 'milestones'"),
        ({"schedule": "constant", "schedule_options": {"gamma": 3}}, "the schedule constant has no option 'gamma'"),
        ({"augment": "flop"}, "unknown augmentation 'flop'"),
        ({"model_options": {"colour": 3}}, "LeNet5(.*): got an unexpected keyword argument 'colour'"),
        ({"validation": 1e-4}, r"validation=0\.0001 of 1437 training images leaves none"),
        ({"validation": 1}, "the recipe's validation must be a number from 0 to less than 1, not 1"),
        ({"patience": 3}, "with patience, set validation as well"),
        ({"epochs": 2.5}, r"the recipe's epochs must be an integer >= 1, not 2\.5"),
        ({"optimizer_options": 3}, "the recipe's optimizer_options must be a table"),
        ({"schedule": "multi-step", "schedule_options": {"milestones": [-1]}}, "the schedule's milestones must be a number above 0"),
    ],
)
def test_settings_that_make_no_recipe(settings, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        Recipe(**settings).build()
