"""The picture of a graph: what is on it, that boxes and edges keep apart, that it is well-formed, and its messages."""

import xml.etree.ElementTree as ET
from itertools import pairwise

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, nn, ops
from minicnn.draw.placement import place
from minicnn.errors import ArgumentError, AutogradError

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg):
    return [element.text for element in ET.fromstring(svg).iter(f"{SVG}text")]


def test_shapes_values_and_names_are_shown():
    layer = nn.Linear(3, 2)
    x = Tensor(np.ones((4, 3), np.float32), requires_grad=True, name="x")
    loss = (layer(x) * layer(x)).sum()
    shown = texts(minicnn.graph(loss, layer)._repr_svg_())
    assert {"x", "weight", "bias", "Linear", "Multiply", "Sum"} <= set(shown)
    assert shown.count("Linear") == 2
    assert any(text.startswith("(4×3)") for text in shown)
    assert f"scalar  {loss.item():.4g}" in shown


def test_names_are_escaped():
    x = Tensor([1.0], requires_grad=True, name="<script>&")
    svg = minicnn.graph(x * 2)._repr_svg_()
    assert "<script>" not in svg
    assert "<script>&" in texts(svg)


def test_text_lists_the_sources_of_each_node():
    x = Tensor([2.0], requires_grad=True, name="x")
    lines = str(minicnn.graph(x.exp() + x)).split("\n")
    assert [line.split()[1] for line in lines] == ["x", "Exp", "Add"]
    assert lines[2].endswith("from 1, 0")


def test_saves_a_file(tmp_path):
    x = Tensor([2.0], requires_grad=True)
    path = minicnn.graph(x * x).save(tmp_path / "picture.svg")
    assert ET.parse(path).getroot().tag == f"{SVG}svg"
    with pytest.raises(ArgumentError, match=r"ends in .svg, not 'picture.png'"):
        minicnn.graph(x * x).save(tmp_path / "picture.png")


def test_messages():
    x = Tensor([2.0], requires_grad=True)
    with pytest.raises(AutogradError, match="nothing was recorded"):
        minicnn.graph(x)
    y = x * x
    y.backward()
    with pytest.raises(AutogradError, match="freed by backward"):
        minicnn.graph(y)
    for _ in range(500):
        x = ops.exp(x * 0)
    with pytest.raises(ArgumentError, match="too many to read"):
        minicnn.graph(x)


@pytest.mark.parametrize("seed", range(10))
def test_nothing_overlaps(seed):
    rng = np.random.default_rng(seed)
    count = 14
    edges = [(int(rng.integers(0, b)), b) for b in range(1, count) for _ in range(2)]
    placement = place(count, edges)
    points = placement.nodes + [bend for bends in placement.bends for bend in bends]
    for row in range(placement.rows):
        columns = sorted(x for x, y in points if y == row)
        assert all(b - a > 1 - 1e-9 for a, b in pairwise(columns))
    for (a, b), bends in zip(edges, placement.bends, strict=True):
        path = [placement.nodes[a][1], *(y for _, y in bends), placement.nodes[b][1]]
        assert path == list(range(path[0], path[-1] + 1))


def test_inside_anomaly_mode_all_values_are_kept():
    layer = nn.Linear(30, 20)
    x = minicnn.ones(4, 30)
    without = str(minicnn.graph(layer(x).exp().sum(), layer))
    with minicnn.detect_anomaly():
        all_values = str(minicnn.graph(layer(x).exp().sum(), layer))
    assert " ± " not in next(line for line in without.split("\n") if "Linear" in line)
    assert " ± " in next(line for line in all_values.split("\n") if "Linear" in line)


def test_a_chain_with_parameters_runs_straight_down():
    layers = nn.Sequential(*(nn.Linear(4, 4) for _ in range(8)))
    picture = minicnn.graph(layers(minicnn.ones(1, 4)).sum(), layers)
    columns = {x for (x, _), node in zip(place(len(picture.nodes), picture.edges).nodes, picture.nodes, strict=True) if not isinstance(node, Tensor)}
    assert len({round(x, 6) for x in columns}) == 1


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(ArgumentError, match=r"graph\.save: .*gone.a\.svg cannot be written: No such file or directory"):
        minicnn.graph(Tensor([1.0], requires_grad=True) * 2).save(tmp_path / "gone" / "a.svg")
