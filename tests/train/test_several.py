"""A run made ready for several workers. That they compute what one computes is in tests/distributed/test_equal.py."""

import dataclasses

import pytest

from minicnn.data import Subset
from minicnn.distributed import SharedLoader, SyncBatchNorm2d
from minicnn.distributed.communicator import Alone
from minicnn.errors import ArgumentError
from minicnn.nn import BatchNorm2d
from minicnn.train import Recipe
from minicnn.train.several import share_work
from tests.distributed.threads import run_threads
from tests.train import few

RECIPE = Recipe(model="ResNet20", dataset="few", batch_size=10, validation=0.25, epochs=1, seed=5)


@pytest.fixture(autouse=True)
def few_digits(monkeypatch):
    few.install(monkeypatch)


def shared(recipe, ranks=2):
    parts = [recipe.build() for _ in range(ranks)]
    return run_threads(ranks, lambda communicator: share_work(recipe, parts[communicator.rank], communicator))


def test_every_loader_is_shared_and_the_trainer_knows_the_others():
    for rank, parts in enumerate(shared(RECIPE)):
        assert (parts.trainer.workers.rank, parts.trainer.workers.size) == (rank, 2)
        for loader in (parts.train, parts.validation, parts.test):
            assert isinstance(loader, SharedLoader)
        assert [len(labels) for _, labels in parts.train] == [5] * 7 + [1], "72 images in batches of 10"


def test_norms_are_synchronised_where_the_recipe_says_so():
    for wanted in (True, False):
        for parts in shared(dataclasses.replace(RECIPE, sync_batch_norm=wanted)):
            norms = [module for module in parts.model.modules() if isinstance(module, BatchNorm2d)]
            assert len(norms) == 19
            assert {type(norm) for norm in norms} == {SyncBatchNorm2d if wanted else BatchNorm2d}
            assert not wanted or {norm.workers for norm in norms} == {parts.trainer.workers}


def test_one_worker_has_the_loaders_it_had():
    parts = RECIPE.build()
    assert share_work(RECIPE, parts, Alone()).train is parts.train


def other_settings(recipe, parts):
    return dataclasses.replace(recipe, lr=0.7)


def fewer_images(recipe, parts):
    parts.train.dataset.indices = parts.train.dataset.indices[:-1]


def other_classes(recipe, parts):
    object.__setattr__(parts, "images", dataclasses.replace(parts.images, classes=("zero", *parts.images.classes[1:])))


def another_image(recipe, parts):
    images = parts.images.train
    object.__setattr__(parts, "images", dataclasses.replace(parts.images, train=Subset(images, [*range(len(images) - 1), 0])))


def another_weight(recipe, parts):
    next(parts.model.parameters()).data[0] += 1


def other_momentum(recipe, parts):
    parts.trainer.optimizer.param_groups[0]["momentum"] = 0.1


def another_average(recipe, parts):
    next(iter(parts.trainer.average._averages.values()))[...] += 1


def another_place(recipe, parts):
    parts.train.epoch = 3


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (other_settings, "the settings"), (fewer_images, "the numbers of images"), (other_classes, "the images"), (another_image, "the images"),
        (another_weight, "the weights"),
        (other_momentum, "steps and rates"), (another_average, "steps and rates"), (another_place, "steps and rates, or the place in the images,"),
    ],
)  # fmt: skip
def test_workers_that_do_not_begin_alike_are_told_so_all_of_them(change, what):
    recipe = dataclasses.replace(RECIPE, average=0.9)
    parts = [recipe.build() for _ in range(3)]
    changed = change(recipe, parts[2]) or recipe

    def work(communicator):
        with pytest.raises(ArgumentError, match=f"the workers do not begin alike: {what}.* differ from those of the first: all need the same command line"):
            share_work(changed if communicator.rank == 2 else recipe, parts[communicator.rank], communicator)
        return "told"

    assert run_threads(3, work) == ["told"] * 3


def test_a_batch_smaller_than_the_number_of_workers_is_refused():
    with pytest.raises(ArgumentError, match=r"a batch of 2 images cannot be shared out among 3 workers: .* give --batch-size 3 or more"):
        shared(dataclasses.replace(RECIPE, batch_size=2), 3)
