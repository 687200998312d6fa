"""Plain and residual networks: the identity by construction, gradients by layer, and the experiment at toy scale."""

import json

import numpy as np
import pytest

import minicnn
from minicnn import models
from minicnn.autograd import Tensor, no_grad
from minicnn.experiments import Settings, degradation, run_experiment
from minicnn.models.residual_block import BasicBlock, Bottleneck
from minicnn.nn.mode import evaluating_untrained


@pytest.fixture(autouse=True)
def seeded():
    minicnn.manual_seed(0)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("block", [BasicBlock(8, 8), Bottleneck(8, 2)], ids=["BasicBlock", "Bottleneck"])
def test_a_closed_block_is_the_identity_behind_a_relu(block, training):
    x = np.random.default_rng(1).standard_normal((4, 8, 5, 5)).astype(np.float32)
    degradation.close(block)
    block.train(training)
    block(Tensor(x))  # so that there are running statistics
    with no_grad(), evaluating_untrained(block) if not training else no_grad():
        np.testing.assert_array_equal(block(Tensor(x)).numpy(), np.maximum(x, 0))
        np.testing.assert_array_equal(block(Tensor(abs(x))).numpy(), abs(x))


def test_a_deep_network_that_contains_a_shallow_one_computes_the_same():
    shallow, deep = models.ResNetCIFAR(8, width=4), models.ResNetCIFAR(20, width=4)
    images = Tensor(np.random.default_rng(0).standard_normal((4, 3, 16, 16)).astype(np.float32))
    for net in (shallow, deep):
        net(images)
        net.eval()
    scores, other = shallow(images).numpy(), deep(images).numpy()
    np.testing.assert_array_equal(degradation.deepened(shallow, deep)(images).numpy(), scores)
    assert not np.allclose(other, scores)


def test_relative_gradients_are_of_every_convolution_and_leave_nothing():
    net = models.PlainNetCIFAR(14, width=4)
    rng = np.random.default_rng(0)
    images, labels = Tensor(rng.standard_normal((8, 3, 16, 16)).astype(np.float32)), Tensor(np.arange(8))
    before = degradation.gradients(net, images, labels)
    assert len(before) == 13
    assert all(p.grad is None or not p.grad.numpy().any() for p in net.parameters())
    weight = net.layer1[0].conv2.weight
    weight.data = 2 * weight.data  # a batch norm follows: the same function, half the gradient, twice the weight
    after = degradation.gradients(net, images, labels)
    assert after[2] == pytest.approx(before[2] / 4, rel=1e-2)  # eps of the batch norm is the rest
    assert after[1] == pytest.approx(before[1], rel=1e-2)


def test_the_experiment_at_toy_scale(tmp_path, monkeypatch):
    for name, value in {"DEPTHS": (8, 14), "IMAGES": 64, "HELD_OUT": 32, "SIZE": 8, "WIDTH": 4, "EPOCHS": 2, "BATCH": 32, "DROP_AFTER": 1}.items():
        monkeypatch.setattr(degradation, name, value)
    said = []
    report = run_experiment("degradation", Settings(tmp_path, seed=2, say=said.append))
    assert [row[0] for row in report.rows] == ["plain-8", "plain-14", "ResNet-8", "ResNet-14"]
    assert all(len(row) == len(report.columns) for row in report.rows)
    assert report.findings[-1].holds
    assert "6 layers in blocks with F(x) = 0" in report.findings[-1].sentence
    assert len(said) == 4
    kept = json.loads((tmp_path / "degradation.json").read_text())["data"]
    assert len(kept["plain-14"]["train_error"]) == 2
    assert len(kept["ResNet-14"]["gradients"]["end"]) == 13
    assert (tmp_path / "degradation.png").stat().st_size > 10_000


def test_the_full_scale_is_the_recipe_of_the_paper(tmp_path):
    trainer, train, _, epochs = degradation._full(Settings(tmp_path, full=True, dataset="digits"), "plain", 14)
    assert sum(name.endswith("conv1.weight") for name, _ in trainer.model.named_parameters()) == 1 + 6
    assert (trainer.lr, trainer.schedule.milestones, train.batch_size, epochs) == (0.1, [82 * len(train), 123 * len(train)], 128, 164)


def test_findings_are_held_against_the_figures():
    def trained(error, gradients):
        epoch = degradation.Epoch(1, 0.1, 0.0, 1 - error, 0.0, 1 - error, 1.0, 1.0)
        net = models.ResNetCIFAR(8, width=1)
        net(minicnn.ones(2, 3, 8, 8))
        return degradation.Trained(net, [epoch], {"start": gradients}, [(minicnn.ones(2, 3, 8, 8), None)])

    good = {
        "plain-20": trained(0.1, [1, 1]), "plain-56": trained(0.5, [50, 1]),
        "ResNet-20": trained(0.1, [1, 1]), "ResNet-56": trained(0.1, [2, 1]),
    }  # fmt: skip
    assert all(finding.holds for finding in degradation._findings(good))
    bad = {
        "plain-20": trained(0.5, [1, 1]), "plain-56": trained(0.1, [1, 2]),
        "ResNet-20": trained(0.1, [1, 1]), "ResNet-56": trained(0.2, [30, 1]),
    }  # fmt: skip
    assert [finding.holds for finding in degradation._findings(bad)] == [False] * 5 + [True]
