"""Networks, one file a paper. `create` makes one by name, `list_models` says which there are."""

from minicnn.models.alexnet import AlexNet, AlexNetGrouped, AlexNetOneWeirdTrick
from minicnn.models.auxiliary import Outputs, auxiliary_cross_entropy
from minicnn.models.bn_inception import BNInception
from minicnn.models.densenet import DenseNet121, DenseNet161, DenseNet169, DenseNet201
from minicnn.models.densenet_cifar import DenseNetCIFAR
from minicnn.models.efficientnet import (
    EfficientNet,
    EfficientNetB0,
    EfficientNetB1,
    EfficientNetB2,
    EfficientNetB3,
    EfficientNetB4,
    EfficientNetB5,
    EfficientNetB6,
    EfficientNetB7,
)
from minicnn.models.efficientnet_lite import (
    EfficientNetLite0,
    EfficientNetLite1,
    EfficientNetLite2,
    EfficientNetLite3,
    EfficientNetLite4,
)
from minicnn.models.googlenet import GoogLeNet
from minicnn.models.googlenet_bn import GoogLeNetBN
from minicnn.models.inception_module import InceptionModule, NaiveInceptionModule
from minicnn.models.inception_resnet_v2 import InceptionResNetV2
from minicnn.models.inception_resnet_v2_paper import InceptionResNetV2Paper
from minicnn.models.inception_v3 import InceptionV3
from minicnn.models.inception_v4 import InceptionV4
from minicnn.models.lenet import LeNet5, LeNet5Original
from minicnn.models.mobilenet_v1 import MobileNetV1
from minicnn.models.mobilenet_v2 import MobileNetV2
from minicnn.models.nasnet import NASNetALarge, NASNetAMobile
from minicnn.models.plain_net import PlainNet18, PlainNet34, PlainNetCIFAR
from minicnn.models.preact_resnet import PreActResNet18, PreActResNet50, PreActResNet200
from minicnn.models.preact_resnet_cifar import PreActResNetCIFAR
from minicnn.models.registry import create, list_models, register_model
from minicnn.models.residual_block import BasicBlock, Bottleneck
from minicnn.models.resnet import ResNet18, ResNet34, ResNet50, ResNet101, ResNet152
from minicnn.models.resnet_cifar import (
    ResNet20,
    ResNet32,
    ResNet44,
    ResNet56,
    ResNet110,
    ResNet1202,
    ResNetCIFAR,
)
from minicnn.models.resnext import (
    ResNeXt50_32x4d,
    ResNeXt101_32x4d,
    ResNeXt101_32x8d,
    ResNeXt101_64x4d,
    ResNeXtCIFAR,
)
from minicnn.models.saved import load_model
from minicnn.models.senet import SENet154, SEResNet50, SEResNet101, SEResNet152, SEResNeXt50_32x4d
from minicnn.models.shufflenet_v1 import ShuffleNetV1
from minicnn.models.shufflenet_v2 import ShuffleNetV2
from minicnn.models.squeeze_excitation import SqueezeExcitation
from minicnn.models.squeezenet import SqueezeNet1_0, SqueezeNet1_1
from minicnn.models.vgg import VGG11, VGG13, VGG16, VGG19
from minicnn.models.weight_files import preprocessing_for, weight_file, weights_for
from minicnn.models.wide_resnet import WideResNet50_2, WideResNetCIFAR
from minicnn.models.zfnet import ZFNet, ZFNetPaper

__all__ = [
    "AlexNet",
    "AlexNetGrouped",
    "AlexNetOneWeirdTrick",
    "EfficientNet",
    "EfficientNetB0",
    "EfficientNetB1",
    "EfficientNetB2",
    "EfficientNetB3",
    "EfficientNetB4",
    "EfficientNetB5",
    "EfficientNetB6",
    "EfficientNetB7",
    "EfficientNetLite0",
    "EfficientNetLite1",
    "EfficientNetLite2",
    "EfficientNetLite3",
    "EfficientNetLite4",
    "LeNet5",
    "LeNet5Original",
    "MobileNetV1",
    "MobileNetV2",
    "NASNetAMobile",
    "NASNetALarge",
    "BasicBlock",
    "Bottleneck",
    "ResNet18",
    "ResNet34",
    "ResNet50",
    "ResNet101",
    "ResNet152",
    "ShuffleNetV1",
    "ShuffleNetV2",
    "SqueezeNet1_0",
    "SqueezeNet1_1",
    "VGG11",
    "VGG13",
    "VGG16",
    "VGG19",
    "ZFNet",
    "ZFNetPaper",
    "PlainNet18",
    "PlainNet34",
    "PlainNetCIFAR",
    "ResNetCIFAR",
    "ResNet20",
    "ResNet32",
    "ResNet44",
    "ResNet56",
    "ResNet110",
    "ResNet1202",
    "PreActResNet18",
    "PreActResNet50",
    "PreActResNet200",
    "PreActResNetCIFAR",
    "WideResNet50_2",
    "WideResNetCIFAR",
    "ResNeXt50_32x4d",
    "ResNeXt101_32x4d",
    "ResNeXt101_64x4d",
    "ResNeXt101_32x8d",
    "ResNeXtCIFAR",
    "SqueezeExcitation",
    "SEResNet50",
    "SEResNet101",
    "SEResNet152",
    "SEResNeXt50_32x4d",
    "SENet154",
    "DenseNet121",
    "DenseNet169",
    "DenseNet201",
    "DenseNet161",
    "DenseNetCIFAR",
    "InceptionModule",
    "NaiveInceptionModule",
    "GoogLeNet",
    "GoogLeNetBN",
    "BNInception",
    "InceptionV3",
    "InceptionV4",
    "InceptionResNetV2",
    "InceptionResNetV2Paper",
    "Outputs",
    "auxiliary_cross_entropy",
    "create",
    "list_models",
    "load_model",
    "preprocessing_for",
    "register_model",
    "weight_file",
    "weights_for",
]
