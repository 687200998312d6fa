"""ResNets and pre-activation ResNets in PyTorch's functions, by the names of a state dict, for comparison with ours."""


class Layers:
    """Layers by name. Batch norm uses the batch, as in training.

    Args:
        torch: the module.
        w: a state dict of torch's tensors.
    """

    def __init__(self, torch, w):
        self.F, self.w = torch.nn.functional, w
        torch.set_num_threads(1)  # on maps as small as these its threads only wait for each other

    def has(self, name):
        """Is there such a layer?"""
        return f"{name}.weight" in self.w

    def conv(self, name, x, stride=1):
        """Convolution, padded by half a window, with as many groups as its weights tell."""
        weight = self.w[f"{name}.weight"]
        groups = x.shape[1] // weight.shape[1]
        return self.F.conv2d(x, weight, self.w.get(f"{name}.bias"), stride, weight.shape[2] // 2, groups=groups)

    def norm(self, name, x):
        """Batch norm."""
        return self.F.batch_norm(x, None, None, self.w[f"{name}.weight"], self.w[f"{name}.bias"], True)

    def linear(self, name, x):
        """Global average pooling and a linear layer."""
        return self.F.linear(x.mean((2, 3)), self.w[f"{name}.weight"], self.w[f"{name}.bias"])

    def blocks(self, stages):
        """(name, stride) of all blocks: the first one of each stage but the first has stride 2."""
        for s, stage in enumerate(stages):
            i = 0
            while any(name.startswith(f"{stage}.{i}.") for name in self.w):
                yield f"{stage}.{i}", 2 if s > 0 and i == 0 else 1
                i += 1


STAGES = ("layer1", "layer2", "layer3", "layer4")


def residual_block(torch, net, name, x, stride, *, stride_on_1x1=False, after=lambda name, y: y):
    """Convolutions with batch norm; `after` them, what SENet has; the shortcut that the names tell; ReLU."""
    bottleneck = net.has(f"{name}.conv3")
    strides = ((stride, 1, 1) if stride_on_1x1 else (1, stride, 1)) if bottleneck else (stride, 1)
    y = x
    for i, s in enumerate(strides, start=1):
        y = net.norm(f"{name}.bn{i}", net.conv(f"{name}.conv{i}", y if i == 1 else torch.relu(y), s))
    if net.has(f"{name}.downsample.0"):
        x = net.norm(f"{name}.downsample.1", net.conv(f"{name}.downsample.0", x, stride))
    elif x.shape != y.shape:
        nothing = torch.zeros_like(x[:, ::2, ::2, ::2])  # half of the channels
        x = torch.cat([nothing, x[:, :, ::2, ::2], nothing], 1)
    return torch.relu(x + after(name, y))


def resnet(torch, w, x, *, stride_on_1x1=False):
    """ResNet, Wide ResNet, ResNeXt for ImageNet."""
    net = Layers(torch, w)
    x = net.F.max_pool2d(torch.relu(net.norm("bn1", net.conv("conv1", x, 2))), 3, 2, 1)
    for name, stride in net.blocks(STAGES):
        x = residual_block(torch, net, name, x, stride, stride_on_1x1=stride_on_1x1)
    return net.linear("fc", x)


def resnet_cifar(torch, w, x):
    """ResNet, ResNeXt for CIFAR."""
    net = Layers(torch, w)
    x = torch.relu(net.norm("bn1", net.conv("conv1", x)))
    for name, stride in net.blocks(STAGES):
        x = residual_block(torch, net, name, x, stride)
    return net.linear("linear", x)


def preact_block(torch, net, name, x, stride):
    """Batch norm, ReLU, convolution, two or three times; added to the input, or to the convolution of what is activated."""
    active = y = torch.relu(net.norm(f"{name}.norm1", x))
    last = 3 if net.has(f"{name}.conv3") else 2
    for i in range(1, last + 1):
        y = net.conv(f"{name}.conv{i}", y, stride if i == last - 1 else 1)
        y = torch.relu(net.norm(f"{name}.norm{i + 1}", y)) if i < last else y
    return y + (net.conv(f"{name}.downsample.conv", active, stride) if net.has(f"{name}.downsample.conv") else x)


def preact_resnet(torch, w, x):
    """Pre-activation ResNet for ImageNet."""
    net = Layers(torch, w)
    x = net.F.max_pool2d(net.conv("stem.conv", x, 2), 3, 2, 1)
    for name, stride in net.blocks([f"stages.{i}.blocks" for i in range(4)]):
        x = preact_block(torch, net, name, x, stride)
    x = torch.relu(net.norm("norm", x))
    return net.conv("head.fc", x.mean((2, 3), keepdim=True)).flatten(1)


def preact_resnet_cifar(torch, w, x):
    """Pre-activation ResNet, Wide ResNet for CIFAR."""
    net = Layers(torch, w)
    x = net.conv("conv1", x)
    for name, stride in net.blocks(STAGES):
        x = preact_block(torch, net, name, x, stride)
    return net.linear("linear", torch.relu(net.norm("norm", x)))
