"""What a step needs of the other workers, one thing at a time."""

import numpy as np
import pytest

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.backend import generator, manual_seed
from minicnn.data import ArrayDataset, DataLoader
from minicnn.distributed import Workers
from minicnn.distributed.communicator import Alone, in_turn
from minicnn.errors import ArgumentError, MinicnnError
from minicnn.optim import SGD
from minicnn.train import Trainer
from tests.distributed.threads import run_threads


def several(function, size=3):
    return run_threads(size, lambda communicator: function(Workers(communicator, overlap=False)), delay=0.002)


def test_totals_and_means_weigh_by_images():
    def work(workers):
        return workers.total(workers.rank, 10.0), workers.mean([1.0, 4.0, 7.0][workers.rank], [1, 2, 5][workers.rank])

    assert several(work) == [((3.0, 30.0), (1 + 8 + 35) / 8)] * 3


def test_a_batch_that_all_compute_has_the_mean_of_one():
    def work(workers):
        workers.weight = 1 / 3
        return workers.mean(2.5, 2), workers.gather(np.arange(2)).tolist()

    assert several(work) == [(pytest.approx(2.5), [0, 1])] * 3


def test_rows_are_gathered_in_the_order_of_ranks_however_many_each_has():
    def work(workers):
        return workers.gather(np.full((workers.rank + 1, 2), workers.rank, np.float32))

    for gathered in several(work):
        assert gathered.dtype == np.float32
        assert gathered.tolist() == [[0, 0], [1, 1], [1, 1], [2, 2], [2, 2], [2, 2]]


@pytest.mark.parametrize(("said", "agreed"), [([None, None, None], None), ([None, "naïve", "b"], "naïve"), (["a", "b", None], "a")])
def test_all_agree_on_what_the_first_says(said, agreed):
    assert several(lambda workers: workers.agree(said[workers.rank])) == [agreed] * 3


def test_running_statistics_are_averaged_and_counts_are_the_first_workers():
    def work(workers):
        layer = nn.BatchNorm2d(2)
        layer.running_mean.data = np.array([workers.rank, 2 * workers.rank], np.float32)
        layer.num_batches_tracked.data = np.array(5 + workers.rank)
        with workers.reducing(layer, list(layer.parameters())):
            (layer.weight * (1.0 + workers.rank)).sum().backward()
        return layer.running_mean.numpy(), layer.running_var.numpy(), layer.num_batches_tracked.numpy(), layer.weight.grad.numpy(), layer.bias.grad

    for mean, var, count, dgamma, dbeta in several(work):
        assert mean.tolist() == [1, 2]
        assert var.tolist() == [1, 1]
        assert (count.dtype, count.item()) == (np.int64, 5)
        assert dgamma.tolist() == [6, 6]
        assert dbeta is None


def test_all_start_with_the_first_ones_weights_and_a_difference_is_noticed():
    def work(workers):
        tensors = [Tensor(np.full(3, workers.rank, np.float32)), Tensor(np.array(workers.rank))]
        workers.start_alike(tensors)
        workers.check_alike(tensors, "at first")
        values = [t.numpy().tolist() for t in tensors]
        tensors[0].data[1] += 1e-6 * (workers.rank == 2)
        said = ""
        try:
            workers.check_alike(tensors, "after epoch 3")
        except MinicnnError as error:
            said = str(error)
        return values, said

    for values, said in several(work):
        assert values == [[0, 0, 0], 0]
        assert said.startswith("the workers' weights differ after epoch 3")
        assert "worker 2 has others than worker 0" in said


def test_a_trainer_begins_with_the_same_weights_and_shared_batches_or_not_at_all():
    loader = DataLoader(ArrayDataset(np.zeros((4, 2), np.float32), np.zeros(4, np.int64)), 2)

    def work(workers):
        model, said = nn.Linear(2, 2), []
        model.weight.data = np.full((2, 2), workers.rank, np.float32)
        trainer = Trainer(model, SGD(model.parameters(), lr=0.1), workers=workers)
        shared = workers.share(loader)
        for train in (loader, shared):
            with pytest.raises(ArgumentError) as caught:
                trainer.fit(train, shared, 1)
            said.append(str(caught.value))
        workers.start_alike([*model.parameters(), *model.buffers()])
        trainer.fit(shared, shared, 1)
        return said, trainer.steps

    for said, steps in several(work, size=2):
        assert "each gets its part of every batch: give fit(workers.share(loader), ...)" in said[0]
        assert "the workers begin with different weights: call manual_seed(...) before the network is made, or workers.start_alike(" in said[1]
        assert steps == 2


def test_what_is_drawn_in_a_step_is_another_on_each_worker_and_the_same_after_a_break():
    def drawn(rank, step):
        class Place(Alone):
            size = 1

        place = Place()
        place.rank = rank
        manual_seed(1)
        Workers(place, seed=4).begin_step(step)
        return generator().random()

    manual_seed(1)
    assert drawn(0, 7) == pytest.approx(np.random.default_rng(1).random()), "the first goes on with the process's generator"
    assert drawn(1, 7) == drawn(1, 7)
    assert len({drawn(0, 7), drawn(1, 7), drawn(2, 7), drawn(1, 8)}) == 4


def test_they_go_one_after_the_other():
    order = []

    def work(communicator):
        with in_turn(communicator):
            order.append(("in", communicator.rank))
            order.append(("out", communicator.rank))

    run_threads(3, work, delay=0.01)
    assert order == [(way, rank) for rank in range(3) for way in ("in", "out")]


def test_a_lone_worker_sends_nothing():
    class Mute(Alone):
        def __getattribute__(self, name):
            assert name in ("rank", "size"), name
            return super().__getattribute__(name)

    workers, layer = Workers(Mute()), nn.Linear(2, 1)
    with workers.reducing(layer, list(layer.parameters())):
        layer(Tensor([[1.0, 2.0]])).backward()
    workers.start_alike(layer.parameters())
    workers.check_alike(layer.parameters(), "ever")
    assert layer.weight.grad.tolist() == [[1, 2]]
    assert (workers.total(3.0), workers.mean(2.0, 5), workers.agree("x"), workers.work_together) == ((3.0,), 2.0, "x", False)
