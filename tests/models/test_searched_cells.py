"""Networks of two cells from a string: NASNet-A's are those of `nasnet_cell`, and the stacking is the paper's for small images."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, models, nn
from minicnn.errors import ArgumentError
from minicnn.models.nasnet_cell import Cell, NormalCell, ReductionCell, Wiring, make_operation
from minicnn.models.searched_cells import NASNET_A, OPERATIONS, read_cells, write_cells
from minicnn.testing import gradcheck_module

SIMPLE = "cells conv1:0+conv3:1 / max3:0+id:1"


def disturbed(module, seed=5):
    """The module with scales, shifts and statistics that are not 1 and 0."""
    random = np.random.default_rng(seed)
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.weight.data, norm.bias.data = (random.standard_normal(norm.num_features).astype(np.float32) for _ in range(2))
            norm.running_var.data = (0.5 + random.random(norm.num_features)).astype(np.float32)
            norm.num_batches_tracked.data = np.array(1)
    return module


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("previous", ["project", "halve"])
@pytest.mark.parametrize(("kind", "which"), [(NormalCell, 0), (ReductionCell, 1)])
def test_the_string_of_nasnet_a_builds_its_cells(kind, which, previous, training):
    wiring = read_cells(NASNET_A)[which]
    ours, theirs = Cell(6, 5, 4, previous=previous, wiring=wiring), disturbed(kind(6, 5, 4, previous=previous))
    state = theirs.state_dict()
    assert [(name, array.shape) for name, array in ours.state_dict().items()] == [(name, array.shape) for name, array in state.items()]
    ours.load_state_dict(state)
    x, before = minicnn.randn(2, 6, 7, 8), minicnn.randn(2, 5, *((13, 16) if previous == "halve" else (7, 8)))
    expected = theirs.train(training)(x, before)
    np.testing.assert_array_equal(ours.train(training)(x, before).numpy(), expected.numpy())
    assert expected.shape == ((2, 24, 7, 8), (2, 16, 4, 4))[which]


def test_parameters_counted_by_hand():
    net = models.SearchedCells(SIMPLE, num_classes=10, in_channels=1, cells=1, filters=4, stages=2)
    assert [sum(p.size for p in part.parameters()) for part in (net.stem, *net.features, net.classifier)] == [
        9 * 12 + 2 * 12,  # three times the filters
        2 * (12 * 4 + 2 * 4) + (4 * 4 + 2 * 4) + (9 * 4 * 4 + 2 * 4),
        (4 * 8 + 2 * 8) + (12 * 8 + 2 * 8) + (8 * 8 + 2 * 8),  # state 1 is projected from the stem; identity is a 1x1 convolution
        (8 * 8 + 2 * 8) + (2 * 4 * 4 + 2 * 8) + (8 * 8 + 2 * 8) + (9 * 8 * 8 + 2 * 8),  # state 1 is halved, from the first cell
        8 * 10 + 10,
    ]


def test_cells_read_the_two_before_them_and_are_stacked_in_stages():
    net = models.SearchedCells(SIMPLE, num_classes=3, in_channels=2, cells=2, filters=4, stages=3, stem=5)
    seen = []
    for cell in net.features:
        cell.register_forward_hook(lambda cell, inputs, y: seen.append((cell.stride, cell.previous, *inputs, y)))
    stem = []
    net.stem.register_forward_hook(lambda _, inputs, y: stem.append(y))
    assert net(minicnn.randn(2, 2, 9, 10)).shape == (2, 3)
    assert [stride for stride, *_ in seen] == [1, 1, 2, 1, 1, 2, 1, 1]
    assert [previous for _, previous, *_ in seen] == ["project"] * 3 + ["halve", "project", "project", "halve", "project"]
    assert [y.shape[1:] for *_, y in seen] == [(4, 9, 10)] * 2 + [(8, 5, 5)] * 3 + [(16, 3, 3)] * 3
    outputs = [stem[0], stem[0], *(y for *_, y in seen)]
    for i, (_, _, x, before, _) in enumerate(seen):
        assert (x is outputs[i + 1], before is outputs[i]) == (True, True)


@pytest.mark.parametrize(
    ("sizes", "cells", "channels"), [({}, 8, 64), ({"cells": 1}, 5, 64), ({"filters": 32}, 8, 128), ({"cells": 3, "stages": 2}, 7, 32), ({"stages": 1}, 2, 16)]
)
def test_the_same_cells_are_stacked_higher_and_wider(sizes, cells, channels):
    with minicnn.use_backend("meta"):
        net = models.SearchedCells(SIMPLE, **sizes)
    assert (len(net.features), net.classifier.in_features) == (cells, channels)


def test_the_output_is_what_no_block_reads_unless_it_is_given():
    """On either side of a sum; the inputs are never part of it by themselves."""
    normal, reduction = read_cells("cells id:0+id:0 id:0+id:2 id:0+id:0 id:4+id:0 / id:0+id:0 id:0+id:0 id:0+id:0 =4+2")
    assert (normal.outputs, reduction.outputs) == ((3, 5), (2, 4))
    assert Cell(3, 3, 2, wiring=normal)(minicnn.ones(2, 3, 4, 4), minicnn.ones(2, 3, 4, 4)).shape == (2, 4, 4, 4)


def test_the_classifier_reads_the_average_of_what_is_positive():
    net = disturbed(models.SearchedCells(SIMPLE, num_classes=3, cells=1, filters=2))
    last = []
    net.features[-1].register_forward_hook(lambda _, inputs, y: last.append(y.numpy()))
    scores = net(minicnn.randn(2, 1, 8, 8)).numpy()
    assert (last[0] < 0).any()
    average = np.maximum(last[0], 0).mean((2, 3))
    np.testing.assert_allclose(scores, average @ net.classifier.weight.numpy().T + net.classifier.bias.numpy(), rtol=1e-5, atol=1e-6)


def test_more_is_dropped_from_cell_to_cell():
    net = models.SearchedCells(SIMPLE, cells=1, filters=2, drop_path=0.5)
    assert [cell.drop_path.p for cell in net.features] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("short", OPERATIONS)
def test_operations_equal_pytorch(short, stride):
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    minicnn.manual_seed(1)
    operation = disturbed(make_operation(OPERATIONS[short], 4, 4, stride)).astype("float64")
    w = {name: torch.tensor(value) for name, value in operation.state_dict().items()}
    x = np.random.default_rng(2).standard_normal((3, 4, 9, 7))  # at an odd size, SAME is symmetric

    def norm(y, name):
        return F.batch_norm(y, None, None, w[f"{name}.weight"], w[f"{name}.bias"], training=True, eps=1e-3)

    def separable(y, i, stride):
        depthwise = w[f"separable_{i}.depthwise_conv2d.weight"]
        y = F.conv2d(F.relu(y), depthwise, stride=stride, padding=depthwise.shape[-1] // 2, groups=4)
        return norm(F.conv2d(y, w[f"separable_{i}.pointwise_conv2d.weight"]), f"bn_sep_{i}")

    y, size = torch.tensor(x), int(short[-1]) if short[-1].isdigit() else 1
    if short == "id":
        y = y if stride == 1 else norm(F.conv2d(F.relu(y), w["conv.weight"], stride=2), "bn")
    elif short.startswith("max"):
        y = F.max_pool2d(y, size, stride, size // 2)
    elif short.startswith("avg"):
        y = F.avg_pool2d(y, size, stride, size // 2, count_include_pad=False)
    elif short.startswith("sep"):
        y = separable(separable(y, 1, stride), 2, 1)
    elif short.startswith("c1x"):
        y = F.conv2d(F.relu(y), w["conv_row.weight"], stride=(1, stride), padding=(0, size // 2))
        y = norm(F.conv2d(y, w["conv_column.weight"], stride=(stride, 1), padding=(size // 2, 0)), "bn")
        assert w["conv_row.weight"].shape == (4, 4, 1, size)
    else:
        dilation = 2 if short == "dil3" else 1
        assert w["conv.weight"].shape == (4, 4, size, size)
        y = norm(F.conv2d(F.relu(y), w["conv.weight"], stride=stride, padding=dilation * (size // 2), dilation=dilation), "bn")
    np.testing.assert_allclose(operation(Tensor(x)).numpy(), y.numpy(), rtol=1e-9, atol=1e-12)


def test_there_are_the_thirteen_operations_of_the_paper():
    assert list(OPERATIONS.values()) == [
        "identity", "conv 1x3 3x1", "conv 1x7 7x1", "dilated 3x3", "average 3x3", "max 3x3", "max 5x5", "max 7x7",
        "conv 1x1", "conv 3x3", "separable 3x3", "separable 5x5", "separable 7x7",
    ]  # fmt: skip


@pytest.mark.gradcheck
@pytest.mark.parametrize("stride", [1, 2], ids=["normal", "reduction"])
@pytest.mark.parametrize("short", OPERATIONS)
def test_gradients_of_a_cell_with_each_operation(short, stride):
    minicnn.manual_seed(3)
    steps = ((OPERATIONS[short], 0, OPERATIONS[short], 1), (OPERATIONS[short], 2, "identity", 2))
    cell = disturbed(Cell(3, 4, 2, previous="halve" if stride == 1 else "project", wiring=Wiring(steps, (2, 3), stride)))
    random, side = np.random.default_rng(4), (9, 11) if stride == 1 else (5, 6)
    gradcheck_module(cell, [random.standard_normal((2, 3, 5, 6)), random.standard_normal((2, 4, *side))], elements=3)


@pytest.mark.parametrize(
    ("string", "spelled"),
    [
        (SIMPLE.upper().replace(" / ", "/"), SIMPLE),
        ("cells  id:0+id:1 =2 / max3:0+id:01 id:2+id:2 =3+2", "cells id:0+id:1 / max3:0+id:1 id:2+id:2 =2+3"),
        ("cells id:0+id:1 =1+0 / max3:0+id:1", "cells id:0+id:1 =0+1 / max3:0+id:1"),
        (NASNET_A, NASNET_A),
    ],
)
def test_spelling(string, spelled):
    assert models.SearchedCells(string, cells=1, filters=2).string == spelled
    assert write_cells(*read_cells(spelled)) == spelled


@pytest.mark.parametrize(
    ("string", "said"),
    [
        ("cells id:0+id:1", "one / separates the normal cell from the reduction cell, and here there are 0: cells id:0+id:1"),
        ("cells a / b / c", "one / separates the normal cell from the reduction cell, and here there are 2: cells a / b / c"),
        ("cells / id:0+id:1", "the normal cell is empty: write a block or more, each two operations with the states that they read, as in 'sep3:0+id:1'"),
        ("cells id:0+id:1 / =2", "the reduction cell is empty: "),
        ("cells id:0 / id:0+id:1", "the normal cell's state 2, 'id:0', is no block: write two operations, each with the state that it reads, as in 'sep3:0+id:1'"),
        ("cells =2 id:0+id:1 / id:0+id:1", "the normal cell's state 2, '=2', is no block: "),
        ("cells id:0+id:1 / id:0+id:1 sep4:0+id:1", "the reduction cell's state 3, 'sep4:0+id:1', has the unknown operation 'sep4': did you mean sep"),
        ("cells id:0+id:1 id:3+id:1 / id:0+id:1", "the normal cell's state 3, 'id:3+id:1', cannot read state 3: the states before it are 0 to 2"),
        ("cells id:0+id:1 =1+7 / id:0+id:1", "the normal cell's output, '=1+7', cannot have state 7: the states of its size are 0 to 2"),
        ("cells id:0+id:1 / id:0+id:1 =1+2", "the reduction cell's output, '=1+2', cannot have state 1: the states of its size are 2 to 2; 0 and 1 are twice as large"),
        ("cells id:0+id:1 =2+2 / id:0+id:1", "the normal cell's output, '=2+2', has state 2 twice: write it once"),
        ("cells id:0+id:1 = / id:0+id:1", "the normal cell's output, '=', is no list of states: write = and their numbers, as in '=2+3'"),
        ("chain 3x3x8", "two cells begin with the word cells, as in 'cells sep3:0+id:1 / max3:0+max3:1', not with 'chain'"),
    ],
)
def test_mistakes_are_quoted_with_their_place(string, said):
    with pytest.raises(ArgumentError) as error:
        models.SearchedCells(string)
    assert str(error.value).startswith(said)


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({"filters": 3}, "SearchedCells: filters must be even, for half of them come from every second pixel behind a reduction, not 3"),
        ({"cells": 0}, "SearchedCells: cells must be an integer >= 1, not 0"),
        ({"stages": 0}, "SearchedCells: stages must be an integer >= 1, not 0"),
        ({"stem": 0}, "SearchedCells: stem must be an integer >= 1, not 0"),
        ({"drop_path": 2}, "SearchedCells: drop_path must be a number from 0 to 1, not 2"),
    ],
)
def test_sizes_are_checked(sizes, said):
    with pytest.raises(ArgumentError) as error:
        models.SearchedCells(SIMPLE, **sizes)
    assert str(error.value) == said
