"""LeNet-5, AlexNet, ZFNet, VGG, GoogLeNet and ResNet: what the lecture says of each, recomputed."""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import TypeVar

import numpy as np

from minicnn import models, nn
from minicnn.analysis.lecture.claim import Claim, depth, network, short, volume
from minicnn.analysis.receptive_field import measure_receptive_field, receptive_field
from minicnn.analysis.summary import Summary, summarize
from minicnn.autograd import Tensor, no_grad
from minicnn.backend import META, use_backend
from minicnn.kernels.geometry import output_size
from minicnn.nn import AvgPool2d, Conv2d, Linear, MaxPool2d, Module

Layer = TypeVar("Layer", bound=Module)


def lenet() -> Iterator[Claim]:
    """Review: LeNet-5."""
    net = network("LeNet5")
    kinds = {Conv2d: "CONV", AvgPool2d: "POOL", Linear: "FC"}
    found = "-".join(kinds[type(m)] for m in net.modules() if type(m) in kinds)
    output = "the slide counts C5 and F6 as the FC layers; the layer after them is the output"
    yield Claim("LeNet-5", "architecture", "CONV-POOL-CONV-POOL-FC-FC", found, output)
    convs, pools = _layers(net, Conv2d), _layers(net, AvgPool2d)
    yield Claim("LeNet-5", "conv filters", "5x5, stride 1", ", ".join({f"{_square(c.kernel_size)}, stride {c.stride[0]}" for c in convs}))
    yield Claim("LeNet-5", "subsampling", "2x2, stride 2", ", ".join({f"{_square(p.kernel_size)}, stride {p.stride[0]}" for p in pools}))


ALEXNET = {  # of the slide: [27x27x96] MAX POOL1 comes before [27x27x96] NORM1
    "features.conv1": "[55x55x96]", "features.pool1": "[27x27x96]", "features.norm1": "[27x27x96]",
    "features.conv2": "[27x27x256]", "features.pool2": "[13x13x256]", "features.norm2": "[13x13x256]",
    "features.conv3": "[13x13x384]", "features.conv4": "[13x13x384]", "features.conv5": "[13x13x256]", "features.pool5": "[6x6x256]",
    "classifier.fc6": "[4096]", "classifier.fc7": "[4096]", "classifier.fc8": "[1000]",
}  # fmt: skip


ALEXNET_FILTERS = (
    ("CONV1", "96 11x11 filters at stride 4, pad 0"), ("CONV2", "256 5x5 filters at stride 1, pad 2"),
    ("CONV3", "384 3x3 filters at stride 1, pad 1"), ("CONV4", "384 3x3 filters at stride 1, pad 1"),
    ("CONV5", "256 3x3 filters at stride 1, pad 1"),
)  # fmt: skip


def alexnet() -> Iterator[Claim]:
    """Case study: AlexNet, in one tower and on two GPUs."""
    topic, net = "AlexNet", network("AlexNet")
    summary = summarize(net)
    yield Claim(topic, "INPUT", "[227x227x3]", f"[{'x'.join(map(str, (*summary.input[2:], summary.input[1])))}]")
    yield Claim(topic, "(227-11)/4+1", "55", str(output_size(227, 11, 4, 0, 0)))
    yield Claim(topic, "(55-3)/2+1", "27", str(output_size(55, 3, 2, 0, 0)))
    for path, said in ALEXNET.items():
        yield Claim(topic, path.rpartition(".")[2].upper(), said, volume(summary, path))
    for layer, (name, filters) in zip(_layers(net, Conv2d), ALEXNET_FILTERS, strict=True):
        yield Claim(topic, f"filters of {name}", filters, _filters(layer))
    pooled = {f"{_square(p.kernel_size)} filters at stride {p.stride[0]}" for p in _layers(net, MaxPool2d)}
    yield Claim(topic, "MAX POOL1, 2 and 3", "3x3 filters at stride 2", "; ".join(pooled))
    parameters = _parameters(summary)
    yield Claim(topic, "CONV1 parameters, (11*11*3+1)*96", "35K", short(parameters["features.conv1"]))
    yield Claim(topic, "CONV1 parameters, exactly", "34,944", f"{parameters['features.conv1']:,}")
    yield Claim(topic, "POOL1 parameters", "0", str(parameters["features.pool1"]))
    yield Claim(topic, "layers", "8", str(depth(net)))
    yield Claim(topic, "dropout", "0.5", ", ".join({f"{m.p:g}" for m in _layers(net, nn.Dropout)}))
    grouped = network("AlexNetGrouped")
    maps = summarize(grouped).outputs["features.conv1"]
    yield Claim(topic, "CONV1 on each of two GPUs", "[55x55x48] x 2", f"[{maps[2]}x{maps[3]}x{maps[1] // 2}] x 2")
    same = ", ".join(path.rpartition(".")[2].upper() for path, m in grouped.named_modules() if isinstance(m, Conv2d) and m.groups == 2)
    reason = "CONV1 sees the image, which both GPUs have: its filters are divided, but there are no maps before it"
    yield Claim(topic, "connected only to maps on the same GPU", "CONV1, CONV2, CONV4, CONV5", same, reason)
    both = [path.rpartition(".")[2].upper() for path, m in grouped.named_modules() if isinstance(m, Conv2d) and m.groups == 1][1:]
    both += [path.rpartition(".")[2].upper() for path, m in grouped.named_modules() if isinstance(m, Linear)]
    yield Claim(topic, "connected to all maps", "CONV3, FC6, FC7, FC8", ", ".join(both))


def zfnet() -> Iterator[Claim]:
    """ZFNet: AlexNet, but."""
    first, *_, c3, c4, c5 = _layers(network("ZFNet"), Conv2d)
    yield Claim("ZFNet", "CONV1", "7x7 stride 2", f"{_square(first.kernel_size)} stride {first.stride[0]}")
    yield Claim("ZFNet", "CONV3,4,5 filters", "512, 1024, 512", f"{c3.out_channels}, {c4.out_channels}, {c5.out_channels}")


VGG16 = (  # memory and parameters of the slide, "not counting biases"
    ("CONV3-64", "3.2M", 1_728), ("CONV3-64", "3.2M", 36_864), ("POOL2", "800K", 0),
    ("CONV3-128", "1.6M", 73_728), ("CONV3-128", "1.6M", 147_456), ("POOL2", "400K", 0),
    ("CONV3-256", "800K", 294_912), ("CONV3-256", "800K", 589_824), ("CONV3-256", "800K", 589_824), ("POOL2", "200K", 0),
    ("CONV3-512", "400K", 1_179_648), ("CONV3-512", "400K", 2_359_296), ("CONV3-512", "400K", 2_359_296), ("POOL2", "100K", 0),
    ("CONV3-512", "100K", 2_359_296), ("CONV3-512", "100K", 2_359_296), ("CONV3-512", "100K", 2_359_296), ("POOL2", "25K", 0),
    ("FC", "4096", 102_760_448), ("FC", "4096", 16_777_216), ("FC", "1000", 4_096_000),
)  # fmt: skip


def vgg() -> Iterator[Claim]:
    """Case study: VGGNet, with the whole table of VGG16."""
    net = network("VGG16")
    summary = summarize(net)
    convs, pools = _layers(net, Conv2d), _layers(net, MaxPool2d)
    kinds = {f"{_square(c.kernel_size)} CONV stride {c.stride[0]}, pad {c.padding[0]}" for c in convs}
    kinds |= {f"{_square(p.kernel_size)} MAX POOL stride {p.stride[0]}" for p in pools}
    yield Claim("VGG", "only", "3x3 CONV stride 1, pad 1; 2x2 MAX POOL stride 2", "; ".join(sorted(kinds, reverse=True)))
    yield Claim("VGG", "layers", "16 - 19", f"{depth(net)} - {depth(network('VGG19'))}")
    threes = [(3,)] * 3
    yield Claim("VGG", "receptive field of three 3x3", "[7x7]", f"[{_square(receptive_field(threes).size)}]")
    three = nn.Sequential(*(nn.Conv2d(1, 1, 3) for _ in threes))
    yield Claim("VGG", "the same, measured by a gradient", "[7x7]", f"[{_square(measure_receptive_field(three, (1, 15, 15)).size)}]")
    with use_backend(META):
        C = 64
        weights = 3 * nn.Conv2d(C, C, 3, bias=False).weight.size, nn.Conv2d(C, C, 7, bias=False).weight.size
    yield Claim("VGG", "3*(3²C²) vs. 7²C² parameters, C = 64", f"{27 * C * C:,} vs. {49 * C * C:,}", f"{weights[0]:,} vs. {weights[1]:,}")
    yield Claim("VGG16", "INPUT memory 224*224*3", "150K", short(math.prod(summary.input)))
    sizes = {path: m.weight.size if isinstance(m, (Conv2d, Linear)) else 0 for path, m in net.named_modules()}
    rows = [layer for layer in summary.layers if isinstance(net.get_submodule(layer.path), (Conv2d, MaxPool2d, Linear))]
    for layer, (name, memory, parameters) in zip(rows, VGG16, strict=True):
        yield Claim("VGG16", f"{name} memory ({layer.path})", memory, str(layer.elements) if name == "FC" else short(layer.elements))
        yield Claim("VGG16", f"{name} params ({layer.path})", f"{parameters:,}", f"{sizes[layer.path]:,}")
    yield Claim("VGG16", "parameters in all", "138M", short(summary.parameters, digits=3))


def googlenet() -> Iterator[Claim]:
    """Case study: GoogLeNet and the Inception module."""
    with use_backend(META):
        naive = summarize(models.NaiveInceptionModule(256, 128, 192, 96), (256, 28, 28))
        reduced = summarize(models.InceptionModule(256, 128, 64, 192, 64, 96, 64), (256, 28, 28))
    yield Claim("Inception", "naive module, after concatenation", "[28x28x672]", volume(naive, ""))
    yield Claim("Inception", "naive module, conv ops", "854M", short(naive.macs, digits=3))
    yield Claim("Inception", "module with dimension reduction", "[28x28x480]", volume(reduced, ""))
    yield from _products("naive", naive, ("28x28x128x1x1x256", "28x28x192x3x3x256", "28x28x96x5x5x256"))
    rows = ("28x28x128x1x1x256", "28x28x64x1x1x256", "28x28x192x3x3x64", "28x28x64x1x1x256", "28x28x96x5x5x64", "28x28x64x1x1x256")
    yield from _products("reduced", reduced, rows)
    products = (
        "the slide's six products add up to 271,351,808; 358M is that sum with the row of the 3x3 convolution counted twice"
    )
    yield Claim("Inception", "module with dimension reduction, conv ops", "358M", short(reduced.macs, digits=3), products)
    net = network("GoogLeNet", aux=False)
    parameters = summarize(net).parameters
    modules = sum(isinstance(m, models.InceptionModule) for m in net.modules())
    yield Claim("GoogLeNet", "layers (parallel ones count once)", "22", str(depth(net)))
    others = [m for path, m in net.named_modules() if isinstance(m, (Conv2d, Linear)) and "inception" not in path]
    yield Claim("GoogLeNet", "2 layers per module, and the others", "22", str(2 * modules + len(others)))
    yield Claim("GoogLeNet", "stem: Conv-Pool-2x Conv-Pool", "3 conv, 2 pool", _stem(net))
    yield Claim("GoogLeNet", "linear layers, the classifier not counted", "0", str(len(_layers(net, Linear)) - 1))
    slim = "the network of the paper's table 1 has 7.0 million (its column of parameters adds up to 6.8 million)"
    yield Claim("GoogLeNet", "parameters", "5 million", f"{parameters / 1e6:.2g} million", slim)
    five = "12 and 27 come out with the slide's 5 million below the line, cut off after the point: 61.0 / 5 = 12.2 and 138.4 / 5 = 27.7"
    for other, factor in (("AlexNetGrouped", 12), ("VGG16", 27)):
        ratio = summarize(network(other)).parameters / parameters
        yield Claim("GoogLeNet", f"less parameters than {other.removesuffix('Grouped')}", f"{factor}x", f"{ratio:.0f}x", five)


def resnet() -> Iterator[Claim]:
    """Case study: ResNet."""
    for layers in (18, 34, 50, 101, 152):
        yield Claim("ResNet", f"layers of ResNet{layers}", str(layers), str(depth(network(f"ResNet{layers}"))))
    yield Claim("ResNet", "layers on CIFAR", "1202", str(depth(network("ResNet1202"))))
    plain = f"{depth(network('PlainNetCIFAR', depth=20))} and {depth(network('PlainNetCIFAR', depth=56))}"
    yield Claim("ResNet", "layers of the plain networks compared", "20 and 56", plain)
    net = network("ResNet34")
    summary = summarize(net)
    block = next(m for m in net.modules() if isinstance(m, models.BasicBlock))
    yield Claim("ResNet", "3x3 conv layers in a residual block", "2", str(sum(c.kernel_size == (3, 3) for c in _layers(block, Conv2d))))
    stages = [summary.outputs[f"layer{i}"][1:] for i in (1, 2, 3, 4)]
    steps = {(b[0] / a[0], b[1] / a[1], b[2] / a[2]) for a, b in pairwise(stages)}
    yield Claim("ResNet", "from stage to stage: filters, height, width", "x2, /2, /2", "; ".join(f"x{f:g}, /{1 / h:g}, /{1 / w:g}" for f, h, w in steps))
    halved = {math.prod(b) / math.prod(a) for a, b in pairwise(stages)}
    yield Claim("ResNet", "activation volume", "x0.5", "; ".join(f"x{ratio:g}" for ratio in halved))
    yield Claim("ResNet", "FC layers: only the one to the classes", "1000", "; ".join(str(m.out_features) for m in _layers(net, Linear)))
    yield Claim("ResNet", "H(x) = x if F(x) = 0", "yes", "yes" if _identity() else "no")
    sizes = [summarize(net, (3, *size)).outputs[""] for size in ((224, 224), (160, 288), (97, 61))]
    yield Claim("ResNet", "input images of variable sizes", "yes", "yes" if set(sizes) == {(1, 1000)} else "no")


def _products(name: str, summary: Summary, rows: tuple[str, ...]) -> Iterator[Claim]:
    """The multiply-adds of each convolution of an Inception module against the product on the slide."""
    convs = [layer for layer in summary.layers if layer.macs]
    for layer, product in zip(convs, rows, strict=True):
        said = math.prod(map(int, product.split("x")))
        yield Claim("Inception", f"{name} module, {product} ({layer.path})", f"{said:,}", f"{layer.macs:,}")


def _stem(net: Module) -> str:
    """The convolutions and poolings before the first Inception module."""
    first = next(i for i, (_, child) in enumerate(net.named_children()) if isinstance(child, models.InceptionModule))
    before = [m for _, child in list(net.named_children())[:first] for m in child.modules()]
    return f"{sum(isinstance(m, Conv2d) for m in before)} conv, {sum(isinstance(m, MaxPool2d) for m in before)} pool"


def _identity() -> bool:
    """A residual block whose F is zero returns its input, as long as that is a block's output: not negative."""
    block = models.BasicBlock(4, 4).eval()
    for norm in _layers(block, nn.BatchNorm2d):
        norm.load_state_dict({"num_batches_tracked": np.array(1)}, strict=False)
    block.get_submodule("bn2").load_state_dict({"weight": np.zeros(4)}, strict=False)
    x = np.abs(np.random.default_rng(0).standard_normal((2, 4, 5, 5), np.float32))
    with no_grad():
        return bool(np.array_equal(block(Tensor(x)).numpy(), x))


def _layers(net: Module, kind: type[Layer]) -> list[Layer]:
    """The layers of one kind, in the order in which they stand in the network."""
    return [module for module in net.modules() if isinstance(module, kind)]


def _filters(layer: Conv2d) -> str:
    return f"{layer.out_channels} {_square(layer.kernel_size)} filters at stride {layer.stride[0]}, pad {layer.padding[0]}"


def _parameters(summary: Summary) -> dict[str, int]:
    return {layer.path: layer.parameters for layer in summary.layers}


def _square(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
