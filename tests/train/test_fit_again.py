"""What the training loop keeps from one `fit` to the next, and what it must not; and what it refuses."""

import numpy as np
import pytest

import minicnn
from minicnn import data, nn, optim
from minicnn.errors import ArgumentError, NonFiniteError, StateDictError
from minicnn.train import Callback, EarlyStopping, Metrics, Recipe, StopWhen, Trainer, WeightAverage


def batches(count=24, batch_size=6):
    x = np.random.default_rng(0).standard_normal((count, 1, 2, 2)).astype(np.float32)
    return data.DataLoader(data.ArrayDataset(x, (x.sum((1, 2, 3)) > 0).astype(np.int64)), batch_size)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.body, self.head = nn.BatchNorm2d(1), nn.Linear(4, 3), nn.Linear(3, 2)

    def forward(self, x):
        return self.head(self.body(self.norm(x).flatten(1)))


def made(only_head=False, **options):
    minicnn.manual_seed(0)
    net = Net()
    return Trainer(net, optim.SGD((net.head if only_head else net).parameters(), lr=0.1), **options)


def test_only_the_optimisers_gradients_are_measured_clipped_and_kept():
    """The body has gradients, too: 1000 times as large, they would leave nothing of the head's, and pile up."""
    trainer, norms = made(only_head=True, clip_norm=1e-3), []
    trainer.model.body.weight.data *= 0.001
    trainer.model.head.weight.data *= 1000

    class Watch(Callback):
        def on_step(self, trainer, metrics):
            head, body = trainer.model.head, trainer.model.body
            norms.append((np.sqrt(sum((p.grad.numpy() ** 2).sum() for p in head.parameters())), np.abs(body.weight.grad.numpy()).max()))

    trainer.fit([next(iter(batches()))] * 2, batches(), 1, callbacks=[Watch()])
    assert trainer.gradient_norm < 10
    assert [norm for norm, _ in norms] == pytest.approx([1e-3, 1e-3], rel=1e-2)
    assert norms[1][1] == pytest.approx(norms[0][1], rel=0.05)  # not twice as large


def test_clip_norm_is_one_for_all_groups():
    minicnn.manual_seed(0)
    net = Net()
    groups = [{"params": list(net.body.parameters()), "lr": 0.1}, {"params": list(net.head.parameters()), "lr": 0.01}]
    trainer, found = Trainer(net, optim.SGD(groups, lr=0.1), clip_norm=0.01), []

    class Watch(Callback):
        def on_step(self, trainer, metrics):
            found.append(np.sqrt(sum((p.grad.numpy() ** 2).sum() for part in (net.body, net.head) for p in part.parameters())))

    trainer.fit(batches(6), batches(), 1, callbacks=[Watch()])
    assert found == pytest.approx([0.01], rel=1e-3)


def test_a_second_fit_begins_a_new_pass():
    trainer, seen = made(), []

    class Watch(Callback):
        def on_step(self, trainer, metrics):
            seen.append(metrics.batches)

    trainer.fit(batches(), batches(), 1, callbacks=[StopWhen(lambda: trainer.steps >= 2, "enough")])
    assert (trainer.history, trainer.stopped) == ([], "enough")
    trainer.fit(batches(), batches(), 1, callbacks=[Watch()])
    assert seen == [1, 2, 3, 4]
    assert trainer.stopped is None


def test_an_epoch_is_none_without_a_step():
    """The error comes in the evaluation, after a whole pass: the next `fit` does not take that for its own."""
    trainer = made()
    spoiled = [(minicnn.Tensor(np.full((1, 1, 2, 2), np.nan, np.float32)), minicnn.Tensor([0]))]
    with pytest.raises(NonFiniteError):
        trainer.fit([*batches(), *spoiled], batches(), 1)
    steps = trainer.steps
    (epoch,) = trainer.fit(batches(), batches(), 1)
    assert trainer.steps == steps + 4
    assert epoch.train_loss > 0


def test_the_middle_of_a_pass_can_be_loaded_also_in_the_same_process():
    trainer, loader = made(), batches()
    trainer.fit(loader, batches(), 1, callbacks=[StopWhen(lambda: trainer.steps >= 3, "enough")])
    trainer.load_state_dict(trainer.state_dict())
    loader.load_state_dict(loader.state_dict())
    trainer.fit(loader, batches(), 1)
    assert trainer.steps == 4
    fresh = made()
    fresh.fit(batches(), batches(), 1)
    np.testing.assert_array_equal(trainer.model.head.weight.numpy(), fresh.model.head.weight.numpy())


def test_a_state_between_two_passes_ends_the_pass_at_hand():
    trainer, between = made(), made().state_dict()
    trainer.fit(batches(), batches(), 1, callbacks=[StopWhen(lambda: True, "enough")])
    trainer.load_state_dict(between)
    assert trainer.state_dict()["seen"] is None


def test_a_state_with_other_parts_changes_nothing():
    for name, there, here in (("average", True, False), ("average", False, True), ("schedule", True, False), ("schedule", False, True), ("scaler", True, False)):
        one, other = made(), made()
        for trainer, has in ((one, there), (other, here)):
            if has and name == "average":
                trainer.average = WeightAverage(trainer.model)
            if has and name == "schedule":
                trainer.schedule = optim.StepLR(trainer.optimizer, 1)
            if has and name == "scaler":
                trainer.scaler = optim.GradScaler()
        one.model.head.weight.data += 1
        before = other.model.head.weight.numpy().copy()
        has, own = ("with", "none") if there else ("without", "one")
        with pytest.raises(StateDictError, match=f"the state is of a trainer {has} {name}, and this one has {own}"):
            other.load_state_dict(one.state_dict())
        np.testing.assert_array_equal(other.model.head.weight.numpy(), before)


def test_a_pass_without_images_is_none():
    trainer, used_up = made(), iter(batches())
    with pytest.raises(ArgumentError, match=r"epoch 2 saw no images: `train` gave no batch\. A generator can be walked through once only"):
        trainer.fit(used_up, batches(), 2)
    assert len(trainer.history) == 1


def test_the_running_statistics_of_a_step_that_was_nan_are_forgotten():
    trainer = made()
    good = next(iter(batches()))
    bad = (minicnn.Tensor(np.full((6, 1, 2, 2), np.nan, np.float32)), good[1])
    trainer.fit([good], batches(), 1)
    before = {name: value.copy() for name, value in trainer.model.state_dict().items()}
    for accumulate in (1, 2):
        trainer.accumulate = accumulate
        with pytest.raises(NonFiniteError):
            trainer.fit([good, bad] if accumulate == 2 else [bad], batches(), 2)
        for name, value in trainer.model.state_dict().items():
            np.testing.assert_array_equal(value, before[name], err_msg=name)


def test_a_stop_that_comes_during_the_evaluation():
    asked = []

    class Evaluated(Callback):
        def on_test_batch(self, trainer, scores, labels):
            asked.append(True)

    for epochs, why in ((3, "enough"), (1, None)):  # after the last epoch all is done
        asked.clear()
        trainer = made()
        trainer.fit(batches(), batches(), epochs, callbacks=[Evaluated(), StopWhen(lambda: bool(asked), "enough")])
        assert (len(trainer.history), trainer.steps, trainer.stopped) == (1, 4, why)


def test_early_stopping_needs_validation_images():
    with pytest.raises(ArgumentError, match=r"EarlyStopping goes by the loss on validation images, and there are none: give fit\(\.\.\., validation=\.\.\.\)"):
        made().fit(batches(), batches(), 1, callbacks=[EarlyStopping(1)])


def test_two_recipes_may_be_built_before_either_is_trained():
    """mixup draws from the process's generator while training goes on."""
    recipe = Recipe(epochs=1, batch_size=1437, mixup=0.5, lr=0.01)

    def loss(parts):
        return parts.trainer.fit(parts.train, list(parts.test)[:1], 1)[0].train_loss

    alone = loss(recipe.build())
    first, second = recipe.build(), recipe.build()
    assert [loss(first), loss(second)] == [alone, alone]


def test_an_image_that_is_mixed_counts_with_both_labels():
    metrics = Metrics()
    metrics.add(1.0, np.eye(3)[[0, 1, 2, 2]], np.array([0, 0, 2, 0]), np.array([1, 1, 2, 0]), 0.75)
    assert metrics.batch_accuracy == metrics.accuracy == (0.75 + 0.25 + 1 + 0) / 4
