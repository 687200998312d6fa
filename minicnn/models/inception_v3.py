"""Inception-v3, in the modules of `inception_v3_modules.py` (Szegedy et al. 2015)."""

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.checks import flag
from minicnn.errors import ShapeError
from minicnn.models.auxiliary import Outputs
from minicnn.models.inception_module import ConvBN, conv_bn, scaled
from minicnn.models.inception_v3_modules import (
    AuxiliaryClassifier,
    InceptionA,
    InceptionB,
    InceptionC,
    ReductionA,
    ReductionB,
)
from minicnn.models.pretrained import Weights, load_pretrained
from minicnn.models.registry import register_model


@register_model
class InceptionV3(nn.Module):
    """Inception-v3: modules of small and of flat windows, for images of 299 pixels.

    What was new: windows taken apart, n x n into 1 x n and n x 1; reductions by convolution and pooling side by side;
    batch normalisation in the auxiliary classifier; and label smoothing in the loss.

        stage          layers                       output  parameters  multiply-adds
        input                                3 x 299 x 299
        Conv2d_1a_3x3  conv 3x3 / 2         32 x 149 x 149         928     19,181,664
        Conv2d_2a_3x3  conv 3x3             32 x 147 x 147       9,280    199,148,544
        Conv2d_2b_3x3  conv 3x3             64 x 147 x 147      18,560    398,297,088
        maxpool1       max pool 3x3 / 2       64 x 73 x 73           0              0
        Conv2d_3b_1x1  conv 1x1               80 x 73 x 73       5,280     27,284,480
        Conv2d_4a_3x3  conv 3x3              192 x 71 x 71     138,624    696,867,840
        maxpool2       max pool 3x3 / 2      192 x 35 x 35           0              0
        Mixed_5b       InceptionA            256 x 35 x 35     255,904    312,345,600
        Mixed_5c       InceptionA            288 x 35 x 35     277,472    338,688,000
        Mixed_5d       InceptionA            288 x 35 x 35     285,152    348,096,000
        Mixed_6a       ReductionA            768 x 17 x 17   1,153,280    401,937,408
        Mixed_6b       InceptionB            768 x 17 x 17   1,297,408    374,063,104
        Mixed_6c       InceptionB            768 x 17 x 17   1,691,008    487,702,528
        Mixed_6d       InceptionB            768 x 17 x 17   1,691,008    487,702,528
        Mixed_6e       InceptionB            768 x 17 x 17   2,141,952    617,914,368
        Mixed_7a       ReductionB             1280 x 8 x 8   1,698,304    291,004,416
        Mixed_7b       InceptionC             2048 x 8 x 8   5,044,608    322,437,120
        Mixed_7c       InceptionC             2048 x 8 x 8   6,076,800    388,497,408
        avgpool        avg pool to 1x1        2048 x 1 x 1           0              0
        fc             linear                         1000   2,049,000      2,048,000
        AuxLogits      AuxiliaryClassifier     in training   3,326,696              0
        total                                               27,161,264  5,713,216,096

    ImageNet error (top-1 / top-5), one crop: 21.2 / 5.6 % (paper, abstract); 22.71 / 6.55 % (torchvision's weights).

    Choices where sources differ: all as in torchvision, including the names of parameters. The modules on 35x35 pixels have a
    window of 5x5 where the paper's figure 5 has a single 3x3, and the stem has 1x1, 3x3 and a pooling where its table 1 has
    three 3x3 convolutions, as in the released network. The average poolings count the padding, which TensorFlow leaves out;
    batch norm has eps 1e-3 and momentum 0.1; dropout is 0.5; images are not rescaled inside the network.

    Args:
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        aux: with the auxiliary classifier. In training mode the network then returns `Outputs`, for
            `auxiliary_cross_entropy` (with weight 0.4, as in TF-slim), and needs images of 299 pixels or more; in evaluation
            mode it returns scores, for images of 75 pixels or more.
        width: the numbers of channels are multiplied by it; a multiple of 1/16.
        weights: a file of weights, "imagenet" for torchvision's, or None to start from random ones.

    Raises:
        ArgumentError: the width is no multiple of 1/16.
        ShapeError: in training mode with `aux`, the images are too small.

    Source:
        Szegedy, Vanhoucke, Ioffe, Shlens & Wojna 2015, "Rethinking the Inception architecture for computer vision"
        (arXiv:1512.00567).

    Example:
        >>> import minicnn
        >>> net = InceptionV3(num_classes=10, width=1 / 16)
        >>> outputs = net(minicnn.ones(2, 3, 299, 299))
        >>> outputs.scores.shape, [scores.shape for scores in outputs.auxiliary]
        ((2, 10), [(2, 10)])
    """

    def __init__(
        self, num_classes: int = 1000, in_channels: int = 3, *, aux: bool = True, width: float = 1.0, weights: Weights = None
    ) -> None:
        super().__init__()
        self.input_shape = (in_channels, 299, 299)
        conv = conv_bn(width)
        self.Conv2d_1a_3x3 = ConvBN(in_channels, scaled(32, width), 3, stride=2, padding=0)
        self.Conv2d_2a_3x3 = conv(32, 32, 3, padding=0)
        self.Conv2d_2b_3x3 = conv(32, 64, 3)
        self.maxpool1 = nn.MaxPool2d(3, stride=2)
        self.Conv2d_3b_1x1 = conv(64, 80, 1)
        self.Conv2d_4a_3x3 = conv(80, 192, 3, padding=0)
        self.maxpool2 = nn.MaxPool2d(3, stride=2)
        self.Mixed_5b = InceptionA(192, 32, width)
        self.Mixed_5c = InceptionA(256, 64, width)
        self.Mixed_5d = InceptionA(288, 64, width)
        self.Mixed_6a = ReductionA(288, width)
        self.Mixed_6b = InceptionB(768, 128, width)
        self.Mixed_6c = InceptionB(768, 160, width)
        self.Mixed_6d = InceptionB(768, 160, width)
        self.Mixed_6e = InceptionB(768, 192, width)
        self.aux = flag(aux, "InceptionV3: aux")
        if self.aux:
            self.AuxLogits = AuxiliaryClassifier(num_classes, width)
        self.Mixed_7a = ReductionB(768, width)
        self.Mixed_7b = InceptionC(1280, width)
        self.Mixed_7c = InceptionC(2048, width)
        self.avgpool = nn.GlobalAvgPool2d()
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(scaled(2048, width), num_classes)
        load_pretrained(self, weights)

    def forward(self, x: Tensor) -> Tensor | Outputs:
        """(N, in_channels, H, W) to scores (N, num_classes); in training mode with `aux` to `Outputs`."""
        if self.training and self.aux and not all(side >= 299 for side in x.shape[2:]):  # the layers below leave 17x17 of these
            raise ShapeError(
                "in training mode the auxiliary classifier, whose windows need 17x17 pixels, needs images of 299 pixels or more; "
                f"x is {x.shape}: resize the images, or make the network with aux=False"
            )
        x = self.maxpool1(self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x))))
        x = self.maxpool2(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x)))
        x = self.Mixed_6a(self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(x))))
        x6e = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(x))))
        x = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x6e)))
        scores: Tensor = self.fc(self.dropout(self.avgpool(x).flatten(1)))
        if self.training and self.aux:
            return Outputs(scores, (self.AuxLogits(x6e),), weight=0.4)
        return scores
