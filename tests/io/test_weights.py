"""Files of weights through the front door: which form a file has, which arrays in it are meant, and writing."""

import io
import json
import os
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save_file

from minicnn import models
from minicnn.errors import CheckpointError
from minicnn.io import atomic, load_weights, save_checkpoint, save_weights
from tests.io.pickles import archive, legacy, mapping, program, tensor, value

W = np.arange(6, dtype=np.float32).reshape(2, 3)
TORCH = {"zip": archive, "legacy": legacy}


@pytest.fixture(params=[*TORCH, ".npz", ".safetensors"])
def write(request, tmp_path):
    """A file of this form, with a misleading ending, in which every name stands for the array W."""

    def write(*names):
        path = tmp_path / "weights.bin"
        if request.param in TORCH:
            path.write_bytes(TORCH[request.param](program(mapping(**dict.fromkeys(names, tensor())))))
        else:
            save_weights(path.with_suffix(request.param), dict.fromkeys(names, W))
            path.with_suffix(request.param).rename(path)
        return path

    return write


def test_the_form_is_seen_in_the_contents(write):
    arrays = load_weights(write("fc.weight", "fc.bias"))
    assert list(arrays) == ["fc.weight", "fc.bias"] or sorted(arrays) == ["fc.bias", "fc.weight"]
    np.testing.assert_array_equal(arrays["fc.weight"], W, strict=True)
    arrays["fc.weight"][:] = 0  # an array of its own, which may be changed
    np.testing.assert_array_equal(arrays["fc.bias"], W)


@pytest.mark.parametrize(
    ("names", "plain"),
    [
        (("module.a", "module.b.c"), ["a", "b.c"]),
        (("model.a", "model.b"), ["a", "b"]),
        (("_orig_mod.module.a", "_orig_mod.module.b"), ["a", "b"]),
        (("module.a", "b"), ["b", "module.a"]),
        (("module.module.a",), ["a"]),
        (("module.",), ["module."]),
        (("modules.a",), ["modules.a"]),
    ],
)
def test_prefixes_are_cut_off_if_all_names_have_them(write, names, plain):
    assert sorted(load_weights(write(*names))) == plain


@pytest.mark.parametrize("form", TORCH)
@pytest.mark.parametrize(
    "contents",
    [
        mapping(epoch=value(3), state_dict=mapping(w=tensor(), version=value(1))),
        mapping(model=mapping(w=tensor()), best_prec1=value(0.5)),
        mapping(model_state_dict=mapping(w=tensor()), optimizer_state_dict=mapping(m=tensor()), loss=tensor()),
        mapping(w=tensor(), epoch=value(7), note=value("x"), args=value({"lr": 1}), state_dict=value({})),
    ],
)
def test_the_state_dict_is_found_and_what_is_no_tensor_left_out(form, contents, tmp_path):
    path = tmp_path / "a.th"
    path.write_bytes(TORCH[form](program(contents)))
    arrays = load_weights(path)
    assert list(arrays) == ["w"]
    np.testing.assert_array_equal(arrays["w"], W, strict=True)


@pytest.mark.parametrize("contents", [value({}), value({"a": 1}), value([1, 2]), value(None), mapping(weights=mapping(w=tensor()))])
def test_a_file_without_a_state_dict_is_refused(contents, tmp_path):
    path = tmp_path / "a.pt"
    path.write_bytes(archive(program(contents)))
    with pytest.raises(CheckpointError, match="holds no state dict: neither it nor one of its entries is a dict of tensors"):
        load_weights(path)


def test_a_checkpoint_gives_its_networks_weights(tmp_path):
    net = models.LeNet5()
    contents = {"network": {"name": "LeNet5", "kwargs": {}}, "model": net.state_dict(), "optimizer": {"m": [np.ones(3)]}}
    save_checkpoint(tmp_path / "a.safetensors", contents)
    arrays = load_weights(tmp_path / "a.safetensors")
    assert arrays.keys() == net.state_dict().keys()
    models.LeNet5().load_state_dict(arrays)


def test_of_a_checkpoint_the_averages_are_taken_as_load_model_does(tmp_path):
    net = models.LeNet5()
    averages = {name: array + 1 for name, array in net.state_dict().items()}
    contents = {"network": {"name": "LeNet5", "kwargs": {}}, "model": net.state_dict(), "average": {"updates": 3, "averages": averages}}
    save_checkpoint(tmp_path / "a.safetensors", contents)
    arrays, loaded = load_weights(tmp_path / "a.safetensors"), models.load_model(tmp_path / "a.safetensors")[0].state_dict()
    assert arrays.keys() == loaded.keys()
    for name, array in averages.items():
        np.testing.assert_array_equal(arrays[name], array)
        np.testing.assert_array_equal(loaded[name], array)
    contents["average"]["averages"]["c1.weight"] = 5
    save_checkpoint(tmp_path / "a.safetensors", contents)
    with pytest.raises(CheckpointError, match=r"a\.safetensors is a damaged checkpoint: the averages of its weights must be a dict of arrays"):
        models.load_model(tmp_path / "a.safetensors")


@pytest.mark.parametrize("ending", [".safetensors", ".npz"])
def test_what_is_written_comes_back(ending, tmp_path):
    path = tmp_path / f"a{ending}"
    kinds = {"f4": W, "f8": W / 7, "i8": np.array(3), "i4": np.int32([-1]), "u1": np.uint8([255]), "b": np.array([True]), "none": np.zeros((0, 2))}
    narrow = np.array([0.5, 0.1], pytest.importorskip("ml_dtypes").bfloat16)
    save_weights(path, {**kinds, "narrow": narrow, "file": W.T, "big": np.array([1.0], ">f8"), "half": np.float16([0.5]), "list": [1.0, 2.0]})
    arrays = load_weights(path)
    for key, array in {**kinds, "narrow": narrow.astype("f4"), "file": W.T, "big": np.ones(1), "half": np.float32([0.5]), "list": np.array([1.0, 2.0])}.items():
        np.testing.assert_array_equal(arrays[key], array, strict=True)
        assert arrays[key].dtype.isnative
        assert arrays[key].flags.writeable
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_what_cannot_be_written(tmp_path):
    with pytest.raises(CheckpointError, match=r"a\.pth must end in \.safetensors or \.npz: other forms are read, but not written"):
        save_weights(tmp_path / "a.pth", {"w": W})
    with pytest.raises(CheckpointError, match="a file of weights holds arrays of numbers, but name is "):
        save_weights(tmp_path / "a.npz", {"w": W, "name": "x"})
    with pytest.raises(CheckpointError, match=r"the file of weights .* cannot be written: No such file"):
        save_weights(tmp_path / "none" / "a.npz", {"w": W})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", [".safetensors", ".npz"])
def test_a_failed_write_leaves_the_old_file(ending, tmp_path, monkeypatch):
    path = tmp_path / f"a{ending}"
    save_weights(path, {"w": W})

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.Path, "replace", fail)
    with pytest.raises(CheckpointError, match="cannot be written: No space left"):
        save_weights(path, {"w": 2 * W})
    np.testing.assert_array_equal(load_weights(path)["w"], W)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_bfloat16_of_safetensors_becomes_float32(tmp_path):
    header = json.dumps({"a": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}).encode()
    (tmp_path / "a").write_bytes(struct.pack("<q", len(header)) + header + struct.pack("<HH", 0x3F80, 0xC020))
    np.testing.assert_array_equal(load_weights(tmp_path / "a")["a"], np.float32([1, -2.5]), strict=True)
    (tmp_path / "a").write_bytes((tmp_path / "a").read_bytes().replace(b"BF16", b"F8_X").replace(b"F8_X", b"F4  "))
    with pytest.raises(CheckpointError, match="is damaged, or was cut off"):
        load_weights(tmp_path / "a")


def test_types_of_safetensors_that_numpy_does_not_have(tmp_path):
    header = json.dumps({"a": {"dtype": "F8_E5M2", "shape": [2], "data_offsets": [0, 2]}}).encode()
    (tmp_path / "a").write_bytes(struct.pack("<q", len(header)) + header + b"ab")
    with pytest.raises(CheckpointError, match="numbers of a type that NumPy does not have: a is F8_E5M2"):
        load_weights(tmp_path / "a")


def bomb(path, count=40, size=10_000_000):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for i in range(count):
            file.writestr(f"{i}.npy", bytes(size))


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    bomb(tmp_path / "a.npz")
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match=r"bytes, but says that it unpacks to 400,000,000: refused"):
            load_weights(tmp_path / "a.npz")
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def npz(path, **entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for key, data in entries.items():
            file.writestr(f"{key}.npy", data)


def npy(array, change=(b"", b"")):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue().replace(*change, 1)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (npy(W)[:-1], "the array w has more or fewer numbers than it says"),
        (npy(W) + b"0", "the array w has more or fewer numbers than it says"),
        (npy(W, (b"(2, 3)", b"(9, 9)")), "the array w has more or fewer numbers than it says"),
        (npy(W, (b"(2, 3), }        ", b"(10**9, 10**9), }")), "the array w cannot be read"),
        (npy(W, (b"(2, 3), }            ", b"(2**20, 999999999), }")), "the array w cannot be read"),
        (npy(W, (b"(2, 3)", b"(-2,-3)"))[:-1], "is damaged"),
        (npy(W, (b"<f4", b"|O8")), "holds something else than numbers: w is object"),
        (npy(np.array([{}], object)), "holds something else than numbers: w is object"),
        (npy(np.array(["a"])), "holds something else than numbers: w is <U1"),
        (npy(np.zeros(2, [("a", "f4")])), "holds something else than numbers"),
        (npy(W)[:40], "the array w cannot be read"),
        (b"", "the array w cannot be read"),
    ],
)  # fmt: skip
def test_npz_files_that_are_damaged(tmp_path, data, sentence):
    npz(tmp_path / "a.npz", w=data)
    with pytest.raises(CheckpointError, match=sentence):
        load_weights(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is no file of weights: neither"),
        (b"\x80", "is no file of weights: neither"),
        (b"plain text of some length, and no weights at all", "is no file of weights: neither"),
        (b"\n<!DOCTYPE html><html>404</html>", "is no file of weights but a web page: the download has gone wrong"),
        (b"<html>", "is no file of weights but a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "but a pointer of Git LFS: `git lfs pull`"),
        (bytes(257) + b"ustar" + bytes(300), "is an archive of PyTorch before 0.1.2, or another .tar file"),
        (b"PK\x03\x04", "is damaged, or was cut off"),
        (b"PK\x05\x06" + bytes(18), "is a zip archive, but neither of PyTorch nor of NumPy"),
        (struct.pack("<q", 9) + b'{"a": 1}}', "is damaged, or was cut off while it was copied"),
        (struct.pack("<q", 2**62) + b'{"a": 1}}', "is damaged, or was cut off while it was copied"),
    ],
)  # fmt: skip
def test_other_files_are_called_what_they_are(tmp_path, data, sentence):
    (tmp_path / "a.pth").write_bytes(data)
    with pytest.raises(CheckpointError, match=sentence) as caught:
        load_weights(tmp_path / "a.pth")
    assert str(caught.value).startswith(str(tmp_path / "a.pth"))


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(CheckpointError, match=r"no file of weights at .*: there is no such file"):
        load_weights(tmp_path / "none.pth")
    with pytest.raises(CheckpointError, match=r"no file of weights at .*: it is a folder"):
        load_weights(os.fspath(tmp_path))


def test_a_zip_of_something_else(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.pth", "w") as file:
        file.writestr("w.npy", npy(W))
        file.writestr("readme.txt", "hello")
    with pytest.raises(CheckpointError, match=r"neither of PyTorch nor of NumPy: it has no data\.pkl, and not only \.npy files"):
        load_weights(tmp_path / "a.pth")


def test_metadata_of_safetensors_may_be_null(tmp_path):
    header = json.dumps({"__metadata__": None, "a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (tmp_path / "a").write_bytes(struct.pack("<q", len(header)) + header + struct.pack("<f", 2.5))
    np.testing.assert_array_equal(load_weights(tmp_path / "a")["a"], np.float32([2.5]), strict=True)


def test_a_name_of_nothing_but_prefixes_is_not_shortened_for_hours(tmp_path):
    save_file({100_000 * "module." + "w": W}, tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match=r"a\.safetensors has a name of 700,001 characters, which no weights have: refused"):
        load_weights(tmp_path / "a.safetensors")


def test_names_that_a_terminal_would_obey_are_refused(tmp_path):
    save_file({"a\x1b[2J": W}, tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match=r"a\.safetensors is damaged: the name a\?\[2J holds signs that cannot be shown"):
        load_weights(tmp_path / "a.safetensors")


@pytest.mark.parametrize("shape", [[1] * 100, [0, 2**62, 8]])
def test_a_shape_that_numpy_does_not_have(shape, tmp_path):
    size = 4 if 0 not in shape else 0
    header = json.dumps({"a": {"dtype": "F32", "shape": shape, "data_offsets": [0, size]}}).encode()
    (tmp_path / "a.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(size))
    with pytest.raises(CheckpointError, match="a shape that NumPy does not have: a is"):
        load_weights(tmp_path / "a.safetensors")


@pytest.mark.parametrize("zipped", [True, False])
def test_a_sign_beside_the_numbers_is_not_lost(zipped, tmp_path):
    torch = pytest.importorskip("torch")
    torch.save({"w": torch._neg_view(torch.ones(3))}, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match="stored with the opposite sign"):
        load_weights(tmp_path / "w.pth")


def test_arrays_come_in_the_order_of_the_file(tmp_path):
    """Which does not change from run to run, as that of the library that reads it does."""
    arrays = {f"layer{i}.weight": np.full(i + 1, i, np.float32) for i in range(30)}
    save_weights(tmp_path / "w.safetensors", arrays)
    content = (tmp_path / "w.safetensors").read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert list(load_weights(tmp_path / "w.safetensors")) == sorted(arrays, key=lambda name: header[name]["data_offsets"])
