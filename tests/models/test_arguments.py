"""What a network is built from is checked at the door: one sentence that names the argument, for every kind of mistake."""

import inspect
import re
from pathlib import Path

import numpy as np
import pytest

from minicnn import models, nn, use_backend
from minicnn.errors import ArgumentError
from minicnn.models import registry
from minicnn.models.compound_scaling import compound_scaling
from minicnn.models.preact_resnet import PreActBasicBlock, PreActBottleneck
from minicnn.models.squeeze_excitation import SEBottleneck

WRONG = {  # what is passed for an argument whose default is of this type
    bool: ["no", 0, None],
    int: [0, -1, "a", [3], True, 2.5, None],
    float: [-1, "a", [3], True, np.inf, np.nan, None],
    tuple: [(1, 1), (1, 2, 3, 4, 5, 6, 7, 8), (-1, -1, -1), 3, "abc", "abcde", None, [1, 1, "a"], [True] * 5, [1.5] * 3, [], [[1]], {1, 2, 3}],
}
CASES = [
    ("VGG11(batch_norm='no')", "VGG: batch_norm must be True or False, not 'no'"),
    ("VGG((1, 1, 1))", "VGG: depths must be 5 integers >= 1, not (1, 1, 1)"),
    ("VGG11(width=True)", "VGG: width must be an integer >= 1, not True"),
    ("ResNet50(stride_on_1x1='no')", "Bottleneck: stride_on_1x1 must be True or False, not 'no'"),
    ("ResNet18(depths=(1, 1, 1))", "ResNet: depths must be 4 integers >= 1, not (1, 1, 1)"),
    ("MobileNetV1(depths=(1, 2, 2, 6, 0))", "MobileNetV1: depths must be 5 integers >= 1, not (1, 2, 2, 6, 0)"),
    ("MobileNetV2(depths=(1, 2, 3))", "MobileNetV2: depths must be 7 integers >= 1, not (1, 2, 3)"),
    ("ShuffleNetV1(depths=(4, 8))", "ShuffleNetV1: depths must be 3 integers >= 1, not (4, 8)"),
    ("ResNet(models.BasicBlock, (1, 1, 1))", "ResNet: depths must be 4 integers >= 1, not (1, 1, 1)"),
    ("ResNet(models.BasicBlock, (1, 1, 1, 1, 1))", "ResNet: depths must be 4 integers >= 1, not (1, 1, 1, 1, 1)"),
    ("ResNeXtCIFAR(base_width='a')", "Bottleneck: base_width must be an integer >= 1, not 'a'"),
    ("ResNet20(width='a')", "CIFARNet: width must be an integer >= 1, not 'a'"),
    ("PreActResNet(PreActBasicBlock, (1, 1))", "PreActResNet: depths must be 4 integers >= 1, not (1, 1)"),
    ("PreActResNetCIFAR(stride_on_1x1=1)", "PreActBottleneck: stride_on_1x1 must be True or False, not 1"),
    ("PreActResNetCIFAR(width='a')", "PreActCIFARNet: width must be an integer >= 1, not 'a'"),
    ("SENet(SEBottleneck, (1, 1, 1, 0))", "SENet: depths must be 4 integers >= 1, not (1, 1, 1, 0)"),
    ("SENet(SEBottleneck, (1, 1, 1, 1), deep_stem='no')", "SENet: deep_stem must be True or False, not 'no'"),
    ("DenseNet((2, 2))", "DenseNet: depths must be 4 integers >= 1, not (2, 2)"),
    ("DenseNet121(growth=None)", "DenseNet: growth must be an integer >= 1, not None"),
    ("SqueezeNet((8, 3), (2, 2))", "SqueezeNet: depths must be 3 integers >= 1, not (2, 2)"),
    ("SqueezeNet(8, (2, 2, 4))", "SqueezeNet: stem must be 2 integers >= 1, not 8"),
    ("SqueezeNet1_0(width='a')", "SqueezeNet: width must be an integer >= 8, not 'a'"),
    ("SqueezeNet1_1(width=7)", "SqueezeNet: width must be an integer >= 8, not 7"),
    ("AlexNet(channels=(1, 2, 3))", "AlexNet: channels must be 5 integers >= 1, not (1, 2, 3)"),
    ("AlexNetGrouped(channels=2)", "AlexNetGrouped: channels must be 5 integers >= 1, not 2"),
    ("AlexNetGrouped(norm_groups=3)", "AlexNetGrouped: norm_groups must be 1 (over all channels) or 2 (over those of each GPU), not 3"),
    ("AlexNetOneWeirdTrick(channels=None)", "AlexNetOneWeirdTrick: channels must be 5 integers >= 1, not None"),
    ("ZFNet(channels=(1, 2, 3))", "ZFNet: channels must be 5 integers >= 1, not (1, 2, 3)"),
    ("GoogLeNet(aux='no')", "GoogLeNet: aux must be True or False, not 'no'"),
    ("GoogLeNet(width='a')", "GoogLeNet: width must be a number above 0, not 'a'"),
    ("GoogLeNetBN(true_5x5='no')", "GoogLeNetBN: true_5x5 must be True or False, not 'no'"),
    ("BNInception(width='a')", "BNInception: width must be a number above 0, not 'a'"),
    ("InceptionV3(aux='no')", "InceptionV3: aux must be True or False, not 'no'"),
    ("InceptionV3(width='a')", "Inception: width must be a multiple of 1/16 above 0, not 'a'"),
    ("InceptionV3(width=0.3)", "Inception: width must be a multiple of 1/16 above 0, not 0.3: "),
    ("InceptionV4(blocks=(1, 1))", "InceptionV4: blocks must be 3 integers >= 0, not (1, 1)"),
    ("InceptionResNetV2(blocks=(1, 1, 0))", "InceptionResNetV2: the last of blocks must be 1 or more, for block8 is one of them, not (1, 1, 0)"),
    ("InceptionResNetV2(blocks=(1, 1, 1, 1))", "InceptionResNetV2: blocks must be 3 integers >= 0, not (1, 1, 1, 1)"),
    ("InceptionResNetV2Paper(blocks=(1, 1))", "InceptionResNetV2Paper: blocks must be 3 integers >= 0, not (1, 1)"),
    ("NASNetAMobile(aux='no')", "NASNetA: aux must be True or False, not 'no'"),
    ("NASNetAMobile(resolution='a', aux=True)", "NASNetA: resolution must be an integer >= 1, not 'a'"),
    ("NASNetAMobile(resolution='a')", "NASNetA: resolution must be an integer >= 1, not 'a'"),
    ("NASNetALarge(drop_path='a')", "NASNetA: drop_path must be a number from 0 to 1, not 'a'"),
    ("NASNetA(8, 1, 8, 48, skip_reduction_input='no')", "NASNetA: skip_reduction_input must be True or False, not 'no'"),
    ("ShuffleNetV1(groups=[3])", "ShuffleNetV1: groups must be one of 1, 2, 3, 4, 8, not [3]"),
    ("ShuffleNetV1(groups=True)", "ShuffleNetV1: groups must be one of 1, 2, 3, 4, 8, not True"),
    ("ShuffleNetV2(width=[3])", "ShuffleNetV2: width must be one of 0.5, 1.0, 1.5, 2.0, not [3]"),
    ("ShuffleNetV2(width=True)", "ShuffleNetV2: width must be one of 0.5, 1.0, 1.5, 2.0, not True"),
    ("EfficientNet(resolution='a')", "EfficientNet: resolution must be an integer >= 1, not 'a'"),
    ("EfficientNet(stochastic_depth='a')", "EfficientNet: stochastic_depth must be a number from 0 to 1, not 'a'"),
    ("EfficientNetLite(resolution=2.5)", "EfficientNetLite: resolution must be an integer >= 1, not 2.5"),
    ("EfficientNetLite(stochastic_depth=2)", "EfficientNetLite: stochastic_depth must be a number from 0 to 1, not 2"),
]


@pytest.fixture(autouse=True)
def _without_numbers():
    with use_backend("meta"):
        yield


@pytest.mark.parametrize(("call", "message"), CASES, ids=[call for call, _ in CASES])
def test_messages(call, message):
    names = {"models": models, "PreActBasicBlock": PreActBasicBlock, "SEBottleneck": SEBottleneck}
    with pytest.raises(ArgumentError, match=f"^{re.escape(message)}"):
        eval(f"models.{call}", names)


@pytest.mark.parametrize(("phi", "message"), [(1e5, "more than a float can hold"), (-1e5, "leaves no pixel"), (-50, "leaves no pixel")])
def test_scaling_ends_somewhere(phi, message):
    with pytest.raises(ArgumentError, match=rf"^compound_scaling: phi={re.escape(f'{phi:g}')} (is )?{message}"):
        compound_scaling(phi)


@pytest.mark.parametrize("name", models.list_models())
def test_no_argument_of_any_network_takes_nonsense(name):
    """Neither silence nor a traceback from inside: every wrong value of every argument ends in a sentence."""
    network = registry._models[name]
    for parameter in inspect.signature(network).parameters.values():
        for value in WRONG.get(type(parameter.default), ()):
            with pytest.raises(ArgumentError, match=" must "):
                network(**{parameter.name: value})


SIZES = [
    (name, argument)
    for name in models.list_models()
    for argument in ("num_classes", "in_channels", "width")
    if argument in inspect.signature(registry._models[name]).parameters
]


@pytest.mark.parametrize(("name", "argument"), SIZES)
def test_nothing_is_no_size(name, argument):
    with pytest.raises(ArgumentError, match=r" must be .*, not 0"):
        models.create(name, **{argument: 0})


def test_lists_and_arrays_are_as_good_as_tuples():
    for blocks in ([1, 1, 2], np.array([1, 1, 2])):
        assert len(models.InceptionResNetV2(blocks=blocks, width=1 / 16).repeat_2) == 1
    assert PreActBottleneck(8, 2, stride_on_1x1=np.bool_(True)).conv1.stride == (1, 1)


def test_networks_are_exported_in_the_order_of_their_page():
    """Base classes, of which a reader builds variants, stand before the networks that are built of them."""
    page = (Path(__file__).parents[2] / "docs/models.md").read_text().partition("## All of them")[2]
    named = dict.fromkeys(name for name in re.findall(r"`(\w+)", page.partition("\n## ")[0]) if name in models.list_models())
    exported = [name for name in models.__all__ if name in models.list_models()]
    assert exported == list(named)
    assert len(set(models.__all__)) == len(models.__all__)
    for base in ("VGG", "ResNet", "PreActResNet", "SENet", "DenseNet", "SqueezeNet", "NASNetA", "EfficientNet", "EfficientNetLite"):
        assert models.__all__[models.__all__.index(base) + 1].startswith((base, "SEResNet"))


TAKE_DEPTHS = [name for name in models.list_models() if "depths" in inspect.signature(registry._models[name]).parameters]


@pytest.mark.parametrize("name", TAKE_DEPTHS)
def test_one_block_more_in_a_stage_is_one_block_more_in_the_network(name):
    """And as many as the paper has where none are given."""
    depths = inspect.signature(registry._models[name]).parameters["depths"].default

    def blocks(*added):
        layers = (nn.Conv2d, nn.MaxPool2d, nn.BatchNorm2d)
        given = {"depths": tuple(n + (i in added) for i, n in enumerate(depths))} if added else {}
        return sum(isinstance(m, layers) for m in models.create(name, **given).modules())

    paper = blocks()
    more = [blocks(stage) - paper for stage in range(len(depths))]
    assert min(more) > 0
    assert blocks(*range(len(depths))) - paper == sum(more)
