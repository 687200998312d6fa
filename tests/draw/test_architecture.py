"""Pictures of networks: the boxes are those that ran, folded and opened as they should be; their numbers add up; the messages."""

import xml.etree.ElementTree as ET

import pytest

from minicnn import models, nn, ops
from minicnn.analysis import summarize
from minicnn.backend import use_backend
from minicnn.draw import architecture
from minicnn.draw.branches import Chain, Fork, chain_of
from minicnn.errors import ArgumentError, ShapeError

SVG = "{http://www.w3.org/2000/svg}"


def network(name):
    with use_backend("meta"):
        return models.create(name)


def drawn(name, **options):
    return architecture(network(name), name=name, **options)


def headings(plan):
    return [box.heading for box in plan.boxes]


def sources(plan, i):
    return [a for a, b in plan.edges if b == i]


def fork_of(plan):
    return next(part for part in chain_of(len(plan.boxes), plan.edges).parts if isinstance(part, Fork))


def test_resnet50_folds_sixteen_blocks_and_opens_both_kinds():
    drawing = drawn("ResNet50")
    blocks = [box for box in drawing.column.boxes if box.block]
    assert [box.count for box in blocks] == [1, 2, 1, 3, 1, 5, 1, 2]
    assert [box.heading for box in blocks[:4]] == ["Bottleneck", "2 x Bottleneck", "Bottleneck / 2", "3 x Bottleneck"]
    assert [box.block.letter for box in blocks] == ["A", "B"] * 4
    first, others = drawing.blocks["A"], drawing.blocks["B"]
    assert (len(first.calls), len(others.calls)) == (4, 12)
    assert headings(first.plan) == ["input", "conv 1x1, 64", "conv 3x3, 64", "conv 1x1, 256", "conv 1x1, 256", "+, ReLU"]
    assert [box.note for box in first.plan.boxes[1:]] == ["BN, ReLU", "BN, ReLU", "BN", "BN", ""]
    assert headings(others.plan) == ["input", "conv 1x1, 64", "conv 3x3, 64", "conv 1x1, 256", "+, ReLU"]
    assert (0, 4) in others.plan.edges  # the shortcut


def test_a_googlenet_module_has_four_branches_and_one_concatenation():
    drawing = drawn("GoogLeNet")
    assert sum(box.count for box in drawing.column.boxes if box.block) == 9
    (module,) = drawing.blocks.values()
    assert headings(module.plan).count("concat") == 1
    assert [branch.length for branch in fork_of(module.plan).branches] == [1, 2, 2, 2]
    svg = drawing._repr_svg_()
    assert "6,998,552 parameters (6,379,728 more in parts that only run in training)" in svg
    assert "inception3a, first of 9; others differ in numbers" in svg


@pytest.mark.parametrize(
    ("name", "blocks", "kinds"),
    [("DenseNet121", [6, 12, 24, 16], 1), ("ResNet1202", [200, 1, 199, 1, 199], 2), ("InceptionV4", [1, 1, 1, 4, 1, 7, 1, 3], 8)],
)
def test_what_is_alike_is_folded(name, blocks, kinds):
    drawing = drawn(name)
    assert [box.count for box in drawing.column.boxes if box.block] == blocks
    assert len(drawing.blocks) == kinds


def test_layers_of_the_column_are_folded_and_keep_their_dropout():
    assert headings(drawn("VGG16").column)[1:5] == ["2 x conv 3x3, 64 filters", "max pool 2x2 / 2", "2 x conv 3x3, 128 filters", "max pool 2x2 / 2"]
    assert [(box.heading, box.note) for box in drawn("AlexNet").column.boxes[-2:]] == [("2 x linear, 4096", "ReLU, dropout 0.5"), ("linear, 1000", "")]


def test_a_dropout_behind_a_block_makes_it_no_other_kind():
    drawing = drawn("SqueezeNet1_1")
    assert list(drawing.blocks) == ["A"]
    assert "dropout 0.5" in headings(drawing.column)


def test_blocks_inside_of_blocks_are_opened_as_deep_as_wanted():
    assert [block.name for block in drawn("SEResNet50").blocks.values()] == ["SEBottleneck", "SEBottleneck", "SqueezeExcitation"]
    assert [block.name for block in drawn("SEResNet50", depth=1).blocks.values()] == ["SEBottleneck", "SEBottleneck"]
    assert drawn("SEResNet50", depth=0).blocks == {}
    se = drawn("SEResNet50").blocks["C"].plan
    assert headings(se) == ["input", "global avg pool", "conv 1x1, 16", "conv 1x1, 256", "×"]
    assert sources(se, 4) == [0, 3]


def test_cells_read_the_two_before_them():
    column = drawn("NASNetAMobile").column
    second = next(i for i, box in enumerate(column.boxes) if box.paths[:1] == ["cell_1"])
    assert column.boxes[second].count == 3
    assert [column.boxes[i].paths for i in sources(column, second)] == [["cell_0"], ["cell_stem_1"]]


def test_a_block_inside_of_a_block_says_its_largest_window():
    inside = [(box.heading, box.note) for box in drawn("NASNetAMobile").blocks["A"].plan.boxes if box.block]
    assert inside[:2] == [("TwiceSeparable / 2", "5x5"), ("TwiceSeparable / 2", "7x7")]
    assert [box.note for box in drawn("SEResNet50").blocks["A"].plan.boxes if box.block] == [""]  # nothing larger than 1x1


def test_many_equal_branches_are_drawn_as_one_of_each():
    fork = fork_of(drawn("LeNet5Original").blocks["A"].plan)
    assert [branch.length for branch in fork.branches] == [2, 2, 2]  # of 3, 4 and 6 maps, as in the paper's table 1
    notes = [box.note for box in drawn("LeNet5Original").blocks["A"].plan.boxes]
    assert notes.count("6 side by side") == notes.count("9 side by side") == 2


def test_one_part_of_a_network():
    drawing = drawn("ResNet18", block="layer2.0")
    assert headings(drawing.column) == ["input", "conv 3x3 / 2, 128 filters", "conv 3x3, 128 filters", "conv 1x1 / 2, 128 filters", "+, ReLU"]
    assert drawing.column.boxes[0].shape == (64, 56, 56)
    assert "ResNet18: layer2.0" in drawing._repr_svg_()


@pytest.mark.parametrize("name", ["LeNet5", "AlexNetGrouped", "GoogLeNetBN", "ResNet50", "DenseNet121", "MobileNetV2", "NASNetAMobile", "EfficientNetB0", "ShuffleNetV2"])
def test_numbers_add_up_to_the_summary(name):
    drawing, summary = drawn(name), summarize(network(name))
    boxes = drawing.column.boxes
    assert sum(box.macs for box in boxes) == summary.macs
    assert sum(box.parameters for box in boxes) + drawing.flow.unused == summary.parameters
    for box in boxes[1:]:
        path = box.paths[-1]
        if path and "flatten" not in box.after and path in summary.outputs:
            assert box.shape == summary.outputs[path][1:], path
    for block in drawing.blocks.values():
        for box in block.plan.boxes:
            if box.operations and box.paths[-1] in summary.outputs and box.kind == "conv" and not box.after:
                assert box.shape == summary.outputs[box.paths[-1]][1:], box.paths


class Student(nn.Module):
    """Written without blocks, with weights used twice, a functional part and a part that never runs."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.again = nn.Conv2d(8, 8, 3, padding=1)
        self.never = nn.Linear(4, 4)
        self.gain = nn.Parameter([1.0])

    def forward(self, x):
        x = ops.relu(self.first(x))
        y = ops.relu(self.again(x))
        x = x + ops.relu(self.again(y))
        return (x * self.gain).mean(axis=(2, 3))


def test_a_students_own_network():
    drawing = architecture(Student(), (3, 8, 8))
    assert headings(drawing.column) == ["image", "conv 3x3, 8 filters", "2 x the same conv 3x3, 8 filters", "+, scale", "global avg pool"]
    assert [box.parameters for box in drawing.column.boxes] == [0, 224, 584, 1, 0]  # what is used again counts once
    assert drawing.flow.unused == 20
    assert chain_of(5, drawing.column.edges) == Chain((0, 1, Fork((Chain((2,)), Chain(()))), 3, 4))


class Loop(nn.Module):
    """One layer or block after another, some of them again and again."""

    def __init__(self, *parts):
        super().__init__()
        once = list(dict.fromkeys(parts))
        self.parts, self.order = nn.ModuleList(once), [once.index(part) for part in parts]

    def forward(self, x):
        for i in self.order:
            x = self.parts[i](x)
        return x


def test_a_layer_that_is_used_again_and_again_is_one_layer():
    a, b, c = (nn.Conv2d(3, 3, 3, padding=1) for _ in range(3))
    column = architecture(Loop(a, a, a, a, a, b, c), (3, 8, 8)).column
    assert [(box.heading, box.parameters, box.macs) for box in column.boxes[1:]] == [
        ("5 x the same conv 3x3, 3 filters", 84, 5 * 5184),
        ("2 x conv 3x3, 3 filters", 168, 2 * 5184),
    ]
    pools = architecture(Loop(a, *(nn.MaxPool2d(1) for _ in range(3))), (3, 8, 8)).column
    assert headings(pools)[1:] == ["conv 3x3, 3 filters", "3 x max pool 1x1"]


def test_a_block_that_is_used_again_and_again_is_one_block():
    with use_backend("meta"):
        a, b = (models.create("ResNet18").layer1[0] for _ in range(2))
    drawing = architecture(Loop(a, a, a, b), (64, 8, 8))
    assert [(box.heading, box.note) for box in drawing.column.boxes[1:]] == [("3 x the same BasicBlock", "parts.0"), ("BasicBlock", "parts.1")]
    svg = drawing._repr_svg_()
    assert "<title>3 x the same BasicBlock\nparts.0\n73,984 parameters" in svg
    assert "parts.0, first of 2; alike" in svg


class Twofold(nn.Module):
    """Its convolution's result is read twice, before and behind the ReLU."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x):
        x = self.conv(x)
        return ops.relu(x) + x


def test_what_is_read_twice_shares_its_box_with_nothing_behind_it():
    column = architecture(Twofold(), (3, 8, 8)).column
    assert headings(column) == ["image", "conv 3x3, 8 filters", "ReLU", "+"]
    assert column.edges == [(0, 1), (1, 2), (2, 3), (1, 3)]


def test_frozen_weights_and_a_sequence_are_no_hindrance():
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10)).requires_grad_(False)
    assert [(box.heading, box.note, box.parameters) for box in architecture(net, (1, 8, 8)).column.boxes[1:]] == [
        ("conv 3x3, 4 filters", "BN, ReLU, flatten", 48),
        ("linear, 10", "", 1450),
    ]


@pytest.mark.parametrize(("dilation", "said"), [(1, ""), (2, ", dilation 2"), ((1, 2), ", dilation 1x2"), ((3, 1), ", dilation 3x1")])
def test_a_dilation_is_said_in_both_directions_if_they_differ(dilation, said):
    net = nn.Sequential(nn.Conv2d(3, 8, 3, dilation=dilation))
    assert headings(architecture(net, (3, 16, 16)).column)[1] == f"conv 3x3, 8 filters{said}"


def test_hovering_shows_where_and_how_much():
    root = ET.fromstring(drawn("ResNet50")._repr_svg_())
    titles = [element.text for element in root.iter(f"{SVG}title")]
    layers = [layer for layer in summarize(network("ResNet50")).layers if layer.path.split(".")[:2] in (["layer2", "1"], ["layer2", "2"], ["layer2", "3"])]
    parameters, macs = sum(layer.parameters for layer in layers), sum(layer.macs for layer in layers)
    assert f"3 x Bottleneck\nlayer2.1 to layer2.3\n{parameters:,} parameters\n{macs:,} multiply-adds\noutput 512 x 28 x 28" in titles


def test_messages():
    net = nn.Sequential(nn.Conv2d(3, 8, 3))
    with pytest.raises(ArgumentError, match=r"architecture: Sequential does not say for which images it is made: give input_shape=\(C, H, W\)"):
        architecture(net)
    with pytest.raises(ShapeError, match="input has 1 channels, expected 3"):
        architecture(net, (1, 8, 8))
    with pytest.raises(ArgumentError, match="does not depend on its input: there is nothing to draw"):
        architecture(nn.Identity(), (1, 8, 8))
    with pytest.raises(ArgumentError, match=r"has no layer 'layer9'; the nearest are layer"):
        drawn("ResNet18", block="layer9")
    with pytest.raises(ArgumentError, match="'aux1' of GoogLeNet does nothing to an image in evaluation"):
        drawn("GoogLeNet", block="aux1")
    with pytest.raises(ArgumentError, match="architecture: depth must be an integer >= 0, not -1"):
        drawn("ResNet18", depth=-1)


def test_the_picture_is_saved(tmp_path):
    path = drawn("LeNet5").save(tmp_path / "a.svg")
    assert ET.parse(path).getroot().get("aria-label") == "the architecture of LeNet5"
    with pytest.raises(ArgumentError, match=r"drawing\.save writes SVG: give a name that ends in \.svg, not 'a\.png'"):
        drawn("LeNet5").save(tmp_path / "a.png")
