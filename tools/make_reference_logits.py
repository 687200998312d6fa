"""Makes tests/models/files/reference_logits.npz: what the networks of torchvision, timm and pretrainedmodels give for known weights.

    pip install torch torchvision timm; pip install --no-deps pretrainedmodels; pip install munch six
    python tools/make_reference_logits.py

None of these is needed by minicnn or by its tests. The file is in the repository; run this again only to check it.
"""

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
warnings.filterwarnings("ignore")
from tests.models.reference import FILE, KEPT, fill, images


def networks() -> dict[str, tuple[Callable[[], Any], tuple[int, int, int]]]:
    """The call that makes the network here, the function that makes it there, and the image. Odd sizes show where padding goes."""
    import pretrainedmodels as pm
    import timm
    import torchvision.models as tv

    return {
        "AlexNetOneWeirdTrick()": (tv.alexnet, (3, 224, 224)),
        "VGG11()": (tv.vgg11, (3, 64, 67)),
        "VGG13(batch_norm=True)": (tv.vgg13_bn, (3, 64, 67)),
        "VGG16()": (tv.vgg16, (3, 64, 67)),
        "VGG19()": (tv.vgg19, (3, 64, 67)),
        "SqueezeNet1_0()": (tv.squeezenet1_0, (3, 95, 99)),
        "SqueezeNet1_1()": (tv.squeezenet1_1, (3, 95, 99)),
        "GoogLeNetBN(aux=False)": (lambda: tv.googlenet(aux_logits=False, init_weights=False), (3, 96, 107)),
        "InceptionV3(aux=False)": (lambda: tv.inception_v3(aux_logits=False, init_weights=False), (3, 107, 115)),
        "InceptionV4()": (lambda: timm.create_model("inception_v4"), (3, 107, 115)),
        "InceptionResNetV2()": (lambda: timm.create_model("inception_resnet_v2"), (3, 107, 115)),
        "ResNet18()": (tv.resnet18, (3, 65, 96)),
        "ResNet34()": (tv.resnet34, (3, 65, 96)),
        "ResNet50()": (tv.resnet50, (3, 65, 96)),
        "ResNet101()": (tv.resnet101, (3, 65, 64)),
        "ResNet152()": (tv.resnet152, (3, 65, 64)),
        "WideResNet50_2()": (tv.wide_resnet50_2, (3, 65, 96)),
        "ResNeXt50_32x4d()": (tv.resnext50_32x4d, (3, 65, 96)),
        "ResNeXt101_32x8d()": (tv.resnext101_32x8d, (3, 65, 64)),
        "ResNeXt101_64x4d()": (tv.resnext101_64x4d, (3, 65, 64)),
        "PreActResNet50()": (lambda: timm.create_model("resnetv2_50"), (3, 65, 96)),
        "SEResNet50()": (lambda: timm.create_model("legacy_seresnet50"), (3, 65, 96)),
        "SEResNeXt50_32x4d()": (lambda: timm.create_model("legacy_seresnext50_32x4d"), (3, 65, 96)),
        "DenseNet121()": (tv.densenet121, (3, 65, 96)),
        "DenseNet161()": (tv.densenet161, (3, 65, 64)),
        "MobileNetV1()": (lambda: timm.create_model("mobilenetv1_100"), (3, 65, 96)),
        "MobileNetV2()": (tv.mobilenet_v2, (3, 65, 96)),
        "MobileNetV2(width=1.4)": (lambda: tv.mobilenet_v2(width_mult=1.4), (3, 65, 96)),
        "EfficientNetB0()": (tv.efficientnet_b0, (3, 65, 96)),
        "EfficientNetB3()": (tv.efficientnet_b3, (3, 65, 96)),
        "EfficientNetB5()": (tv.efficientnet_b5, (3, 65, 96)),
        "EfficientNetB7()": (tv.efficientnet_b7, (3, 65, 64)),
        "NASNetAMobile()": (lambda: pm.nasnetamobile(num_classes=1000, pretrained=None), (3, 224, 224)),
        "NASNetALarge()": (lambda: pm.nasnetalarge(num_classes=1000, pretrained=None), (3, 331, 331)),
    }  # fmt: skip


def logits(build: Callable[[], Any], shape: tuple[int, int, int], gain: float) -> np.ndarray:
    """What the network gives for the images, with the weights that follow from their names."""
    import torch  # noqa: TID251 - the oracle

    torch.manual_seed(0)
    network = build().eval()
    state = network.state_dict()
    for name, values in fill(state, gain).items():
        state[name].copy_(torch.tensor(values))
    network.load_state_dict(state)
    with torch.no_grad():
        return network(torch.tensor(images(shape))).numpy()


if __name__ == "__main__":
    found = {}
    for call, (build, shape) in networks().items():
        gain = 1.1 if call in ("EfficientNetB0()", "EfficientNetB3()", "EfficientNetB5()") else 1.0
        y = logits(build, shape, gain)
        assert np.isfinite(y).all(), call
        print(f"{call:<32} {shape}  largest {abs(y).max():.4g}  spread {y.std():.4g}  between images {abs(y[0] - y[1]).max() / abs(y).max():.2g}", flush=True)
        found[f"{call} {'x'.join(map(str, shape))} {gain:g}"] = y[:, :KEPT]
    FILE.parent.mkdir(exist_ok=True)
    np.savez_compressed(FILE, **found)
    print(f"{FILE}: {FILE.stat().st_size:,} bytes")
