"""VGG: as many layers as the name says, the lecture's numbers, torchvision's names, and the arithmetic of PyTorch."""

import pytest

import minicnn
from minicnn import models, nn, use_backend
from minicnn.analysis import summarize
from minicnn.errors import ShapeError
from tests.models.against_torch import check_against_torch


@pytest.mark.parametrize("depth", [11, 13, 16, 19])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_has_as_many_layers_with_weights_as_its_name_says(depth, batch_norm):
    net = getattr(models, f"VGG{depth}")(batch_norm=batch_norm, width=4, hidden=8)
    layers = [module for module in net.modules() if isinstance(module, (nn.Conv2d, nn.Linear))]
    convolutions = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
    assert (len(layers), len(convolutions)) == (depth, depth - 3)
    assert {(c.kernel_size, c.stride, c.padding) for c in convolutions} == {((3, 3), (1, 1), (1, 1, 1, 1))}
    assert all(layer.bias is not None for layer in layers), "torchvision keeps biases before batch norm"
    assert sum(isinstance(module, nn.BatchNorm2d) for module in net.modules()) == batch_norm * len(convolutions)


def test_weights_of_vgg16_are_those_of_the_lectures_table():
    with use_backend("meta"):
        weights = [p.size for name, p in models.VGG16().named_parameters() if name.endswith("weight")]
    assert weights == [
        1_728, 36_864, 73_728, 147_456, 294_912, 589_824, 589_824, 1_179_648, 2_359_296, 2_359_296, 2_359_296, 2_359_296, 2_359_296,
        102_760_448, 16_777_216, 4_096_000,
    ]  # fmt: skip


def test_the_image_is_halved_five_times_and_the_channels_doubled_three_times():
    with use_backend("meta"):
        outputs = summarize(models.VGG16()).outputs
    assert [outputs[f"features.{i}"][1:] for i in (4, 9, 16, 23, 30)] == [
        (64, 112, 112), (128, 56, 56), (256, 28, 28), (512, 14, 14), (512, 7, 7)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("batch_norm", "convolutions", "norms"),
    [(False, [0, 3, 6, 8, 11, 13, 16, 18], []), (True, [0, 4, 8, 11, 15, 18, 22, 25], [1, 5, 9, 12, 16, 19, 23, 26])],
)
def test_names_are_torchvisions(batch_norm, convolutions, norms):
    state = models.VGG11(batch_norm=batch_norm, width=4, hidden=8).state_dict()
    assert [name for name in state if name.endswith(".weight") and state[name].ndim == 4] == [f"features.{i}.weight" for i in convolutions]
    assert [name for name in state if name.endswith("running_mean")] == [f"features.{i}.running_mean" for i in norms]
    assert [name for name in state if name.startswith("classifier") and "weight" in name] == [f"classifier.{i}.weight" for i in (0, 3, 6)]


@pytest.mark.parametrize("batch_norm", [False, True])
def test_equals_pytorch(batch_norm):
    def reference(torch, w, x):
        F = torch.nn.functional
        i = 0
        for depth in (2, 2, 3, 3, 3):
            for _ in range(depth):
                x = F.conv2d(x, w[f"features.{i}.weight"], w[f"features.{i}.bias"], padding=1)
                if batch_norm:
                    i += 1
                    x = F.batch_norm(x, None, None, w[f"features.{i}.weight"], w[f"features.{i}.bias"], True)
                x, i = F.relu(x), i + 2
            x, i = F.max_pool2d(x, 2), i + 1
        x = F.adaptive_avg_pool2d(x, 7).flatten(1)
        for i in (0, 3):
            x = F.relu(F.linear(x, w[f"classifier.{i}.weight"], w[f"classifier.{i}.bias"]))
        return F.linear(x, w["classifier.6.weight"], w["classifier.6.bias"])

    minicnn.manual_seed(1)
    net = models.VGG16(batch_norm=batch_norm, width=4, hidden=8, num_classes=5)
    check_against_torch(net, reference, (3, 3, 32, 288))  # 1 x 9 maps: some of the 7 x 7 means are over several pixels


def test_an_image_that_is_halved_to_nothing_is_refused():
    with pytest.raises(ShapeError, match=r"features.20 MaxPool2d.*halved once too often"):
        models.VGG11(width=4, hidden=8)(minicnn.zeros(1, 3, 16, 16))
