"""Networks, one file a paper. `create` makes one by name, `list_models` says which there are."""

from minicnn.models.alexnet import AlexNet, AlexNetGrouped, AlexNetOneWeirdTrick
from minicnn.models.auxiliary import Outputs, auxiliary_cross_entropy
from minicnn.models.bn_inception import BNInception
from minicnn.models.densenet import DenseNet, DenseNet121, DenseNet161, DenseNet169, DenseNet201
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
    EfficientNetLite,
    EfficientNetLite0,
    EfficientNetLite1,
    EfficientNetLite2,
    EfficientNetLite3,
    EfficientNetLite4,
)
from minicnn.models.from_string import create_from_string
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
from minicnn.models.nasnet import NASNetA, NASNetALarge, NASNetAMobile
from minicnn.models.plain_net import PlainNet18, PlainNet34, PlainNetCIFAR
from minicnn.models.preact_resnet import PreActResNet, PreActResNet18, PreActResNet50, PreActResNet200
from minicnn.models.preact_resnet_cifar import PreActResNetCIFAR
from minicnn.models.registry import create, list_models, register_model
from minicnn.models.residual_block import BasicBlock, Bottleneck
from minicnn.models.resnet import ResNet, ResNet18, ResNet34, ResNet50, ResNet101, ResNet152
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
from minicnn.models.searched_cells import NASNET_A, SearchedCells
from minicnn.models.searched_chain import SearchedChain
from minicnn.models.senet import SENet, SENet154, SEResNet50, SEResNet101, SEResNet152, SEResNeXt50_32x4d
from minicnn.models.shufflenet_v1 import ShuffleNetV1
from minicnn.models.shufflenet_v2 import ShuffleNetV2
from minicnn.models.squeeze_excitation import SqueezeExcitation
from minicnn.models.squeezenet import SqueezeNet, SqueezeNet1_0, SqueezeNet1_1
from minicnn.models.vgg import VGG, VGG11, VGG13, VGG16, VGG19
from minicnn.models.weight_files import preprocessing_for, weight_file, weights_for
from minicnn.models.wide_resnet import WideResNet50_2, WideResNetCIFAR
from minicnn.models.zfnet import ZFNet, ZFNetPaper

__all__ = [
    # The registry, and weights.
    "create",
    "create_from_string",
    "list_models",
    "register_model",
    "load_model",
    "weight_file",
    "weights_for",
    "preprocessing_for",
    # Networks, by paper, as in docs/models.md.
    "LeNet5",
    "LeNet5Original",
    "AlexNet",
    "AlexNetGrouped",
    "AlexNetOneWeirdTrick",
    "ZFNet",
    "ZFNetPaper",
    "VGG",
    "VGG11",
    "VGG13",
    "VGG16",
    "VGG19",
    "GoogLeNet",
    "GoogLeNetBN",
    "BNInception",
    "InceptionV3",
    "InceptionV4",
    "InceptionResNetV2",
    "InceptionResNetV2Paper",
    "PlainNet18",
    "PlainNet34",
    "PlainNetCIFAR",
    "ResNet",
    "ResNet18",
    "ResNet34",
    "ResNet50",
    "ResNet101",
    "ResNet152",
    "ResNetCIFAR",
    "ResNet20",
    "ResNet32",
    "ResNet44",
    "ResNet56",
    "ResNet110",
    "ResNet1202",
    "PreActResNet",
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
    "SENet",
    "SEResNet50",
    "SEResNet101",
    "SEResNet152",
    "SEResNeXt50_32x4d",
    "SENet154",
    "DenseNet",
    "DenseNet121",
    "DenseNet161",
    "DenseNet169",
    "DenseNet201",
    "DenseNetCIFAR",
    "SqueezeNet",
    "SqueezeNet1_0",
    "SqueezeNet1_1",
    "MobileNetV1",
    "MobileNetV2",
    "ShuffleNetV1",
    "ShuffleNetV2",
    "NASNetA",
    "NASNetAMobile",
    "NASNetALarge",
    "EfficientNet",
    "EfficientNetB0",
    "EfficientNetB1",
    "EfficientNetB2",
    "EfficientNetB3",
    "EfficientNetB4",
    "EfficientNetB5",
    "EfficientNetB6",
    "EfficientNetB7",
    "EfficientNetLite",
    "EfficientNetLite0",
    "EfficientNetLite1",
    "EfficientNetLite2",
    "EfficientNetLite3",
    "EfficientNetLite4",
    # Networks that a search proposes.
    "SearchedChain",
    "SearchedCells",
    "NASNET_A",
    # Blocks, and what goes with auxiliary classifiers.
    "BasicBlock",
    "Bottleneck",
    "SqueezeExcitation",
    "InceptionModule",
    "NaiveInceptionModule",
    "Outputs",
    "auxiliary_cross_entropy",
]
