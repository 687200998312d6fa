"""Real weights: the scores are those of the programs for which the weights were made, from the bytes of a picture on."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from minicnn import Tensor, models, no_grad
from minicnn.data.imagenet import MEAN, STD, class_names
from minicnn.models import preprocessing_for, weight_file

FILES = Path(__file__).with_name("files")
LOGITS = dict(np.load(FILES / "imagenet_logits.npz"))


def scores(network, x):
    with no_grad():
        return network.eval()(Tensor(np.ascontiguousarray(x, np.float32))).numpy()


def imagenet(name):
    """The network with its published weights, if the package that has them is installed."""
    package = weight_file(name).package
    if importlib.util.find_spec(package.path.partition("/")[0]) is None:
        pytest.skip(f"needs the package {package.requirement}")
    return models.create(name, weights="imagenet")


def picture():
    """Bytes (3, 250, 331) that follow from a formula."""
    y, x, c = np.mgrid[:250, :331, :3]
    return ((x * x * (c + 1) + 7 * x * y + 3 * y * y) // 97 % 256).astype(np.uint8).transpose(2, 0, 1)


def test_resnet20_on_cifar10():
    reference = np.load(FILES / "resnet20_reference.npz")
    network = models.ResNet20(weights=FILES / "resnet20-12fca82f.th")
    x = reference["input0"].transpose(0, 3, 1, 2) / 255
    x = (x - np.array(MEAN)[:, None, None]) / np.array(STD)[:, None, None]
    np.testing.assert_allclose(scores(network, x), reference["logits"], atol=1e-4)
    assert (scores(network, x).argmax(axis=1) == reference["labels"]).sum() == 7  # one of the eight is wrong in PyTorch, too


def test_efficientnet_lite0_on_a_cat_and_on_a_ramp():
    reference = np.load(FILES / "lite0_reference.npz")
    network = imagenet("EfficientNetLite0")
    cat = scores(network, (reference["cat"][None].astype(np.float32) - 127) / 128)
    np.testing.assert_allclose(cat, reference["cat_logits"], atol=1e-4)
    assert class_names()[cat.argmax()] in ("tabby", "tiger cat", "Egyptian cat")
    ramp = np.linspace(-1, 1, 3 * 224 * 224).reshape(1, 3, 224, 224)
    np.testing.assert_allclose(scores(network, ramp), reference["lin_logits"], atol=1e-4)


@pytest.mark.parametrize("name", LOGITS)
def test_from_the_bytes_of_a_picture_to_the_scores(name):
    network = imagenet(name)
    x = preprocessing_for(network)(picture(), np.random.default_rng())
    np.testing.assert_allclose(scores(network, x[None])[0], LOGITS[name], atol=2e-4)
