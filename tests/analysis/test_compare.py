"""Networks side by side."""

import csv
import io
import itertools

import pytest
from matplotlib.figure import Figure

from minicnn import models, use_backend
from minicnn.analysis.compare import AUXILIARY, as_csv, compare, picture
from minicnn.analysis.published import IMAGENET
from minicnn.errors import ArgumentError


def test_without_names_all_with_a_published_error():
    entries = compare()
    assert [entry.name for entry in entries] == list(IMAGENET)
    assert all(entry.milliseconds is None for entry in entries)


def test_an_entry_has_the_numbers_of_the_summary_and_of_the_paper():
    (entry,) = compare(["vgg16"])
    assert (entry.name, entry.year, entry.input) == ("VGG16", 2014, "3x224x224")
    assert (entry.parameters, entry.top1, entry.top5) == (138_357_544, 27.0, 8.8)
    assert entry.memory == 4 * (138_357_544 + 15_112_168)  # weights, and outputs of convolutions, poolings and linear layers


def test_auxiliary_classifiers_do_not_count():
    assert [entry.parameters for entry in compare(["GoogLeNet", "GoogLeNetBN"])] == [6_998_552, 6_624_904]
    with use_backend("meta"):
        assert {name for name in models.list_models() if models.create(name).state_dict().keys() & AUX_STATE} == set(AUXILIARY)


AUX_STATE = {"aux1.fc1.weight", "aux1.linear1.weight", "aux_head.fc.weight", "AuxLogits.fc.weight"}


def test_a_network_without_a_published_error_is_compared_all_the_same():
    (entry,) = compare(["LeNet5"])
    assert (entry.top1, entry.year, entry.source) == (None, None, "")


def test_time_is_measured():
    small, large = compare(["LeNet5", "MobileNetV2"], timed=True)
    assert 0 < small.milliseconds < large.milliseconds


def test_csv_is_read_back():
    entries = compare(["ResNet18", "LeNet5"])
    rows = list(csv.DictReader(io.StringIO(as_csv(entries))))
    assert [row["name"] for row in rows] == ["ResNet18", "LeNet5"]
    assert rows[0]["parameters"] == "11689512"
    assert rows[1]["top1"] == ""
    assert "fb.resnet.torch" in rows[0]["source"]


def test_picture(tmp_path):
    path = picture(compare(["ResNet18", "ResNet50", "VGG16"]), tmp_path / "chart.svg")
    text = path.read_text()
    assert text.count("<svg") == 1
    assert 'width="576pt"' in text  # few networks: narrow enough for a page
    for suffix in ("png", "pdf"):
        assert picture(compare(["ResNet18"]), tmp_path / f"chart.{suffix}").stat().st_size > 5000


def test_names_in_the_charts_stay_apart_and_inside(tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(Figure, "savefig", lambda self, *_, **__: figures.append(self))
    names = ["AlexNetGrouped", "VGG16", "VGG19", "GoogLeNetBN", "ResNet18", "ResNet34", "ResNet50", "ResNet101", "MobileNetV1", "MobileNetV2"]
    picture(compare(names), tmp_path / "chart.png")
    for axes in figures[0].axes[:2]:
        boxes = {text.get_text(): text.get_window_extent() for text in axes.texts}
        assert sorted(boxes) == sorted(names)
        assert not [pair for pair in itertools.combinations(boxes, 2) if boxes[pair[0]].overlaps(boxes[pair[1]])]
        assert not [name for name, box in boxes.items() if not axes.bbox.contains(*box.p0) or not axes.bbox.contains(*box.p1)]


def test_messages(tmp_path):
    with pytest.raises(ArgumentError, match="unknown model 'ResNet19': did you mean"):
        compare(["ResNet19"])
    with pytest.raises(ArgumentError, match="published top-1 error on ImageNet to draw"):
        picture(compare(["LeNet5"]), tmp_path / "chart.png")
    for name in ("chart.xyz", "nowhere/chart.png"):
        with pytest.raises(ArgumentError, match="cannot be written"):
            picture(compare(["ResNet18"]), tmp_path / name)
