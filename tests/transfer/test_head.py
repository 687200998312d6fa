"""A new head: of the right size in every family of networks, and nothing else is touched."""

import re

import numpy as np
import pytest

import minicnn
from minicnn import models, nn
from minicnn.errors import ArgumentError
from minicnn.transfer import head_path, replace_head

FAMILIES = [  # one of each kind of head
    "AlexNet", "VGG11", "ResNet18", "GoogLeNet", "GoogLeNetBN", "InceptionV3", "SqueezeNet1_1", "DenseNetCIFAR", "MobileNetV1", "MobileNetV2", "EfficientNetB0",
    "EfficientNetLite0", "ShuffleNetV1", "ShuffleNetV2", "PreActResNet18", "PreActResNetCIFAR", "BNInception", "ResNet20", "LeNet5", "ZFNet", "WideResNetCIFAR",
]  # fmt: skip


def shapes(model):
    return {name: tensor.shape for name, tensor in [*model.named_parameters(), *model.named_buffers()]}


@pytest.mark.parametrize("name", FAMILIES)
def test_the_network_is_then_as_if_built_for_the_new_classes(name):
    with minicnn.use_backend("meta"):
        model = models.create(name)
        path = replace_head(model, 7)
        assert shapes(model) == shapes(models.create(name, num_classes=7))
        assert head_path(model) == path


def test_only_the_head_is_new():
    model = models.ResNet20()
    before = model.state_dict()
    assert replace_head(model, 3) == "linear"
    after = model.state_dict()
    assert {name for name in before if before[name].tobytes() != after[name].tobytes()} == {"linear.weight", "linear.bias"}
    assert model(minicnn.zeros(2, 3, 32, 32)).shape == (2, 3)


def test_the_classes_of_auxiliary_heads_are_counted_too():
    model = models.GoogLeNetBN(num_classes=4, in_channels=1)
    replace_head(model, 2, (1, 224, 224))
    assert [(path, layer.out_features) for path, layer in model.named_modules() if isinstance(layer, nn.Linear) and layer.out_features == 2] == [
        ("aux1.fc2", 2), ("aux2.fc2", 2), ("fc", 2),
    ]  # fmt: skip


def test_a_network_whose_scores_come_from_elsewhere_is_refused():
    said = r"LeNet5Original has no head that could be replaced: its last layer, f6 Linear\(120, 84\), does not give its 10 scores"
    with pytest.raises(ArgumentError, match=said):
        replace_head(models.LeNet5Original(), 3)


def test_a_network_of_ones_own_says_for_which_images_it_is():
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(4 * 36, 5))
    with pytest.raises(ArgumentError, match=re.escape("Sequential does not say for which images it is made: give input_shape=(C, H, W)")):
        replace_head(net, 3)
    assert replace_head(net, 3, (1, 8, 8)) == "2"
    assert net(minicnn.zeros(1, 1, 8, 8)).shape == (1, 3)
    with pytest.raises(ArgumentError, match="num_classes must be an integer >= 1, not 0"):
        replace_head(net, 0, (1, 8, 8))
    assert np.isfinite(net[2].weight.numpy()).all()
