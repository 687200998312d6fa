"""Linear classifiers on features, and the table that they are advice for."""

import numpy as np
import pytest

import minicnn
from minicnn import data, models, nn
from minicnn.errors import ArgumentError, ShapeError
from minicnn.transfer import LinearProbe, advise, measured_similarity, probe_stages, stage_paths
from minicnn.transfer.advice import similarity_of

RNG = np.random.default_rng(3)


def test_a_linear_truth_is_found_in_features_of_any_scale():
    x = (RNG.standard_normal((400, 6)) * [1e-3, 1, 1, 10, 1e3, 1] + 5).astype(np.float32)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    y = (z @ RNG.standard_normal((6, 3))).argmax(axis=1)
    probe = LinearProbe(l2=1e-4, steps=400).fit(x[:300], y[:300])
    assert probe.accuracy(x[300:], y[300:]) >= 0.95


def test_it_ends_at_the_minimum_of_the_penalised_loss_and_always_at_the_same():
    """At the minimum, the gradient of the mean cross-entropy is -l2 W, computed here by the formula (p - onehot)ᵀ z / N."""
    x, y = RNG.standard_normal((60, 4)).astype(np.float32), RNG.integers(0, 3, 60)
    probe = LinearProbe(l2=0.1, steps=600).fit(x, y)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    W, b = probe.layer.weight.numpy().astype(np.float64), probe.layer.bias.numpy().astype(np.float64)
    scores = z @ W.T + b
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    np.testing.assert_allclose((p - np.eye(3)[y]).T @ z / 60, -0.1 * W, atol=1e-4)
    np.testing.assert_allclose((p - np.eye(3)[y]).mean(axis=0), 0, atol=1e-4)
    assert LinearProbe(l2=0.1, steps=600).fit(x, y).layer.weight.numpy().tobytes() == probe.layer.weight.numpy().tobytes()


def test_a_feature_that_never_changes_says_nothing_and_does_no_harm():
    x = np.stack([np.ones(20), np.arange(20) - 9.5], axis=1).astype(np.float32)
    assert LinearProbe().fit(x, (x[:, 1] > 0).astype(int)).accuracy(x, x[:, 1] > 0) == 1


def test_it_draws_nothing_and_takes_features_of_any_dtype():
    minicnn.manual_seed(0)
    expected = minicnn.randn(3).numpy()
    minicnn.manual_seed(0)
    x, y = RNG.standard_normal((20, 3)), np.arange(20) % 2
    probe = LinearProbe().fit(x, y)
    assert minicnn.randn(3).numpy().tobytes() == expected.tobytes()
    assert (probe.predict(x) == LinearProbe().fit(x.astype(np.float32), y).predict(x)).all()


def test_other_samples_are_standardised_as_those_of_the_training():
    x = np.array([[0.0], [1.0], [9.0], [10.0]], np.float32)
    probe = LinearProbe().fit(x, np.array([0, 0, 1, 1]))
    assert probe.predict(np.array([[8.0], [9.0], [10.0]], np.float32)).tolist() == [1, 1, 1]
    assert probe.predict(np.array([[3.0]], np.float32)).tolist() == [0]


def test_wrong_input():
    with pytest.raises(ShapeError, match=r"needs features \(N, F\) and labels \(N,\), not \(2, 3, 4\) and \(2,\)"):
        LinearProbe().fit(np.zeros((2, 3, 4)), np.array([0, 1]))
    with pytest.raises(ArgumentError, match="needs samples of two classes at least"):
        LinearProbe().fit(np.zeros((2, 3)), np.array([1, 1]))
    with pytest.raises(ArgumentError, match="call fit"):
        LinearProbe().predict(np.zeros((2, 3)))


class Forgetful(nn.Module):
    """Passes the mean brightness on in its first stage, and a constant in its second."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 2, 1, bias=False), nn.Conv2d(2, 2, 2, stride=2)
        self.pool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(2, 2)
        self.second.weight.data[...] = 0

    def forward(self, x):
        return self.fc(self.pool(self.second(self.first(x))).flatten(1))


def brightness(count, seed):
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    images = (rng.standard_normal((count, 1, 8, 8)) + 2 * labels[:, None, None, None]).astype(np.float32)
    return data.DataLoader(data.ArrayDataset(images, labels), batch_size=16)


def test_the_stage_that_keeps_the_truth_is_seen_and_a_top_that_forgets_it_makes_the_images_different():
    minicnn.manual_seed(0)
    net = Forgetful()
    before, modes = net.state_dict(), [module.training for module in net.modules()]
    assert stage_paths(net, (1, 8, 8)) == ["first", "second"]
    found = probe_stages(net, brightness(40, 0), brightness(40, 1))
    assert list(found) == ["first", "second", "input of fc"]
    assert found["first"] == 1
    assert found["input of fc"] == 0.5
    similarity, same = measured_similarity(net, brightness(40, 0), brightness(40, 1))
    assert (similarity, same) == (-0.5, found)
    assert {name: array.tobytes() for name, array in net.state_dict().items()} == {name: array.tobytes() for name, array in before.items()}
    assert [module.training for module in net.modules()] == modes


def test_all_stages_are_computed_in_one_pass():
    net, passes = Forgetful(), []
    net.first.register_forward_hook(lambda layer, given, y: passes.append(y.shape[0]))
    probe_stages(net, brightness(40, 0), brightness(32, 1))
    assert sum(size for size in passes if size > 1) == 40 + 32  # shapes are asked for with one image


class Late(Forgetful):
    """Passes the brightness on in its second stage alone, and a constant to its last layer."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 1, 1, bias=False), nn.Conv2d(1, 2, 2, stride=2)
        self.first.weight.data[...] = 0

    def forward(self, x):
        return self.fc(self.pool(0 * self.second(x + self.first(x))).flatten(1))


def test_the_last_stage_is_not_one_of_those_before_it():
    minicnn.manual_seed(0)
    net = Late()
    similarity, accuracies = measured_similarity(net, brightness(40, 0), brightness(40, 1))
    assert (accuracies["first"], accuracies["second"], accuracies["input of fc"]) == (0.5, 1, 0.5)
    assert similarity == 0


def test_similarity_is_the_top_less_the_best_before_the_last_stage():
    assert similarity_of({"1": 0.25, "2": 0.5, "3": 0.9, "input of fc": 0.75}, 2) == 0.25


def test_one_stage_cannot_be_compared():
    with pytest.raises(ArgumentError, match="has one stage only"):
        measured_similarity(nn.Sequential(nn.Conv2d(1, 2, 1), nn.Flatten(), nn.Linear(128, 2)), brightness(4, 0), brightness(4, 1))


@pytest.mark.parametrize(
    ("count", "similarity", "strategy", "part"),
    [
        (99, 0.0, "linear", "a linear classifier on the top layer"),
        (100, 0.3, "few", "fine-tune a few layers"),
        (5, -0.01, "stages", "in trouble"),
        (5000, -1, "all", "a larger number of layers"),
    ],
)
def test_the_four_corners_of_the_table(count, similarity, strategy, part):
    advice = advise(count, similarity)
    assert advice.strategy == strategy
    assert part in advice.sentence


def test_no_data_no_advice():
    with pytest.raises(ArgumentError, match="images_per_class"):
        advise(0, 0.1)


def test_stages_of_a_real_network():
    with minicnn.use_backend("meta"):
        assert stage_paths(models.EfficientNetLite0(), (3, 96, 96)) == ["_blocks.0", "_blocks.2", "_blocks.4", "_blocks.10", "_conv_head"]
