"""`minicnn weights list|fetch|convert`."""

import dataclasses
import hashlib
import io
import pickle
import urllib.error

import numpy as np
import pytest

from minicnn.io import load_weights, save_weights
from minicnn.models import weight_files
from minicnn.models.weight_files import FILES, weight_file


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("MINICNN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "weights"


def test_the_command_alone_prints_its_help(minicnn):
    code, out, _ = minicnn("weights")
    assert code == 0
    assert all(word in out for word in ("list", "fetch", "convert"))


def test_list_names_every_file_and_where_it_is(minicnn, cache):
    cache.mkdir(parents=True)
    (cache / weight_file("ResNet18").file).write_bytes(b"")
    code, out, err = minicnn("weights", "list")
    assert (code, err) == (0, "")
    assert out.splitlines()[0].split("  ")[-3:] == ["top-1 accuracy", "top-5 accuracy", "where from"]
    lines = {line.split()[0]: line for line in out.splitlines()[1 : 1 + len(FILES)]}
    assert lines.keys() == {found.name for found in FILES}
    assert lines["ResNet18"].endswith(f"here: {cache / 'resnet18-f37072fd.pth'}")
    assert lines["VGG16-BN"].endswith("554 MB          73.4 %          91.5 %  minicnn weights fetch VGG16-BN")
    assert "VGG16(batch_norm=True)" in lines["VGG16-BN"]
    assert "75.1 %               -  " in lines["EfficientNetLite0"]
    assert str(cache) in out.splitlines()[-1]


@pytest.fixture
def data(monkeypatch, cache):
    """What the server has as ResNet18's weights."""
    data = b"weights" * 1000
    file = f"net-{hashlib.sha256(data).hexdigest()[:8]}.pth"
    replaced = dataclasses.replace(weight_file("ResNet18"), file=file, megabytes=len(data) / 1e6)
    monkeypatch.setattr(weight_files, "FILES", (replaced, *(found for found in FILES if found.name != "ResNet18")))
    return data


class Response(io.BytesIO):
    headers = {"Content-Length": "7000"}  # noqa: RUF012


def test_fetch_says_where_the_file_is_and_how_to_use_it(minicnn, cache, data, monkeypatch, tmp_path):
    class Opener:
        def open(self, request, timeout):
            return Response(data)

    monkeypatch.setattr("minicnn.io.download.https_opener", Opener)
    code, out, err = minicnn("weights", "fetch", "resnet18")
    (path,) = cache.iterdir()
    assert (code, out, err) == (0, f'{path}: for ResNet18(weights="imagenet")\n', "")
    assert path.read_bytes() == data
    code, out, _ = minicnn("weights", "fetch", "ResNet18", "--dir", tmp_path)
    assert (code, out) == (0, f"{tmp_path / path.name}: for ResNet18(weights='{tmp_path / path.name}')\n")


def test_fetch_without_a_network_is_one_line(minicnn, cache, data, monkeypatch):
    class Opener:
        def open(self, request, timeout):
            raise urllib.error.URLError("no network")

    monkeypatch.setattr("minicnn.io.download.https_opener", Opener)
    code, out, err = minicnn("weights", "fetch", "ResNet18")
    assert (code, out) == (2, "")
    assert err.startswith("minicnn: https://download.pytorch.org/models/")
    assert f"cannot be reached (no network); the file can also be brought here by other means, as {cache}" in err


def test_an_unknown_name_fetches_nothing(minicnn, cache):
    code, out, err = minicnn("weights", "fetch", "ResNet18", "ResNet81")
    assert (code, out) == (2, "")
    assert "no published weights are known for 'ResNet81': did you mean ResNet18?" in err
    assert not cache.exists()


def test_convert_writes_what_it_read(minicnn, tmp_path):
    state = {"fc.weight": np.eye(3, dtype=np.float32), "fc.bias": np.arange(3.0)}
    save_weights(tmp_path / "a.npz", {f"module.{name}": array for name, array in state.items()})
    code, out, err = minicnn("weights", "convert", tmp_path / "a.npz", tmp_path / "b.safetensors")
    assert (code, out, err) == (0, f"{tmp_path / 'b.safetensors'}: 2 arrays with 12 numbers\n", "")
    for name, array in load_weights(tmp_path / "b.safetensors").items():
        np.testing.assert_array_equal(array, state[name], strict=True)


def test_convert_refuses_in_one_line(minicnn, tmp_path):
    (tmp_path / "a.pth").write_bytes(pickle.dumps(print))
    code, out, err = minicnn("weights", "convert", tmp_path / "a.pth", tmp_path / "b.npz")
    assert (code, out) == (2, "")
    assert err == f"minicnn: {tmp_path / 'a.pth'} asks for builtins.print, which no file of weights needs: refused\n"
    np.savez(tmp_path / "a.npz", w=np.eye(2))
    code, _, err = minicnn("weights", "convert", tmp_path / "a.npz", tmp_path / "b.pth")
    assert code == 2
    assert "b.pth must end in .safetensors or .npz" in err
    assert not (tmp_path / "b.pth").exists()
