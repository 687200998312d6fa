"""By which figures decisions are made, and with which weights: plateau, early stop, average, mixup, the scale of the loss."""

import numpy as np
import pytest

import minicnn
from minicnn import data, nn, optim
from minicnn.data import mixup
from minicnn.ops import cross_entropy
from minicnn.train import Callback, EarlyStopping, Epoch, Recipe, Trainer, WeightAverage, evaluate


def batches(count, seed=0, batch_size=8):
    x = np.random.default_rng(seed).standard_normal((count, 1, 2, 2)).astype(np.float32)
    return data.DataLoader(data.ArrayDataset(x, (x.sum((1, 2, 3)) > 0).astype(np.int64)), batch_size)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.head = nn.BatchNorm2d(1), nn.Linear(4, 3)

    def forward(self, x):
        return self.head(self.norm(x).flatten(1))


def made(lr=0.5, **options):
    minicnn.manual_seed(0)
    net = Net()
    return Trainer(net, optim.SGD(net.parameters(), lr=lr), **options)


def test_mixup_trains_towards_both_labels():
    """The gradient of the scores' bias is the mean of softmax - (share onehot(labels) + (1 - share) onehot(others))."""
    trainer, ((images, labels),), test = made(mixup=1.0), list(batches(8)), batches(8, 1)
    bias, net = trainer.model.head.bias.numpy().copy(), trainer.model
    mixed = mixup(images, labels, np.random.default_rng(5), 1.0)
    assert 0.2 < mixed.share < 0.8
    assert mixed.others.tolist() != labels.tolist()
    net.train()
    scores = net(mixed.images).numpy().astype(np.float64)
    softmax = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    targets = mixed.share * np.eye(3)[labels.numpy()] + (1 - mixed.share) * np.eye(3)[mixed.others.numpy()]
    minicnn.manual_seed(5)
    trainer.fit([(images, labels)], test, 1)
    np.testing.assert_allclose(net.head.bias.numpy(), bias - 0.5 * (softmax - targets).mean(axis=0), rtol=1e-4, atol=1e-6)
    assert trainer.history[0].train_loss == pytest.approx(-(targets * np.log(softmax)).sum(axis=1).mean(), rel=1e-5)


def test_an_average_follows_running_statistics_and_leaves_counts():
    trainer = made()
    average = WeightAverage(trainer.model, 0.0)  # no memory: the average is the last
    halfway = WeightAverage(trainer.model, 0.15)
    start = trainer.model.norm.running_var.item()
    trainer.average = average
    trainer.fit(batches(8), batches(8, 1), 1)
    halfway.update()
    now = trainer.model.norm.running_var.item()
    assert now != start
    assert average.state_dict()["averages"]["norm.running_var"].item() == pytest.approx(now)
    assert "norm.num_batches_tracked" not in average.state_dict()["averages"]
    with halfway.in_place():
        assert trainer.model.norm.running_var.item() == pytest.approx(0.15 * start + 0.85 * now, rel=1e-6)
    assert trainer.model.norm.running_var.item() == now


def test_validation_and_held_out_images_are_judged_by_the_averaged_weights():
    trainer = made()
    trainer.average = WeightAverage(trainer.model, 0.9)
    (epoch,) = trainer.fit(batches(16), batches(8, 1), 1, validation=batches(8, 2))
    own = evaluate(trainer.model, batches(8, 2)).loss
    with trainer.average.in_place():
        assert epoch.validation_loss == evaluate(trainer.model, batches(8, 2)).loss != own
        assert epoch.test_loss == evaluate(trainer.model, batches(8, 1)).loss


def test_a_plateau_is_told_the_validation_loss():
    told = []

    class Recording(optim.ReduceLROnPlateau):
        def step(self, metric):
            told.append(metric)
            super().step(metric)

    trainer = made()
    trainer.schedule = Recording(trainer.optimizer)
    history = trainer.fit(batches(16), batches(8, 1), 2, validation=batches(8, 2))
    assert told == [epoch.validation_loss for epoch in history]
    assert len({value for epoch in history for value in (epoch.train_loss, epoch.test_loss, epoch.validation_loss)}) == 6


@pytest.mark.parametrize(
    ("losses", "patience", "ends_after"),
    [
        ([3, 2, 2.5, 2.4, 2.3, 2.2], 2, 4),  # the second and the third after the lowest are one and two
        ([3, 2, 2.5, 2.4, 1.9, 2.2, 2.2, 2.2], 3, 8),
        ([3, 3, 1, 2], 1, 2),  # equal is not lower
        ([3, 2, 1, 0.5], 1, None),
    ],
)
def test_patience_counts_the_epochs_after_the_lowest_loss(losses, patience, ends_after):
    history = [Epoch(number, 0.1, 9 - number, 0, number, 0, 1, 1, loss, 0) for number, loss in enumerate(losses, 1)]
    early = EarlyStopping(patience)
    assert next((n for n in range(1, len(history) + 1) if early.reason(history[:n])), None) == ends_after


def test_the_scale_of_the_loss_goes_on_where_it_was():
    one, other = made(), made()
    one.scaler, other.scaler = optim.GradScaler(8.0, growth_interval=2), optim.GradScaler()
    one.fit(batches(24), batches(8, 1), 1)
    assert one.scaler.get_scale() == 16.0
    other.load_state_dict(one.state_dict())
    assert other.scaler.state_dict() == one.scaler.state_dict() == {**one.scaler.state_dict(), "scale": 16.0, "steps_since": 1}


def test_label_smoothing_and_clip_norm_reach_the_step():
    recipe = Recipe(model="LeNet5", batch_size=1437, epochs=1, label_smoothing=0.3, clip_norm=1e-3, lr=0.1, schedule="constant", augment="none")
    parts, norms = recipe.build(), []

    class Watch(Callback):
        def on_step(self, trainer, metrics):
            norms.append(np.sqrt(sum(float((p.grad.numpy() ** 2).sum()) for p in trainer.model.parameters())))

    few = [next(iter(parts.test))]
    parts.model.train()
    expected = cross_entropy(parts.model(few[0][0]), few[0][1], label_smoothing=0.3).item()
    parts.trainer.fit(few, few, 1, callbacks=[Watch()])
    assert parts.trainer.history[0].train_loss == pytest.approx(expected, rel=1e-6)
    assert norms == pytest.approx([1e-3], rel=1e-2)
