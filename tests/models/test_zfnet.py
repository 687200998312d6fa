"""ZFNet: the sizes that the paper's figure prints, the lecture's widths, and the arithmetic of PyTorch."""

import pytest

import minicnn
from minicnn import models, use_backend
from minicnn.analysis import summarize
from minicnn.errors import ShapeError
from tests.models.against_torch import check_against_torch


@pytest.mark.parametrize(("network", "wide"), [(models.ZFNet, (512, 1024, 512)), (models.ZFNetPaper, (384, 384, 256))])
def test_has_the_sizes_of_figure_3_and_the_widths_of_table_2(network, wide):
    with use_backend("meta"):
        outputs = summarize(network()).outputs
    names = ["conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5"]
    assert [outputs[f"features.{name}"][2] for name in names] == [110, 55, 26, 13, 13, 13, 13, 6]
    assert [outputs[f"features.conv{i}"][1] for i in range(1, 6)] == [96, 256, *wide]


def test_is_alexnet_but_for_the_first_two_windows():
    """The lecture: "AlexNet but conv1 7x7 stride 2"; the paper's conv2 has stride 2, too."""

    def windows(network):
        parts = [network(num_classes=5, hidden=8).get_submodule(f"features.conv{i}") for i in range(1, 6)]
        return [(part.kernel_size[0], part.stride[0]) for part in parts]

    with use_backend("meta"):
        assert windows(models.AlexNet) == [(11, 4), (5, 1), (3, 1), (3, 1), (3, 1)]
        assert windows(models.ZFNet) == [(7, 2), (5, 2), (3, 1), (3, 1), (3, 1)]


def test_equals_pytorch():
    def reference(torch, w, x):
        F = torch.nn.functional
        for i, (stride, padding) in enumerate([(2, 1), (2, 0), (1, 1), (1, 1), (1, 1)], start=1):
            x = F.relu(F.conv2d(x, w[f"features.conv{i}.weight"], w[f"features.conv{i}.bias"], stride, padding))
            if i < 3:
                x = F.max_pool2d(x, 3, 2, ceil_mode=True)
                x = x / (2 + 1e-4 * F.pad(x**2, (0, 0, 0, 0, 2, 2)).unfold(1, 5, 1).sum(-1)) ** 0.75
        x = F.max_pool2d(x, 3, 2).flatten(1)
        for i in (6, 7):
            x = F.relu(F.linear(x, w[f"classifier.fc{i}.weight"], w[f"classifier.fc{i}.bias"]))
        return F.linear(x, w["classifier.fc8.weight"], w["classifier.fc8.bias"])

    minicnn.manual_seed(1)
    net = models.ZFNet(channels=(6, 16, 12, 24, 12), hidden=16, num_classes=5)
    check_against_torch(net, reference, (2, 3, 224, 224))


@pytest.mark.parametrize("shape", [(2, 3, 227, 227), (2, 3, 224, 225)])
def test_an_image_of_another_size_is_refused(shape):
    net = models.ZFNetPaper(channels=(6, 16, 24, 24, 16), hidden=16)
    with pytest.raises(ShapeError) as caught:
        net(minicnn.zeros(*shape))
    for part in ("224x224 pixels", "6x6 maps", str(shape)):
        assert part in str(caught.value)
