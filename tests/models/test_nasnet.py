"""NASNet-A: its cells are wired as in the paper's figure, its stages as in the authors' code, and the arithmetic is PyTorch's."""

import re

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, models, nn
from minicnn.errors import ArgumentError, ShapeError
from minicnn.models.auxiliary import Outputs, auxiliary_cross_entropy
from minicnn.models.nasnet import NASNetA, middle
from minicnn.models.nasnet_cell import NormalCell, ReductionCell, make_operation
from minicnn.ops import checks


def inputs_of(net, size):
    """What every cell was given and put out, by name."""
    seen = {}

    def note(name):
        return lambda _, inputs, output: seen.__setitem__(name, (*inputs, output))

    for name, cell in net.named_children():
        if "cell" in name:
            cell.register_forward_hook(note(name))
    net(minicnn.randn(2, 3, size, size))
    return seen


@pytest.mark.parametrize(("make", "before"), [(models.NASNetAMobile, "cell_1"), (models.NASNetALarge, "cell_0")])
def test_every_cell_reads_the_two_before_it(make, before):
    """Behind a reduction, the mobile network reads the reduction's input, the large one what came before that."""
    net = make(num_classes=5, filters=4, cells=2)
    seen = inputs_of(net, 48)
    order = ["cell_stem_0", "cell_stem_1", "cell_0", "cell_1", "reduction_cell_0", "cell_6", "cell_7", "reduction_cell_1", "cell_12", "cell_13"]
    assert list(seen) == order
    outputs = {id(output): name for name, (_, _, output) in seen.items()}
    read = {name: (outputs.get(id(x), "conv0"), outputs.get(id(previous), "conv0")) for name, (x, previous, _) in seen.items()}
    assert read["cell_stem_0"] == ("conv0", "conv0")
    assert read["cell_stem_1"] == ("cell_stem_0", "conv0")
    assert read["cell_0"] == ("cell_stem_1", "cell_stem_0")
    assert read["cell_1"] == ("cell_0", "cell_stem_1")
    assert read["reduction_cell_0"] == ("cell_1", "cell_0")
    assert read["cell_6"] == ("reduction_cell_0", before)
    assert read["cell_7"] == ("cell_6", "reduction_cell_0")
    assert read["cell_12"] == ("reduction_cell_1", {"cell_1": "cell_7", "cell_0": "cell_6"}[before])


@pytest.mark.parametrize("cells", [1, 4, 6, 7])
def test_stages_are_numbered_as_in_published_weights(cells):
    net = NASNetA(4, cells, 4, 48, num_classes=5)
    first = max(cells, 6)
    numbers = [int(name.removeprefix("cell_")) for name, _ in net.named_children() if re.fullmatch(r"cell_\d+", name)]
    assert numbers == [first * stage + i for stage in range(3) for i in range(cells)]


@pytest.mark.parametrize("skip", [False, True])
def test_one_cell_a_stage_is_enough(skip):
    net = NASNetA(4, 1, 4, 48, num_classes=5, skip_reduction_input=skip)
    assert net(minicnn.randn(2, 3, 48, 48)).shape == (2, 5)


def test_halving_sees_every_second_pixel_and_its_neighbours_to_the_right_and_below():
    cell = NormalCell(4, 4, 4, previous="halve").eval()
    x = Tensor(np.ones((1, 4, 5, 6), np.float32), requires_grad=True)
    with pytest.warns(nn.EvalBeforeTrainingWarning):
        cell.fit(x)[:, :2].sum().backward()
    left = np.zeros((5, 6), bool)
    left[::2, ::2] = True
    assert ((x.grad.numpy()[0] != 0) == left).all()
    x.grad = None
    cell.fit(x)[:, 2:].sum().backward()
    right = np.zeros((5, 6), bool)
    right[1::2, 1::2] = True
    assert ((x.grad.numpy()[0] != 0) == right).all()


def test_averages_do_not_count_padding():
    for size in (4, 5):
        for stride in (1, 2):
            y = make_operation("average 3x3", 2, 2, stride)(minicnn.ones(1, 2, size, size))
            assert y.shape == (1, 2, -(-size // stride), -(-size // stride))
            np.testing.assert_allclose(y.numpy(), 1, rtol=1e-6)


def test_only_the_first_of_two_separable_convolutions_has_the_stride():
    twice = make_operation("separable 7x7", 8, 16, 2)
    assert (twice.separable_1.depthwise_conv2d.stride, twice.separable_2.depthwise_conv2d.stride) == ((2, 2), (1, 1))
    assert twice.separable_1.pointwise_conv2d.weight.shape == (16, 8, 1, 1)
    assert twice(minicnn.ones(1, 8, 9, 9)).shape == (1, 16, 5, 5)


def test_later_cells_drop_more_and_identities_are_never_dropped():
    net = models.NASNetALarge(num_classes=5, filters=4, cells=1)
    drops = [cell.drop_path.p for cell in net.children() if isinstance(cell, (NormalCell, ReductionCell))]
    assert drops == pytest.approx([0.3 * (i + 1) / 7 for i in range(7)])
    assert {cell.drop_path.p for cell in models.NASNetAMobile(filters=4, cells=1).children() if isinstance(cell, NormalCell)} == {0}
    cell = NormalCell(4, 4, 4, drop_path=1.0)
    x, previous = minicnn.randn(2, 4, 6, 6), minicnn.randn(2, 4, 6, 6)
    state0, state1 = cell.conv_1x1(x).numpy(), cell.fit(previous).numpy()
    parts = np.split(cell(x, previous).numpy(), 6, axis=1)
    for part, expected in zip(parts, (state1, 0, 0, state1, 0, state0), strict=True):
        np.testing.assert_allclose(part, np.broadcast_to(expected, part.shape), rtol=1e-6)


def test_an_even_image_loses_its_last_row_and_column_without_a_warning(monkeypatch):
    monkeypatch.setattr(checks, "_warned", set())
    net = NASNetA(4, 1, 4, 96, num_classes=5, aux=True)  # the auxiliary head's pooling does not tile its 6x6 pixels either
    x = minicnn.randn(2, 3, 96, 96)
    assert net(x).auxiliary[0].shape == (2, 5)
    changed = x.numpy().copy()
    changed[:, :, -1], changed[:, :, :, -1] = 7, 7
    net.eval()
    np.testing.assert_array_equal(net(x).numpy(), net(Tensor(changed)).numpy())


def test_the_auxiliary_head_stands_on_the_second_stage_in_training():
    net = models.NASNetAMobile(num_classes=5, filters=4, cells=1, resolution=80, aux=True)
    assert middle(80) == 5
    outputs = net(minicnn.randn(2, 3, 80, 80))
    assert isinstance(outputs, Outputs)
    assert outputs.scores.shape == (2, 5)
    assert [scores.shape for scores in outputs.auxiliary] == [(2, 5)]
    auxiliary_cross_entropy(outputs, Tensor(np.array([1, 2])), weight=0.4).backward()
    assert all(parameter.grad is not None for parameter in net.parameters())
    net.zero_grad()
    outputs = net(minicnn.randn(2, 3, 80, 80))
    outputs.auxiliary[0].sum().backward()
    with_gradient = {name.split(".")[0] for name, parameter in net.named_parameters() if parameter.grad is not None}
    assert with_gradient == {"conv0", "cell_stem_0", "cell_stem_1", "cell_0", "reduction_cell_0", "cell_6", "aux_head"}
    assert net.eval()(minicnn.randn(2, 3, 80, 80)).shape == (2, 5)


@pytest.mark.parametrize(("large", "size"), [(False, 48), (True, 61)])
def test_equals_pytorch(large, size):
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    minicnn.manual_seed(1)
    net = NASNetA(8, 2, 6, size, num_classes=5, skip_reduction_input=large).astype("float64")
    net.dropout.p = 0.0
    w = {name: torch.tensor(value, requires_grad=value.dtype == float) for name, value in net.state_dict().items()}
    x, labels = np.random.default_rng(2).standard_normal((3, 3, size, size)), np.array([0, 4, 2])

    def same(y, k, stride, value=0.0):
        missing = [max(0, (-(-side // stride) - 1) * stride + k - side) for side in y.shape[:1:-1]]
        return F.pad(y, [side for m in missing for side in (m // 2, m - m // 2)], value=value)

    def norm(y, name):
        return F.batch_norm(y, None, None, w[f"{name}.weight"], w[f"{name}.bias"], training=True, eps=1e-3)

    def project(y, name):
        return norm(F.conv2d(F.relu(y), w[f"{name}.conv.weight"]), f"{name}.bn")

    def halve(y, name):
        y = F.relu(y)
        shifted = torch.zeros_like(y)
        shifted[:, :, :-1, :-1] = y[:, :, 1:, 1:]
        paths = [F.conv2d(v[:, :, ::2, ::2], w[f"{name}.path_{i}.conv.weight"]) for i, v in ((1, y), (2, shifted))]
        return norm(torch.cat(paths, 1), f"{name}.final_path_bn")

    def separable(y, name, stride=1):
        for i in (1, 2):
            depthwise = w[f"{name}.separable_{i}.depthwise_conv2d.weight"]
            s = stride if i == 1 else 1
            y = F.conv2d(same(F.relu(y), depthwise.shape[2], s), depthwise, stride=s, groups=y.shape[1])
            y = norm(F.conv2d(y, w[f"{name}.separable_{i}.pointwise_conv2d.weight"]), f"{name}.bn_sep_{i}")
        return y

    def average(y, stride=1):
        count = F.avg_pool2d(same(torch.ones_like(y), 3, stride), 3, stride)
        return F.avg_pool2d(same(y, 3, stride), 3, stride) / count

    def maximum(y):
        return F.max_pool2d(same(y, 3, 2, -np.inf), 3, 2)

    def normal(y, previous, name, first):
        c = f"{name}.comb_iter_"
        p = halve(previous, name) if first else project(previous, f"{name}.conv_prev_1x1")
        h = project(y, f"{name}.conv_1x1")
        sums = [
            separable(h, f"{c}0_left") + separable(p, f"{c}0_right"),
            separable(p, f"{c}1_left") + separable(p, f"{c}1_right"),
            average(h) + p,
            2 * average(p),
            separable(h, f"{c}4_left") + h,
        ]
        return torch.cat([p, *sums], 1)

    def reduce(y, p, name):
        c = f"{name}.comb_iter_"
        h = project(y, f"{name}.conv_1x1")
        a = separable(h, f"{c}0_left", 2) + separable(p, f"{c}0_right", 2)
        b = maximum(h) + separable(p, f"{c}1_right", 2)
        d = average(h, 2) + separable(p, f"{c}2_right", 2)
        return torch.cat([b, d, average(a) + b, separable(a, f"{c}4_left") + maximum(h)], 1)

    stem = norm(F.conv2d(torch.tensor(x), w["conv0.conv.weight"], stride=2), "conv0.bn")
    s0 = reduce(stem, stem, "cell_stem_0")
    s1 = reduce(s0, halve(stem, "cell_stem_1"), "cell_stem_1")
    c0 = normal(s1, s0, "cell_0", True)
    c1 = normal(c0, s1, "cell_1", False)
    r0 = reduce(c1, project(c0, "reduction_cell_0.conv_prev_1x1"), "reduction_cell_0")
    c6 = normal(r0, c0 if large else c1, "cell_6", True)
    c7 = normal(c6, r0, "cell_7", False)
    r1 = reduce(c7, project(c6, "reduction_cell_1.conv_prev_1x1"), "reduction_cell_1")
    c12 = normal(r1, c6 if large else c7, "cell_12", True)
    c13 = normal(c12, r1, "cell_13", False)
    y = F.linear(F.relu(c13).mean((2, 3)), w["last_linear.weight"], w["last_linear.bias"])
    F.cross_entropy(y, torch.tensor(labels)).backward()

    scores = net(Tensor(x))
    minicnn.ops.cross_entropy(scores, Tensor(labels)).backward()
    np.testing.assert_allclose(scores.numpy(), y.detach().numpy(), rtol=1e-7, atol=1e-9)
    for name, parameter in net.named_parameters():
        np.testing.assert_allclose(parameter.grad.numpy(), w[name].grad.numpy(), rtol=1e-5, atol=1e-8, err_msg=name)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: models.NASNetAMobile(filters=10), "NASNetA: filters must be a multiple of 4, for the stem has a quarter of them, not 10"),
        (lambda: models.NASNetAMobile(cells=0), "NASNetA: cells must be an integer >= 1, not 0"),
        (lambda: models.NASNetAMobile(filters=4, cells=1, resolution=64, aux=True), "maps of 4x4 are smaller than its window of 5x5"),
        (lambda: NormalCell(4, 4, 4, previous="double"), "NormalCell: previous must be one of 'project', 'halve', 'keep', not 'double'"),
    ],
)
def test_messages(make, message):
    with pytest.raises(ArgumentError, match=re.escape(message)):
        make()


def test_the_auxiliary_head_says_which_images_it_takes():
    net = models.NASNetAMobile(filters=4, cells=1, resolution=80, aux=True)
    with pytest.raises(ShapeError, match=r"aux_head .*maps of 5x5; x is \(2, 48, 6, 6\): train with images of `resolution`"):
        net(minicnn.randn(2, 3, 96, 96))
