"""EfficientNet-Lite: a stem and a head that do not grow, nothing but convolutions and ReLU6 between, and TensorFlow's padding."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, models, nn
from minicnn.errors import ArgumentError, ShapeError
from minicnn.models.efficientnet_lite import EfficientNetLite
from minicnn.models.mbconv import MBConvLite


def sizes():
    with minicnn.use_backend("meta"):
        return [models.create(f"EfficientNetLite{i}") for i in range(5)]


def test_stem_head_and_the_stages_at_both_ends_do_not_grow():
    nets = sizes()
    assert [len(net._blocks) for net in nets] == [16, 21, 21, 24, 30]
    for net in nets:
        blocks = list(net._blocks)
        assert (net._conv_stem.out_channels, net._conv_head.out_channels) == (32, 1280)
        assert blocks[0]._depthwise_conv.in_channels == 32
        assert [block.expands for block in blocks] == [False] + [True] * (len(blocks) - 1)
        last = blocks[-1]._project_conv.out_channels
        assert [block._project_conv.out_channels for block in blocks].count(last) == 1
    assert [net._conv_head.in_channels for net in nets] == [320, 320, 352, 384, 448]


def test_image_dropout_and_batch_norm_of_each_size():
    nets = sizes()
    assert [net.input_shape[1] for net in nets] == [224, 240, 260, 280, 300]
    assert [net._dropout.p for net in nets] == [0.2, 0.2, 0.3, 0.3, 0.3]
    assert {(m.eps, m.momentum) for net in nets for m in net.modules() if isinstance(m, nn.BatchNorm2d)} == {(1e-3, 0.01)}


def test_names_are_those_of_the_published_weights():
    state = EfficientNetLite(depth=0.5, width=0.25).state_dict()
    assert state["_conv_stem.weight"].shape == (32, 3, 3, 3)
    assert state["_fc.weight"].shape == (1000, 1280)
    norm = {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}
    convs = {"_expand_conv.weight", "_depthwise_conv.weight", "_project_conv.weight"}
    first, second = ({name.split(".", 2)[2] for name in state if name.startswith(f"_blocks.{i}.")} for i in (0, 1))
    assert second == convs | {f"_bn{i}.{part}" for i in (0, 1, 2) for part in norm}
    assert first == {name for name in second if not name.startswith(("_expand_conv", "_bn0"))}
    rest = {name for name in state if not name.startswith("_blocks.")}
    assert rest == {"_conv_stem.weight", "_conv_head.weight", "_fc.weight", "_fc.bias"} | {f"_bn{i}.{part}" for i in (0, 1) for part in norm}


def test_an_odd_pixel_of_padding_is_below_and_to_the_right():
    """Windows of 3 at stride 2 over 4 pixels begin at 0 and 2: the first pixel is seen once, and by the first output only."""
    block = MBConvLite(2, 3, expansion=1, kernel_size=3, stride=2).eval()
    state = {name: np.ones_like(value) for name, value in block.state_dict().items() if name.endswith("conv.weight")}
    block.load_state_dict(state, strict=False)
    x = np.zeros((1, 2, 4, 4), np.float32)
    x[:, :, 0, 0] = 1
    with pytest.warns(nn.EvalBeforeTrainingWarning):
        y = block(Tensor(x)).numpy()[0, 0]
    assert y[0, 0] > 0
    assert y[0, 1] == y[1, 0] == y[1, 1] == 0
    x = np.roll(x, (1, 1), (2, 3))
    y = block(Tensor(x)).numpy()[0, 0]
    assert y[0, 0] > 0
    assert y[0, 1] == y[1, 0] == y[1, 1] == 0  # with symmetric padding, pixel (1, 1) would be in all four windows


def test_later_blocks_are_skipped_more_often():
    net = EfficientNetLite(depth=0.5, width=0.25, stochastic_depth=0.5)
    assert [block.stochastic_depth.p for block in net._blocks] == pytest.approx([0.5 * i / 10 for i in range(10)])
    x = minicnn.randn(4, 16, 8, 8)
    assert (MBConvLite(16, 16, drop_path=1.0)(x).numpy() == x.numpy()).all()


@pytest.mark.parametrize("size", [32, 37])
def test_equals_pytorch(size):
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    minicnn.manual_seed(1)
    net = EfficientNetLite(depth=0.3, width=0.2, num_classes=5, dropout=0.0, stochastic_depth=0.0).astype("float64")
    w = {name: torch.tensor(value, requires_grad=value.dtype == float) for name, value in net.state_dict().items()}
    x, labels = np.random.default_rng(2).standard_normal((3, 3, size, size)), np.array([0, 4, 2])

    def conv_norm(y, conv, norm, stride=1):
        weight = w[f"{conv}.weight"]
        k, side = weight.shape[2], y.shape[2]
        missing = max(0, (-(-side // stride) - 1) * stride + k - side)  # TensorFlow's SAME
        y = F.pad(y, (missing // 2, missing - missing // 2) * 2)
        y = F.conv2d(y, weight, stride=stride, groups=y.shape[1] // weight.shape[1])
        return F.batch_norm(y, None, None, w[f"{norm}.weight"], w[f"{norm}.bias"], training=True, eps=1e-3)

    strides = [block._depthwise_conv.stride[0] for block in net._blocks]
    assert strides == [1, 2, 2, 2, 1, 2, 1, 1]
    y = F.relu6(conv_norm(torch.tensor(x), "_conv_stem", "_bn0", stride=2))
    for i, stride in enumerate(strides):
        before, name = y, f"_blocks.{i}"
        if f"{name}._expand_conv.weight" in w:
            y = F.relu6(conv_norm(y, f"{name}._expand_conv", f"{name}._bn0"))
        y = F.relu6(conv_norm(y, f"{name}._depthwise_conv", f"{name}._bn1", stride))
        y = conv_norm(y, f"{name}._project_conv", f"{name}._bn2")
        y = y + before if y.shape == before.shape and stride == 1 else y
    y = F.relu6(conv_norm(y, "_conv_head", "_bn1")).mean((2, 3))
    y = F.linear(y, w["_fc.weight"], w["_fc.bias"])
    F.cross_entropy(y, torch.tensor(labels)).backward()

    scores = net(Tensor(x))
    minicnn.ops.cross_entropy(scores, Tensor(labels)).backward()
    np.testing.assert_allclose(scores.numpy(), y.detach().numpy(), rtol=1e-8, atol=1e-10)
    for name, parameter in net.named_parameters():
        np.testing.assert_allclose(parameter.grad.numpy(), w[name].grad.numpy(), rtol=1e-6, atol=1e-9, err_msg=name)


def test_messages():
    with pytest.raises(ArgumentError, match="EfficientNet: width must be a number above 0, not 0"):
        models.EfficientNetLite0(width=0)
    with pytest.raises(ShapeError, match=r"_conv_stem Conv2d.*1 channels, expected 3"):
        models.EfficientNetLite0(width=0.25)(minicnn.zeros(2, 1, 32, 32))
