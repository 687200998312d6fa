"""The training loop: it learns, repeats itself bit for bit, and stops when it must."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, data, models, nn, optim
from minicnn.errors import ArgumentError, NonFiniteError
from minicnn.train import Callback, Recipe, StopWhen, Trainer, evaluate


class Calls(Callback):
    """Calls functions, which get what a step or a pass has given."""

    def __init__(self, on_step=lambda metrics: None, on_epoch=lambda epoch: None):
        self.step, self.epoch = on_step, on_epoch

    def on_step(self, trainer, metrics):
        self.step(metrics)

    def on_epoch(self, trainer, epoch):
        self.epoch(epoch)


def two_batches():
    rng = np.random.default_rng(0)
    images = rng.standard_normal((12, 1, 4, 4), dtype=np.float32)
    return data.DataLoader(data.ArrayDataset(images, (images.sum((1, 2, 3)) > 0).astype(np.int64)), batch_size=6)


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop, self.linear = nn.Dropout(0.2), nn.Linear(16, 2)

    def forward(self, x):
        return self.linear(self.drop(x.reshape(x.shape[0], -1)))


def small_trainer(lr=0.1):
    minicnn.manual_seed(0)
    model = Small()
    return Trainer(model, optim.SGD(model.parameters(), lr=lr))


def test_each_step_is_the_formula():
    trainer, (images, labels) = small_trainer(0.5), next(iter(two_batches()))
    trainer.model.drop.p = 0.0
    w = trainer.model.linear.weight.numpy().astype(np.float64)
    b, x = np.zeros(2), images.numpy().reshape(6, 16)
    for _ in range(3):
        scores = np.exp(x @ w.T + b)
        wrong = scores / scores.sum(axis=1, keepdims=True) - np.eye(2)[labels.numpy()]
        w, b = w - 0.5 * wrong.T @ x / 6, b - 0.5 * wrong.mean(axis=0)
    trainer.fit([(images, labels)], two_batches(), epochs=3)
    np.testing.assert_allclose(trainer.model.linear.weight.numpy(), w, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(trainer.model.linear.bias.numpy(), b, rtol=1e-4, atol=1e-5)


def test_evaluation_learns_nothing_and_restores_the_mode():
    trainer = small_trainer()
    before = trainer.model.state_dict()
    first, second = (evaluate(trainer.model, two_batches()).loss for _ in range(2))
    assert first == second  # dropout is off
    assert trainer.model.training
    for name, value in trainer.model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    assert trainer.model.linear.weight.grad is None


class Normed(nn.Module):
    """A frozen batch norm, as in fine-tuning: it was put into eval() by hand."""

    def __init__(self):
        super().__init__()
        self.norm, self.small = nn.BatchNorm2d(1), Small()

    def forward(self, x):
        return self.small(self.norm(x))


def normed():
    minicnn.manual_seed(0)
    model = Normed()
    model(minicnn.randn(8, 1, 4, 4))  # a batch norm that has seen nothing warns in evaluation
    model.norm.eval()
    return model


def test_a_layer_frozen_by_hand_stays_frozen_and_the_rest_is_trained():
    model, modes = normed(), []
    mean = model.norm.running_mean.numpy().copy()
    evaluate(model, two_batches())
    assert [m.training for m in model.modules()] == [True, False, True, True, True]
    Trainer(model, optim.SGD(model.parameters(), lr=0.1)).fit(
        two_batches(), two_batches(), 2, callbacks=[Calls(lambda m: modes.append([m.training for m in model.modules()]))]
    )
    assert modes == [[True, False, True, True, True]] * 4
    np.testing.assert_array_equal(model.norm.running_mean.numpy(), mean)


def test_a_layer_frozen_between_two_epochs_stays_frozen():
    model, modes = normed(), []
    model.train()
    Trainer(model, optim.SGD(model.parameters(), lr=0.1)).fit(
        two_batches(), two_batches(), 3, callbacks=[Calls(lambda m: modes.append(model.norm.training), lambda epoch: model.norm.eval())]
    )
    assert modes == [True] * 2 + [False] * 4


def test_a_network_in_evaluation_mode_is_switched_to_training():
    model, modes = normed().eval(), []
    Trainer(model, optim.SGD(model.parameters(), lr=0.1)).fit(
        two_batches(), two_batches(), 1, callbacks=[Calls(lambda m: modes.append([m.training for m in model.modules()]))]
    )
    assert modes == [[True] * 5] * 2


def test_nothing_to_evaluate_on():
    with pytest.raises(ArgumentError, match="no images"):
        evaluate(Small(), [])


def test_a_step_is_reported_after_every_batch_and_a_pass_after_every_epoch():
    seen, epochs = [], []
    trainer = small_trainer()
    trainer.fit(two_batches(), two_batches(), 3, callbacks=[Calls(lambda m: seen.append(m.images), epochs.append)])
    assert seen == [6, 12] * 3
    assert [e.epoch for e in epochs] == [1, 2, 3]
    assert trainer.steps == 6
    assert epochs[-1].train_loss < epochs[0].train_loss


def test_stop_ends_between_two_steps():
    trainer = small_trainer()
    trainer.fit(two_batches(), two_batches(), 5, callbacks=[StopWhen(lambda: trainer.steps >= 3, "enough")])
    assert trainer.stopped == "enough"
    assert trainer.steps == 3
    assert len(trainer.history) == 1


def test_a_schedule_is_stepped_after_every_batch():
    trainer = small_trainer(1.0)
    trainer.schedule = optim.StepLR(trainer.optimizer, step_size=1, gamma=0.5)
    trainer.fit(two_batches(), two_batches(), 2)
    assert [e.lr for e in trainer.history] == [1.0, 0.25]


def test_a_plateau_schedule_is_told_the_training_loss_once_an_epoch():
    trainer, told = small_trainer(1.0), []

    class Recording(optim.ReduceLROnPlateau):
        def step(self, metric):
            told.append((metric, trainer.steps))
            super().step(metric)

    trainer.schedule = Recording(trainer.optimizer, factor=0.5, patience=0, threshold=1.0)  # nothing counts as an improvement
    trainer.fit(two_batches(), two_batches(), 3)
    assert told == [(epoch.train_loss, 2 * epoch.epoch) for epoch in trainer.history]
    assert all(epoch.train_loss != epoch.test_loss for epoch in trainer.history)
    assert [epoch.lr for epoch in trainer.history] == [1.0, 1.0, 0.5]


def test_a_held_out_loss_that_is_not_finite_stops_before_it_is_reported():
    trainer, reported = small_trainer(0.1), []
    images, labels = next(iter(two_batches()))
    bad = Tensor(np.full(images.shape, np.inf, np.float32))
    with pytest.raises(NonFiniteError, match=r"the held-out loss is nan after epoch 1, with a learning rate of 0\.1: try 0\.01"):
        trainer.fit(two_batches(), [(bad, labels)], 2, callbacks=[Calls(on_epoch=reported.append)])
    assert reported == trainer.history == []


def test_a_loss_that_is_not_finite_stops_with_the_step_and_the_cure():
    trainer = small_trainer(0.1)
    images, labels = next(iter(two_batches()))
    bad = Tensor(np.full(images.shape, np.nan, np.float32))
    weights = []
    with pytest.raises(NonFiniteError) as caught:
        trainer.fit([(images, labels), (bad, labels)], two_batches(), 2, callbacks=[Calls(lambda m: weights.append(trainer.model.state_dict()))])
    assert "the loss is nan at step 2 (epoch 1), with a learning rate of 0.1: try 0.01" in str(caught.value)
    for name, value in trainer.model.state_dict().items():
        np.testing.assert_array_equal(value, weights[-1][name])


@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_same_seed_same_losses_bit_for_bit(backend):
    def losses(seed):
        parts = Recipe(epochs=1, seed=seed).build()
        few = [batch for batch, _ in zip(parts.train, range(8), strict=False)]
        found = []
        parts.trainer.fit(few, few, 1, callbacks=[Calls(lambda m: found.append(m.total_loss))])
        return found

    with minicnn.use_backend(backend):
        assert losses(5) == losses(5)
        assert losses(5) != losses(6)


def test_a_students_kernels_train_lenet():
    from minicnn import kernels

    calls = []

    def forward(x, w, b):
        calls.append(x.shape)
        return x @ w.T + (0 if b is None else b), (x, w)

    def backward(dy, saved, *, needs):
        x, w = saved
        return dy @ w, dy.T @ x, dy.sum(0) if needs[2] else None

    kernels.register("linear", forward=forward, backward=backward, backend="tests-student")
    try:
        with minicnn.use_backend("tests-student"):
            parts = Recipe(batch_size=128).build()
            history = parts.trainer.fit(list(parts.train), parts.test, 2)
    finally:
        kernels.unregister("tests-student")
    assert calls
    assert history[-1].train_loss < history[0].train_loss
    assert isinstance(parts.model, models.LeNet5)


class WithAuxiliary(Small):
    """A second classifier, which runs in training only."""

    def __init__(self):
        super().__init__()
        self.aux = nn.Linear(16, 2)

    def forward(self, x):
        scores = super().forward(x)
        return models.Outputs(scores, (self.aux(x.reshape(x.shape[0], -1)),)) if self.training else scores


def test_auxiliary_classifiers_are_trained_with_the_network():
    minicnn.manual_seed(0)
    model = WithAuxiliary()
    before = model.state_dict()
    (epoch,) = Trainer(model, optim.SGD(model.parameters(), lr=0.1)).fit(two_batches(), two_batches(), epochs=1)
    after = model.state_dict()
    assert not np.array_equal(before["aux.weight"], after["aux.weight"])
    assert not np.array_equal(before["linear.weight"], after["linear.weight"])
    assert epoch.train_loss > epoch.test_loss  # 0.3 of the second loss is in it
