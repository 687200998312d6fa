"""What a step may do beside the formula: accumulate, clip, average, smooth, and say where NaN begins."""

import math

import numpy as np
import pytest

import minicnn
from minicnn import data, nn, optim
from minicnn.errors import ArgumentError, NonFiniteError, StateDictError
from minicnn.train import Callback, Trainer, WeightAverage


def images(count, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((count, 1, 3, 5))
    return data.ArrayDataset(x.astype(np.float32), (x.sum((1, 2, 3)) > 0).astype(np.int64))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(15, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.second(minicnn.ops.relu(self.first(x.flatten(1))))


def trained(batch_size, accumulate=1, count=20, **options):
    minicnn.manual_seed(3)
    model = Net()
    trainer = Trainer(model, optim.SGD(model.parameters(), lr=0.5, momentum=0.9), accumulate=accumulate, **options)
    trainer.fit(data.DataLoader(images(count), batch_size), data.DataLoader(images(5, 1), 5), 2)
    return trainer


def test_accumulated_batches_are_one_large_batch_also_where_the_last_are_smaller():
    """20 images: steps of 12 and 8; in batches of 4 by threes, 4 + 4 + 4 and 4 + 4; in batches of 6 by twos, 6 + 6 and 6 + 2."""
    large = trained(12)
    for batch_size, accumulate in ((4, 3), (6, 2)):
        small = trained(batch_size, accumulate)
        assert small.steps == large.steps == 4
        for name, value in large.model.state_dict().items():
            np.testing.assert_allclose(small.model.state_dict()[name], value, rtol=2e-5, atol=2e-6)
        assert small.history[-1].train_loss == pytest.approx(large.history[-1].train_loss, rel=1e-5)
    other = trained(4, 2)
    assert abs(other.model.state_dict()["first.weight"] - large.model.state_dict()["first.weight"]).max() > 1e-3


def test_gradients_are_clipped_to_the_norm_and_the_norm_before_is_kept():
    norms = []

    class Watch(Callback):
        def on_step(self, trainer, metrics):
            squares = sum(float((p.grad.numpy().astype(np.float64) ** 2).sum()) for p in trainer.model.parameters())
            norms.append((trainer.gradient_norm, math.sqrt(squares)))

    for clip_norm in (None, 0.05):
        minicnn.manual_seed(3)
        model = Net()
        trainer = Trainer(model, optim.SGD(model.parameters(), lr=0.1), clip_norm=clip_norm)
        trainer.fit(data.DataLoader(images(8), 8), data.DataLoader(images(5, 1), 5), 1, callbacks=[Watch()])
    (free, same), (before, after) = norms
    assert free == pytest.approx(same, rel=1e-6)
    assert before == pytest.approx(free, rel=1e-6)
    assert before > 0.05
    assert after == pytest.approx(0.05, rel=1e-4)


def test_the_average_is_the_formula_and_is_what_is_evaluated():
    minicnn.manual_seed(3)
    model = Net()
    average, expected = WeightAverage(model, 0.15), model.state_dict()["first.bias"].astype(np.float64)
    trainer = Trainer(model, optim.SGD(model.parameters(), lr=0.5), average=average)

    class Watch(Callback):
        seen = expected

        def on_step(self, trainer, metrics):
            d = min(0.15, (1 + trainer.steps) / (10 + trainer.steps))  # 2/11 and 3/12 are above 0.15
            Watch.seen = d * Watch.seen + (1 - d) * trainer.model.first.bias.numpy()

        def on_test_batch(self, trainer, scores, labels):
            np.testing.assert_allclose(trainer.model.first.bias.numpy(), Watch.seen, rtol=1e-5)

        def on_epoch(self, trainer, epoch):
            assert abs(trainer.model.first.bias.numpy() - Watch.seen).max() > 1e-4

    trainer.fit(data.DataLoader(images(8), 4), data.DataLoader(images(5, 1), 5), 2, callbacks=[Watch()])
    np.testing.assert_allclose(average.state_dict()["averages"]["first.bias"], Watch.seen, rtol=1e-5)


def test_an_average_grows_its_memory():
    model = Net()
    average = WeightAverage(model, 0.999)
    start = model.first.bias.numpy().copy()
    model.first.bias.data += 1
    average.update()
    np.testing.assert_allclose(average.state_dict()["averages"]["first.bias"], start + 9 / 11, rtol=1e-5)


def test_an_average_of_other_weights():
    with pytest.raises(StateDictError, match="of other weights than this network's"):
        WeightAverage(Net()).load_state_dict(WeightAverage(nn.Linear(15, 4)).state_dict())
    with pytest.raises(ArgumentError, match="WeightAverage: decay must be a number from 0 to less than 1, not 1"):
        WeightAverage(Net(), 1)


class Spoiled(Net):
    """Its second step takes the logarithm of negative numbers, in a layer called `deep`."""

    def __init__(self, where):
        super().__init__()
        self.where, self.calls = where, 0

    def forward(self, x):
        self.calls += 1
        h = self.first(x.flatten(1))
        if self.where == "forward" and self.calls >= 2:
            h = h.log()
        if self.where == "backward" and self.calls >= 2:
            h = (h * 0.0).sqrt() + h  # its slope at 0 is infinite, and 0 times that is NaN
        return self.second(h)


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ("forward", r"the loss is nan at step 2 \(epoch 1\), with a learning rate of 0\.1: try 0\.01; it begins in Spoiled\(\): Log \(test_steps\.py, line \d+\): its result is NaN"),
        ("backward", r"the gradient of first\.\w+, of shape \(.*\), is NaN at step 2 \(epoch 1\), .*; it begins in .*Sqrt.*test_steps\.py"),
    ],
)
def test_nan_stops_before_the_weights_are_spoiled_and_names_the_operation(where, what):
    minicnn.manual_seed(3)
    model, seen = Spoiled(where), []

    class Watch(Callback):
        def on_step(self, trainer, metrics):
            seen.append(trainer.model.state_dict())

    trainer = Trainer(model, optim.SGD(model.parameters(), lr=0.1))
    with pytest.raises(NonFiniteError, match=what):
        trainer.fit(data.DataLoader(images(12), 4), data.DataLoader(images(5, 1), 5), 1, callbacks=[Watch()])
    assert len(seen) == 1
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, seen[0][name])
