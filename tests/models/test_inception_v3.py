"""Inception-v3: sizes of the paper's table 1, an auxiliary classifier in training only, and the arithmetic of PyTorch."""

import pytest

import minicnn
from minicnn import models
from minicnn.analysis import summarize
from minicnn.errors import ArgumentError, ShapeError
from tests.models.in_pytorch import InPyTorch, assert_equal


def small(**options):
    minicnn.manual_seed(1)
    return models.InceptionV3(num_classes=5, width=1 / 16, **options)


def test_the_grids_are_those_of_the_paper():
    with minicnn.use_backend("meta"):
        outputs = summarize(models.InceptionV3()).outputs
    assert [outputs[name][1:3] for name in ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "maxpool1")] == [
        (32, 149), (32, 147), (64, 147), (64, 73)
    ]  # fmt: skip
    assert [outputs[name][1:3] for name in ("Mixed_5d", "Mixed_6e", "Mixed_7c")] == [(288, 35), (768, 17), (2048, 8)]


def test_flat_windows_see_a_square():
    """A 1x7 window and a 7x1 window: 7 + 7 weights for each pair of channels instead of 49."""
    module = small().Mixed_6b
    assert [module.get_submodule(f"branch7x7_{i}.conv").kernel_size for i in (2, 3)] == [(1, 7), (7, 1)]


def test_the_auxiliary_classifier_runs_in_training_only():
    net, ran = small(), []
    net.AuxLogits.register_forward_hook(lambda *_: ran.append(True))
    x = minicnn.randn(2, 3, 299, 299)
    outputs = net(x)
    assert isinstance(outputs, models.Outputs)
    assert [scores.shape for scores in (outputs.scores, *outputs.auxiliary)] == [(2, 5), (2, 5)]
    assert net.eval()(x).shape == (2, 5)
    assert len(ran) == 1


def test_without_the_auxiliary_classifier_it_returns_scores():
    net = small(aux=False)
    assert net(minicnn.randn(2, 3, 75, 75)).shape == (2, 5)
    assert not any("Aux" in name for name, _ in net.named_parameters())


def test_equals_pytorch():
    net = small().astype("float64")
    p = InPyTorch(net)
    F, conv, halve = p.F, p.conv, p.halve

    def pooled(name, x):
        return conv(f"{name}_pool", F.avg_pool2d(x, 3, 1, 1))

    def module_a(name, x):
        name = f"{name}.branch"
        y5, y3 = p.row(x, f"{name}5x5_1", f"{name}5x5_2"), p.row(x, *(f"{name}3x3dbl_{i}" for i in (1, 2, 3)))
        return p.cat(conv(f"{name}1x1", x), y5, y3, pooled(name, x))

    def module_b(name, x):
        name = f"{name}.branch"
        y, z = p.row(x, *(f"{name}7x7_{i}" for i in (1, 2, 3))), p.row(x, *(f"{name}7x7dbl_{i}" for i in (1, 2, 3, 4, 5)))
        return p.cat(conv(f"{name}1x1", x), y, z, pooled(name, x))

    def module_c(name, x):
        name = f"{name}.branch"
        y, z = conv(f"{name}3x3_1", x), p.row(x, f"{name}3x3dbl_1", f"{name}3x3dbl_2")
        flat = [conv(f"{name}3x3_2{i}", y) for i in "ab"] + [conv(f"{name}3x3dbl_3{i}", z) for i in "ab"]
        return p.cat(conv(f"{name}1x1", x), *flat, pooled(name, x))

    def forward(x):
        x = p.conv("Conv2d_2b_3x3", conv("Conv2d_2a_3x3", halve("Conv2d_1a_3x3", x), valid=True))
        x = conv("Conv2d_4a_3x3", conv("Conv2d_3b_1x1", F.max_pool2d(x, 3, 2)), valid=True)
        x = F.max_pool2d(x, 3, 2)
        for name in ("Mixed_5b", "Mixed_5c", "Mixed_5d"):
            x = module_a(name, x)
        y = halve("Mixed_6a.branch3x3dbl_3", p.row(x, "Mixed_6a.branch3x3dbl_1", "Mixed_6a.branch3x3dbl_2"))
        x = p.cat(halve("Mixed_6a.branch3x3", x), y, F.max_pool2d(x, 3, 2))
        for name in ("Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"):
            x = module_b(name, x)
        aux = conv("AuxLogits.conv1", conv("AuxLogits.conv0", F.avg_pool2d(x, 5, 3)), valid=True)
        y = halve("Mixed_7a.branch3x3_2", conv("Mixed_7a.branch3x3_1", x))
        z = halve("Mixed_7a.branch7x7x3_4", p.row(x, *(f"Mixed_7a.branch7x7x3_{i}" for i in (1, 2, 3))))
        x = module_c("Mixed_7c", module_c("Mixed_7b", p.cat(y, z, F.max_pool2d(x, 3, 2))))
        return p.linear("fc", x.mean((2, 3))), p.linear("AuxLogits.fc", aux.mean((2, 3)))

    assert_equal(net, p, forward, (2, 3, 299, 299))


def test_messages():
    with pytest.raises(ArgumentError, match="width must be a multiple of 1/16"):
        models.InceptionV3(width=0.1)
    for size in ((200, 299), (299, 298)):
        with pytest.raises(ShapeError, match=r"auxiliary classifier, .*needs images of 299 pixels or more; x is .*or make the network with aux=False"):
            small()(minicnn.ones(2, 3, *size))
    with pytest.raises(ShapeError, match="smaller than the network expects"):
        small(aux=False)(minicnn.ones(2, 3, 43, 43))
