"""A run made ready for several workers. That they compute what one computes is in tests/distributed/test_equal.py."""

import dataclasses

import pytest

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


def test_workers_with_other_settings_are_told_so_all_of_them():
    def work(communicator):
        recipe = dataclasses.replace(RECIPE, lr=0.1 + communicator.rank)
        with pytest.raises(ArgumentError, match="the workers were started with different settings: all must have the same command line"):
            share_work(recipe, parts[communicator.rank], communicator)
        return "told"

    parts = [RECIPE.build() for _ in range(3)]
    assert run_threads(3, work) == ["told"] * 3


def test_a_batch_smaller_than_the_number_of_workers_is_refused():
    with pytest.raises(ArgumentError, match=r"a batch of 2 images cannot be shared out among 3 workers: .* give --batch-size 3 or more"):
        shared(dataclasses.replace(RECIPE, batch_size=2), 3)
