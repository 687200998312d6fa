"""What came after ResNet, transfer, and the challenge: what the lecture says, recomputed or looked up."""

from collections.abc import Iterator

import numpy as np

from minicnn import models, nn
from minicnn.analysis.lecture.claim import Claim, depth, network
from minicnn.analysis.published import HUMAN_TOP5, IMAGENET, VGG_2014, WINNERS
from minicnn.autograd import Tensor, no_grad
from minicnn.models.compound_scaling import ALPHA, BETA, GAMMA


def improving() -> Iterator[Claim]:
    """Improving ResNets, and other ideas."""
    gate = models.SqueezeExcitation(64, 4)
    weights = sum(1 for m in gate.modules() if isinstance(m, (nn.Conv2d, nn.Linear)))
    yield Claim("SENet", "FC layers of a feature recalibration", "2", str(weights))
    wide, deep = IMAGENET["WideResNet50_2"], IMAGENET["ResNet152"]
    assert wide.top1 is not None
    assert deep.top1 is not None
    yield Claim("Wide ResNet", "layers", "50", str(depth(network("WideResNet50_2"))))
    yield Claim("Wide ResNet", "50 wide layers outperform 152", "yes", "yes" if wide.top1 < deep.top1 else "no", looked_up=True)
    dense, densenet = IMAGENET["DenseNet161"], depth(network("DenseNet121"))
    assert dense.top1 is not None
    yield Claim("DenseNet", "outperforms the 152-layer ResNet", "yes", "yes" if dense.top1 < deep.top1 else "no", looked_up=True)
    reason = "no DenseNet of the paper has 50 layers; the shallowest has 121, and 161 outperform ResNet-152 (22.3 against 23.0 % top-1)"
    yield Claim("DenseNet", "layers of the shallow network", "50", str(densenet), reason)


def efficient() -> Iterator[Claim]:
    """1x1 convolutions, and compound scaling."""
    yield Claim("1x1 convolutions", "the same FC layer on each input pixel", "yes", "yes" if _pixelwise() else "no")
    yield Claim("EfficientNet", "alpha beta² gamma², about", "2", f"{ALPHA * BETA**2 * GAMMA**2:.0f}")
    least = min(ALPHA, BETA, GAMMA)
    yield Claim("EfficientNet", "alpha, beta, gamma >= 1", "yes", "yes" if least >= 1 else "no")


def transfer() -> Iterator[Claim]:
    """Transfer learning: AlexNet's first layer, as pictures."""
    filters = next(m for m in network("AlexNetOneWeirdTrick").modules() if isinstance(m, nn.Conv2d)).weight.shape
    yield Claim("Transfer", "AlexNet's filters shown", "64 x 3 x 11 x 11", " x ".join(map(str, filters)))


def training() -> Iterator[Claim]:
    """The settings of training: looked up in the papers."""
    for network_name, what, lecture, paper, reason in (
        ("AlexNet", "batch size", "128", "128", ""),
        ("AlexNet", "momentum", "0.9", "0.9", ""),
        ("AlexNet", "learning rate", "1e-2", "1e-2", ""),
        ("AlexNet", "weight decay", "5e-4", "5e-4", ""),
        ("AlexNet", "top-5 error of 1 and of 7 networks", "18.2% -> 15.4%", "18.2% -> 15.4%", ""),
        ("ResNet", "momentum", "0.9", "0.9", ""),
        ("ResNet", "learning rate", "0.1", "0.1", ""),
        ("ResNet", "mini-batch size", "256", "256", ""),
        ("ResNet", "weight decay", "1e-5", "1e-4", "the paper trains with 0.0001 (sec. 3.4); 1e-5 is a slip of the slide"),
    ):
        yield Claim(f"{network_name} training", what, lecture, paper, reason, looked_up=True)


def challenge() -> Iterator[Claim]:
    """The ImageNet challenge: looked up."""
    top5 = {winner.year: winner.top5 for winner in WINNERS}
    for year, said in ((2012, "16.4"), (2013, "11.7"), (2014, "6.7"), (2015, "3.57"), (2016, "2.99")):
        yield Claim("ILSVRC", f"top-5 error of the winner of {year}", f"{said} %", f"{top5[year]:g} %", looked_up=True)
    yield Claim("ILSVRC", "top-5 error of VGG, second in 2014", "7.3 %", f"{VGG_2014:g} %", looked_up=True)
    yield Claim("ILSVRC", "2015 better than human performance", "yes", "yes" if top5[2015] < HUMAN_TOP5 else "no", looked_up=True)


def _pixelwise() -> bool:
    """A 1x1 convolution of 64 channels with 32 filters against a linear layer over the channels of every pixel."""
    random = np.random.default_rng(0)
    x = random.standard_normal((2, 64, 7, 7))
    conv, linear = nn.Conv2d(64, 32, 1, bias=False), nn.Linear(64, 32, bias=False)
    linear.load_state_dict({"weight": conv.weight.numpy().reshape(32, 64)})
    conv.astype("float64"), linear.astype("float64")
    with no_grad():
        y = linear(Tensor(x).transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
        return bool(np.allclose(conv(Tensor(x)).numpy(), y.numpy(), rtol=1e-12, atol=1e-12))
