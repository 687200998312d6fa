"""A small network of each family, and what can be seen of a network on the backend `meta`."""

SMALL = {  # from where to start, and on how many pixels, so that a processor can run it
    "VGG": ({"width": 8, "hidden": 512}, 32),
    "WideResNetCIFAR": ({"depth": 10, "k": 2}, 16),
    "ResNeXtCIFAR": ({"depth": 11, "width": 16, "cardinality": 2}, 16),
    "PreActResNetCIFAR": ({"depth": 11, "width": 4}, 16),
    "DenseNet": ({"depths": (2, 2, 2, 2), "growth": 8}, 64),
    "DenseNetCIFAR": ({"depth": 22, "k": 4}, 16),
    "Inception-v4": ({"blocks": (1, 2, 1), "width": 1 / 16}, 107),
    "NASNet": ({"cells": 2, "filters": 8}, 64),
    "MobileNet": ({"width": 0.25}, 64),
    "ShuffleNetV1": ({"width": 0.25}, 64),
    "EfficientNet": ({"depth": 0.5, "width": 0.25}, 33),
    "EfficientNetLite": ({"depth": 0.5, "width": 0.25}, 33),
    "ResNeXt": ({"depths": (1, 1, 2, 1), "width": 16, "cardinality": 4}, 64),
    "ResNeXt101_32x8d": ({"depths": (1, 1, 2, 1), "width": 16, "cardinality": 4}, 64),
    "SENet154": ({"depths": (1, 1, 2, 1), "width": 8, "cardinality": 8}, 64),
    **{name: ({"depths": (1, 1, 2, 1), "width": 8}, 64) for name in ("PlainNet", "ResNet", "PreActResNet", "WideResNet50_2", "SEResNet")},
    **{name: ({"depth": 8, "width": 4}, 16) for name in ("PlainNetCIFAR", "ResNetCIFAR")},
}


def shapes(net):
    """Of all that is in the state dict, without copies of it."""
    return {name: value.shape for name, value in (*net.named_parameters(), *net.named_buffers())}
