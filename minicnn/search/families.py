"""Which networks can be scaled: the arguments that are their depth and their width, and how each of these grows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from minicnn.errors import ArgumentError
from minicnn.models.registry import model_name
from minicnn.search.growth import Blocks, Steps, Times

Growth: TypeAlias = Callable[[Any, float], Any]
"""Makes of an argument's value, and a factor, the value for a network that is so many times as deep, or wide."""


@dataclass(frozen=True)
class Family:
    """Networks that are scaled by the same arguments.

    Attributes:
        networks: their names, as `models.list_models` has them.
        depth: the arguments that say how deep a network is, and how each of them grows by a factor.
        width: those that say how wide it is, likewise by a factor.
        side: the image's height and width grow in steps of so many pixels: by how much the network makes an image smaller, so that
            no row or column is left over.

    Example:
        >>> FAMILIES["VGG"].width["width"](64, 1.1)
        72
    """

    networks: tuple[str, ...]
    depth: Mapping[str, Growth]
    width: Mapping[str, Growth]
    side: int


# A step of the width is an eighth of the paper's, unless groups of convolutions need more.
FAMILIES = {
    "VGG": Family(("VGG11", "VGG13", "VGG16", "VGG19"), {"depths": Blocks()}, {"width": Steps(8), "hidden": Steps(512)}, side=32),
    "PlainNet": Family(("PlainNet18", "PlainNet34"), {"depths": Blocks()}, {"width": Steps(8)}, side=32),
    "PlainNetCIFAR": Family(("PlainNetCIFAR",), {"depth": Steps(6, beside=2)}, {"width": Steps(2)}, side=4),
    "ResNet": Family(("ResNet18", "ResNet34", "ResNet50", "ResNet101", "ResNet152"), {"depths": Blocks()}, {"width": Steps(8)}, side=32),
    "ResNetCIFAR": Family(("ResNetCIFAR",), {"depth": Steps(6, beside=2)}, {"width": Steps(2)}, side=4),
    "PreActResNet": Family(("PreActResNet18", "PreActResNet50", "PreActResNet200"), {"depths": Blocks()}, {"width": Steps(8)}, side=32),
    "PreActResNetCIFAR": Family(("PreActResNetCIFAR",), {"depth": Steps(9, beside=2)}, {"width": Steps(2)}, side=4),
    "WideResNet50_2": Family(("WideResNet50_2",), {"depths": Blocks()}, {"width": Steps(8)}, side=32),
    "WideResNetCIFAR": Family(("WideResNetCIFAR",), {"depth": Steps(6, beside=4)}, {"k": Steps(1)}, side=4),
    "ResNeXt": Family(("ResNeXt50_32x4d", "ResNeXt101_32x4d", "ResNeXt101_64x4d", "SEResNeXt50_32x4d"), {"depths": Blocks()}, {"width": Steps(16)}, side=32),
    "ResNeXt101_32x8d": Family(("ResNeXt101_32x8d",), {"depths": Blocks()}, {"width": Steps(8)}, side=32),
    "ResNeXtCIFAR": Family(("ResNeXtCIFAR",), {"depth": Steps(9, beside=2)}, {"width": Steps(8)}, side=4),
    "SEResNet": Family(("SEResNet50", "SEResNet101", "SEResNet152"), {"depths": Blocks()}, {"width": Steps(8)}, side=32),
    "SENet154": Family(("SENet154",), {"depths": Blocks()}, {"width": Steps(8), "cardinality": Steps(8)}, side=32),
    "DenseNet": Family(("DenseNet121", "DenseNet161", "DenseNet169", "DenseNet201"), {"depths": Blocks()}, {"growth": Steps(4)}, side=32),
    "DenseNetCIFAR": Family(("DenseNetCIFAR",), {"depth": Steps(6, beside=4)}, {"k": Steps(1)}, side=4),
    "Inception-v4": Family(("InceptionV4", "InceptionResNetV2", "InceptionResNetV2Paper"), {"blocks": Blocks()}, {"width": Steps(1 / 16)}, side=32),
    "MobileNet": Family(("MobileNetV1", "MobileNetV2"), {"depths": Blocks()}, {"width": Times()}, side=32),
    "ShuffleNetV1": Family(("ShuffleNetV1",), {"depths": Blocks()}, {"width": Steps(1 / 4)}, side=32),
    "NASNet": Family(("NASNetAMobile", "NASNetALarge"), {"cells": Steps(1)}, {"filters": Steps(4)}, side=32),
    "EfficientNet": Family(tuple(f"EfficientNetB{i}" for i in range(8)), {"depth": Times()}, {"width": Times()}, side=1),
    "EfficientNetLite": Family(tuple(f"EfficientNetLite{i}" for i in range(5)), {"depth": Times()}, {"width": Times()}, side=1),
}  # fmt: skip

# Networks whose depth is in their name are scaled as the one that takes it.
BY_NAME = {f"ResNet{depth}": ("ResNetCIFAR", {"depth": depth}) for depth in (20, 32, 44, 56, 110, 1202)}


def family_of(name: str) -> Family:
    """The family that has a network of this name.

    Raises:
        ArgumentError: no such network, or it cannot be scaled; the message says which can.
    """
    name, _ = BY_NAME.get(model_name(name), (model_name(name), {}))
    for family in FAMILIES.values():
        if name in family.networks:
            return family
    raise ArgumentError(f"scale: {name} does not take both a depth and a width that could be multiplied; these families do: {', '.join(FAMILIES)}")
