"""Every number of the lecture comes out of the networks, or the reason why it does not is stated."""

import dataclasses

import pytest

from minicnn import models
from minicnn.analysis.lecture import claim, claims
from minicnn.analysis.published import IMAGENET, TRAINING_COST, WINNERS
from minicnn.models import registry

CLAIMS = claims()
EXPLAINED = {  # the only differences, with what comes out here
    ("LeNet-5", "architecture"): "CONV-POOL-CONV-POOL-FC-FC-FC",
    ("AlexNet", "connected only to maps on the same GPU"): "CONV2, CONV4, CONV5",
    ("Inception", "module with dimension reduction, conv ops"): "271M",
    ("GoogLeNet", "parameters"): "7 million",
    ("GoogLeNet", "less parameters than AlexNet"): "9x",
    ("GoogLeNet", "less parameters than VGG16"): "20x",
    ("ResNet training", "weight decay"): "1e-4",
    ("DenseNet", "layers of the shallow network"): "121",
}


def test_what_differs_is_known_and_explained():
    assert {(c.topic, c.what): c.here for c in CLAIMS if not c.agrees} == EXPLAINED
    assert all(c.reason for c in CLAIMS if not c.agrees)


@pytest.mark.parametrize(
    ("topic", "what", "lecture"),
    [
        ("AlexNet", "CONV1 parameters, exactly", "34,944"),
        ("AlexNet", "POOL1 parameters", "0"),
        ("VGG16", "FC params (classifier.0)", "102,760,448"),
        ("VGG16", "CONV3-64 memory (features.0)", "3.2M"),
        ("Inception", "naive module, after concatenation", "[28x28x672]"),
        ("Inception", "naive module, conv ops", "854M"),
        ("GoogLeNet", "layers (parallel ones count once)", "22"),
        ("ResNet", "layers on CIFAR", "1202"),
    ],
)
def test_the_famous_ones_agree(topic, what, lecture):
    (found,) = [c for c in CLAIMS if (c.topic, c.what) == (topic, what)]
    assert (found.lecture, found.here, found.agrees) == (lecture, lecture, True)


def test_358_million_counts_a_row_twice():
    rows = {"1x1, 64": 64 * 256, "1x1, 64 again": 64 * 256, "1x1, 128": 128 * 256, "3x3": 192 * 9 * 64, "5x5": 96 * 25 * 64, "pool": 64 * 256}
    assert 28 * 28 * sum(rows.values()) == 271_351_808
    assert round(28 * 28 * (sum(rows.values()) + rows["3x3"]) / 1e6) == 358


def test_a_wrong_network_would_be_seen(monkeypatch):
    """AlexNet with 64 filters in its first layer: its volume, its parameters and the halves on two GPUs no longer agree."""
    from minicnn.analysis.lecture import case_studies

    build = claim.network
    monkeypatch.setattr(case_studies, "network", lambda name: build(name, channels=(64, 256, 384, 384, 256)))
    wrong = {c.what for c in case_studies.alexnet() if not c.agrees}
    assert {"CONV1", "POOL1", "NORM1", "CONV1 parameters, exactly"} <= wrong


def test_depth_counts_the_longest_way():
    assert claim.depth(claim.network("VGG19")) == 19
    assert claim.depth(claim.network("ResNet50", stride_on_1x1=True)) == 50


def test_the_published_errors_are_of_networks_that_exist():
    assert set(IMAGENET) <= set(models.list_models())
    for name, published in IMAGENET.items():
        assert published.top1 or published.top5, name
        assert not (published.top1 and published.top5) or published.top5 < published.top1, name
        assert str(published.source), name


def test_history_goes_down():
    assert [w.top5 for w in WINNERS] == sorted((w.top5 for w in WINNERS), reverse=True)
    assert [c.teraflops_days for c in TRAINING_COST] == sorted((c.teraflops_days for c in TRAINING_COST), reverse=True)
    for cost in TRAINING_COST:
        assert cost.network == "AlexNet" or cost.network in models.list_models()
        assert TRAINING_COST[0].teraflops_days / cost.teraflops_days == pytest.approx(cost.factor, rel=0.05)


def test_most_are_computed_and_the_others_marked():
    assert sum(not c.looked_up for c in CLAIMS) > 110
    assert {c.topic for c in CLAIMS if c.looked_up} == {"AlexNet training", "ResNet training", "ILSVRC", "Wide ResNet", "DenseNet"}


@pytest.mark.parametrize("name", models.list_models())
def test_an_error_in_a_docstring_is_published_here_too(name):
    doc = registry._models[name].__doc__
    if "ImageNet error" in doc and name != "InceptionResNetV2Paper":  # the paper's error is that of the released network
        assert name in IMAGENET


def test_claims_cannot_be_edited():
    with pytest.raises(dataclasses.FrozenInstanceError):
        CLAIMS[0].here = "something else"
