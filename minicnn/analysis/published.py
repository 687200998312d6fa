"""What the papers report: error rates of the networks on ImageNet, the winners of its challenge, and what training has come to cost.

Facts, with their sources; nothing here is computed.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """The error of a network on the 50,000 validation images of ImageNet (ILSVRC 2012), as reported.

    Attributes:
        year: of the paper's first version.
        top1, top5: per cent of the images whose class is not the network's first, or not among its first five; None where
            it was not reported.
        source: who reported it, and on how much of the image.
    """

    year: int
    top1: float | None
    top5: float | None
    source: str


CROP = "one crop"
IMAGENET: dict[str, Published] = {
    "AlexNetGrouped": Published(2012, 40.7, 18.2, "Krizhevsky 2012, sec. 6.1 (10 crops)"),
    "ZFNetPaper": Published(2013, 38.4, 16.5, "Zeiler & Fergus 2014, table 2 (10 crops)"),
    "ZFNet": Published(2013, 37.5, 16.0, "Zeiler & Fergus 2014, table 2 (10 crops)"),
    "VGG11": Published(2014, 29.6, 10.4, "Simonyan & Zisserman 2014, table 3 (whole image, scale 256)"),
    "VGG13": Published(2014, 28.7, 9.9, "Simonyan & Zisserman 2014, table 3 (whole image, scale 256)"),
    "VGG16": Published(2014, 27.0, 8.8, "Simonyan & Zisserman 2014, table 3 (whole image, scale 256)"),
    "VGG19": Published(2014, 27.3, 9.0, "Simonyan & Zisserman 2014, table 3 (whole image, scale 256)"),
    "GoogLeNet": Published(2014, None, 10.07, f"Szegedy 2014, table 3 ({CROP})"),
    "GoogLeNetBN": Published(2014, 30.2, 10.4, f"TF-slim, Inception v1 ({CROP})"),
    "AlexNetOneWeirdTrick": Published(2014, 43.48, 20.9, f"torchvision ({CROP})"),
    "BNInception": Published(2015, 25.2, 7.8, f"Szegedy 2016, table 2 ({CROP})"),
    "InceptionV3": Published(2015, 21.2, 5.6, f"Szegedy 2016, table 2 ({CROP})"),
    "PlainNet18": Published(2015, 27.94, None, "He 2015, table 2 (10 crops)"),
    "PlainNet34": Published(2015, 28.54, 10.02, "He 2015, tables 2 and 3 (10 crops)"),
    "ResNet18": Published(2015, 30.43, 10.76, f"fb.resnet.torch ({CROP})"),
    "ResNet34": Published(2015, 26.73, 8.74, f"fb.resnet.torch ({CROP})"),
    "ResNet50": Published(2015, 24.01, 7.02, f"fb.resnet.torch ({CROP})"),
    "ResNet101": Published(2015, 23.6, 7.1, f"He, README of the models, stride on the 1x1 ({CROP})"),
    "ResNet152": Published(2015, 23.0, 6.7, f"He, README of the models, stride on the 1x1 ({CROP})"),
    "InceptionV4": Published(2016, 20.0, 5.0, f"Szegedy 2016, table 2 ({CROP})"),
    "InceptionResNetV2": Published(2016, 19.9, 4.9, f"Szegedy 2016, table 2 ({CROP})"),
    "SqueezeNet1_0": Published(2016, 42.5, 19.7, f"Iandola 2016, table 2 ({CROP})"),
    "SqueezeNet1_1": Published(2016, None, 19.7, "README of SqueezeNet v1.1: at most that"),
    "PreActResNet200": Published(2016, 21.66, 5.79, f"fb.resnet.torch ({CROP})"),
    "WideResNet50_2": Published(2016, 21.9, 6.03, f"Zagoruyko 2016, table 8 ({CROP})"),
    "DenseNet121": Published(2016, 25.0, 7.7, f"Huang 2017, table 3 ({CROP})"),
    "DenseNet169": Published(2016, 23.8, 6.9, f"Huang 2017, table 3 ({CROP})"),
    "DenseNet201": Published(2016, 22.6, 6.3, f"Huang 2017, table 3 ({CROP})"),
    "DenseNet161": Published(2016, 22.3, 6.2, f"Huang 2017, table 3 ({CROP})"),
    "ResNeXt50_32x4d": Published(2016, 22.2, None, f"Xie 2017, README ({CROP})"),
    "ResNeXt101_32x4d": Published(2016, 21.2, 5.6, f"Xie 2017, README ({CROP})"),
    "ResNeXt101_64x4d": Published(2016, 20.4, 5.3, f"Xie 2017, README ({CROP})"),
    "ResNeXt101_32x8d": Published(2018, 20.69, 5.47, f"torchvision ({CROP})"),
    "MobileNetV1": Published(2017, 29.4, None, f"Howard 2017, table 8 ({CROP})"),
    "ShuffleNetV1": Published(2017, 32.6, None, f"Zhang 2018, table 2, 3 groups ({CROP})"),
    "NASNetAMobile": Published(2017, 26.0, 8.4, f"Zoph 2018, table 3 ({CROP})"),
    "NASNetALarge": Published(2017, 17.3, 3.8, f"Zoph 2018, table 2 ({CROP})"),
    "SEResNet50": Published(2017, 23.29, 6.62, f"Hu 2018, table 2 ({CROP})"),
    "SEResNet101": Published(2017, 22.38, 6.07, f"Hu 2018, table 2 ({CROP})"),
    "SEResNet152": Published(2017, 21.57, 5.73, f"Hu 2018, table 2 ({CROP})"),
    "SEResNeXt50_32x4d": Published(2017, 21.10, 5.49, f"Hu 2018, table 2 ({CROP})"),
    "SENet154": Published(2017, 18.68, 4.47, f"Hu 2018, table 8 ({CROP}, 224 pixels)"),
    "MobileNetV2": Published(2018, 28.0, None, f"Sandler 2018, table 4 ({CROP})"),
    "ShuffleNetV2": Published(2018, 30.6, None, f"Ma 2018, table 8 ({CROP})"),
    "EfficientNetB0": Published(2019, 22.9, 6.7, f"Tan 2019, table 2 ({CROP})"),
    "EfficientNetB1": Published(2019, 20.9, 5.6, f"Tan 2019, table 2 ({CROP})"),
    "EfficientNetB2": Published(2019, 19.9, 5.1, f"Tan 2019, table 2 ({CROP})"),
    "EfficientNetB3": Published(2019, 18.4, 4.3, f"Tan 2019, table 2 ({CROP})"),
    "EfficientNetB4": Published(2019, 17.1, 3.6, f"Tan 2019, table 2 ({CROP})"),
    "EfficientNetB5": Published(2019, 16.4, 3.3, f"Tan 2019, table 2 ({CROP})"),
    "EfficientNetB6": Published(2019, 16.0, 3.2, f"Tan 2019, table 2 ({CROP})"),
    "EfficientNetB7": Published(2019, 15.7, 3.0, f"Tan 2019, table 2 ({CROP})"),
    "EfficientNetLite0": Published(2020, 24.9, None, f"README of EfficientNet-Lite ({CROP})"),
    "EfficientNetLite1": Published(2020, 23.3, None, f"README of EfficientNet-Lite ({CROP})"),
    "EfficientNetLite2": Published(2020, 22.4, None, f"README of EfficientNet-Lite ({CROP})"),
    "EfficientNetLite3": Published(2020, 20.2, None, f"README of EfficientNet-Lite ({CROP})"),
    "EfficientNetLite4": Published(2020, 18.5, None, f"README of EfficientNet-Lite ({CROP})"),
}


@dataclass(frozen=True)
class Winner:
    """The best top-5 error of a year's ImageNet challenge (classification, test set), in per cent, often of an ensemble.

    Attributes:
        layers: layers with weights of its network, of the deepest in an ensemble; None for the shallow methods before 2012, and where
            no one network can be named.
    """

    year: int
    entry: str
    top5: float
    layers: int | None


WINNERS = (
    Winner(2010, "Lin et al. (SIFT and LBP features, SVM)", 28.2, None),
    Winner(2011, "Sanchez & Perronnin (Fisher vectors)", 25.8, None),
    Winner(2012, "AlexNet (Krizhevsky et al.)", 16.4, 8),
    Winner(2013, "Clarifai (Zeiler; called ZFNet)", 11.7, None),
    Winner(2014, "GoogLeNet (Szegedy et al.)", 6.7, 22),
    Winner(2015, "ResNet (He et al.)", 3.57, 152),
    Winner(2016, "Deep feature fusion (Shao et al.)", 2.99, None),
    Winner(2017, "SENet (Hu et al.)", 2.25, 152),
)
"""Source: Russakovsky et al. 2015, "ImageNet large scale visual recognition challenge", table 5, up to 2014; then the papers: He 2015,
table 5; Shao 2016; Hu 2018, sec. 1. All are of ensembles. AlexNet's 16.4 % is without, its 15.3 % with additional training images."""

VGG_2014 = 7.3  # the second of 2014: Simonyan & Zisserman 2014, table 7
HUMAN_TOP5 = 5.1  # one trained annotator: Russakovsky et al. 2015, sec. 6.4


@dataclass(frozen=True)
class TrainingCost:
    """What it took to train a network to AlexNet's accuracy, 79.1 % top-5, in teraflop/s-days.

    Attributes:
        factor: how many times less than AlexNet, as the source prints it.
    """

    date: str
    network: str
    teraflops_days: float
    factor: float


TRAINING_COST = (
    TrainingCost("2012-06-01", "AlexNet", 3.1, 1),
    TrainingCost("2014-09-17", "GoogLeNet", 0.71, 4.3),
    TrainingCost("2017-04-17", "MobileNetV1", 0.28, 11),
    TrainingCost("2017-07-03", "ShuffleNetV1", 0.15, 21),
    TrainingCost("2018-06-30", "ShuffleNetV2", 0.12, 25),
    TrainingCost("2019-05-28", "EfficientNetB0", 0.069, 44),
)
"""Source: Hernandez & Brown 2020, "Measuring the algorithmic efficiency of neural networks" (arXiv:2005.04305), and the table of records
in its repository openai/ai-and-efficiency: the least compute known at each date. (3.1 / 0.069 is 45: the factors were taken before rounding.)"""
