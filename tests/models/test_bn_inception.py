"""BN-Inception: sizes and channels of the released network, and the arithmetic of PyTorch."""

import pytest

import minicnn
from minicnn import models
from minicnn.analysis import summarize
from minicnn.errors import ShapeError
from minicnn.models.bn_inception import DoubleInceptionModule, ReductionModule
from tests.models.in_pytorch import InPyTorch, assert_equal


def test_has_the_released_networks_channels():
    with minicnn.use_backend("meta"):
        outputs = summarize(models.BNInception()).outputs
    assert {name[9:]: shape[1:3] for name, shape in outputs.items() if name.startswith("inception") and "." not in name} == {
        "3a": (256, 28), "3b": (320, 28), "3c": (576, 14), "4a": (576, 14), "4b": (576, 14), "4c": (608, 14), "4d": (608, 14),
        "4e": (1056, 7), "5a": (1024, 7), "5b": (1024, 7),
    }  # fmt: skip


@pytest.mark.parametrize("module", [lambda: DoubleInceptionModule(8, 3, 2, 4, 2, 5, 6), lambda: ReductionModule(8, 2, 4, 2, 5)], ids=["double", "reduction"])
def test_the_number_of_channels_is_known_before(module):
    module = module()
    assert module(minicnn.ones(2, 8, 6, 6)).shape[1] == module.out_channels


def test_only_the_last_module_has_a_max_pooling():
    with minicnn.use_backend("meta"):
        layers = summarize(models.BNInception()).layers
    pools = {layer.path[9:11]: layer.kind[:3] for layer in layers if layer.path.startswith("inception") and "Pool" in layer.kind}
    assert pools == {
        "3a": "Avg", "3b": "Avg", "3c": "Max", "4a": "Avg", "4b": "Avg", "4c": "Avg", "4d": "Avg", "4e": "Max", "5a": "Avg", "5b": "Max"
    }  # fmt: skip


def test_equals_pytorch():
    minicnn.manual_seed(1)
    net = models.BNInception(num_classes=5, width=0.125).astype("float64")
    p = InPyTorch(net, eps=1e-5)
    F, conv = p.F, p.conv

    def halve(name, x):
        return conv(name, x, 2)

    def max_pool(x):
        return F.max_pool2d(x, 3, 2, ceil_mode=True)

    def module(name, x):
        name = f"inception{name}.branch"
        pooled = F.max_pool2d(x, 3, 1, 1) if "5b" in name else F.avg_pool2d(x, 3, 1, 1)
        double = p.row(x, f"{name}3.0", f"{name}3.1", f"{name}3.2")
        return p.cat(conv(f"{name}1", x), p.row(x, f"{name}2.0", f"{name}2.1"), double, conv(f"{name}4.1", pooled))

    def reduction(name, x):
        name = f"inception{name}.branch"
        double = halve(f"{name}2.2", p.row(x, f"{name}2.0", f"{name}2.1"))
        return p.cat(halve(f"{name}1.1", conv(f"{name}1.0", x)), double, max_pool(x))

    def forward(x):
        x = max_pool(p.row(max_pool(halve("conv1", x)), "conv2", "conv3"))
        x = reduction("3c", module("3b", module("3a", x)))
        for name in ("4a", "4b", "4c", "4d"):
            x = module(name, x)
        x = module("5b", module("5a", reduction("4e", x)))
        return p.linear("fc", x.mean((2, 3)))

    assert_equal(net, p, forward, (2, 3, 64, 96))


def test_an_image_whose_halves_do_not_meet_is_refused():
    with pytest.raises(ShapeError, match=r"inception3c.*equal in all axes but axis 1"):
        models.BNInception(width=0.125)(minicnn.ones(1, 3, 119, 119))
