"""Published datasets from files in their own formats: what is read, and what is said where a file is missing, damaged, or another one."""

import gzip
import hashlib
import io
import pickle
import tarfile
from dataclasses import replace

import numpy as np
import pytest

from minicnn.data import CIFAR10, CIFAR100, MNIST, DataLoader, FashionMNIST
from minicnn.data.cifar import read_archive
from minicnn.data.mnist import read_idx
from minicnn.data.published import data_folder
from minicnn.errors import ArgumentError, DataError, DownloadError
from minicnn.io.remote_file import RemoteFile
from tests.io.test_numpy_pickle import python2

RANDOM = np.random.default_rng(5)


# MNIST


def idx(array):
    return gzip.compress(bytes((0, 0, 8, array.ndim)) + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes())


def mnist(folder, kind, monkeypatch):
    """Few images in files like MNIST's, whose hashes count as the published ones."""
    arrays = [RANDOM.integers(256, size=(n, 28, 28), dtype=np.uint8) for n in (7, 3)]
    labels = [RANDOM.integers(10, size=n, dtype=np.uint8) for n in (7, 3)]
    contents = [idx(array) for pair in zip(arrays, labels, strict=True) for array in pair]
    (folder / kind.subfolder).mkdir()
    for file, data in zip(kind.files(), contents, strict=True):
        (folder / kind.subfolder / file.name).write_bytes(data)
    monkeypatch.setattr(kind, "digests", tuple(hashlib.md5(data).hexdigest() for data in contents))
    return arrays, labels


@pytest.mark.parametrize("kind", [MNIST, FashionMNIST])
@pytest.mark.parametrize("train", [True, False])
def test_images_and_labels_of_mnist(kind, train, tmp_path, monkeypatch):
    arrays, labels = mnist(tmp_path, kind, monkeypatch)
    monkeypatch.setenv("MINICNN_DATA", str(tmp_path))
    found = kind(train)
    np.testing.assert_array_equal(found.images[:, 0], arrays[not train])
    np.testing.assert_array_equal(found.labels, labels[not train])
    (batch,) = DataLoader(found, batch_size=10)
    assert (batch[0].shape, str(batch[0].dtype), str(batch[1].dtype)) == ((len(found), 1, 28, 28), "uint8", "int64")


def test_the_four_files_are_where_they_are_known_to_be():
    files = MNIST.files()
    assert files[0] == RemoteFile(
        "train-images-idx3-ubyte.gz",
        tuple(f"{site}train-images-idx3-ubyte.gz" for site in MNIST.urls), 9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873", "md5",
    )  # fmt: skip
    assert [file.name for file in files[1:]] == ["train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"]
    everything = [*files, *FashionMNIST.files(), CIFAR10.archive, CIFAR100.archive]
    assert len({file.digest for file in everything}) == 10
    assert all(url.startswith("https://") for file in everything for url in file.urls)


def test_offline_the_message_says_which_files_belong_where(tmp_path):
    with pytest.raises(DataError) as caught:
        MNIST(folder=tmp_path)
    assert f"MNIST is not in {tmp_path / 'mnist'}: with download=True it is brought there; or put there by hand: train-images-idx3-ubyte.gz from https" in str(caught.value)
    assert "train-labels-idx1-ubyte.gz from https" in str(caught.value)


def test_a_damaged_file_is_told_from_the_right_one(tmp_path, monkeypatch):
    mnist(tmp_path, MNIST, monkeypatch)
    path = tmp_path / "mnist" / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte.gz is damaged or another file: its MD5 is \w{32}, not \w{32}; delete it"):
        MNIST(folder=tmp_path)


def test_what_is_missing_is_downloaded(tmp_path, monkeypatch):
    arrays, _ = mnist(tmp_path, MNIST, monkeypatch)
    path = tmp_path / "mnist" / "train-images-idx3-ubyte.gz"
    data, counts = path.read_bytes(), []
    path.unlink()

    class Response(io.BytesIO):
        headers, status = {}, 200

    found = MNIST(folder=tmp_path, download=True, report=lambda file, count: counts.append((file.name, count)), open_url=lambda request, timeout: Response(data))
    np.testing.assert_array_equal(found.images[:, 0], arrays[0])
    assert counts == [(path.name, len(data))]
    path.unlink()
    with pytest.raises(DownloadError, match="is another file than it should be"):
        MNIST(folder=tmp_path, download=True, open_url=lambda request, timeout: Response(b"login"))


NO_IDX = {  # by name: what gzip writes contains the time
    "no gzip": b"no gzip",
    "empty": gzip.compress(b""),
    "of doubles": gzip.compress(b"\0\0\x0d\x01\0\0\0\x04abcd"),
    "cut off": idx(np.zeros((3, 4), np.uint8))[:-9],
    "too few": gzip.compress(b"\0\0\x08\x01\0\0\0\x09abcd"),
}


@pytest.mark.parametrize("name", NO_IDX)
def test_files_that_are_no_idx(name, tmp_path):
    path = tmp_path / "file.gz"
    path.write_bytes(NO_IDX[name])
    with pytest.raises(DataError, match=r"file.gz (cannot be read|is no IDX file of bytes, or it was cut off)"):
        read_idx(path)


@pytest.mark.parametrize("wrong", [np.zeros(6, np.uint8), np.array([0, 1, 2, 3, 4, 5, 10], np.uint8)])
def test_images_and_labels_that_do_not_belong_together(wrong, tmp_path, monkeypatch):
    mnist(tmp_path, MNIST, monkeypatch)
    images, labels = (tmp_path / "mnist" / file.name for file in MNIST.files()[:2])
    labels.write_bytes(idx(wrong))
    monkeypatch.setattr(MNIST, "digests", tuple(hashlib.md5(path.read_bytes()).hexdigest() for path in (images, labels)) * 2)
    with pytest.raises(DataError, match="do not belong together"):
        MNIST(folder=tmp_path)


# CIFAR


def archive(path, members):
    with tarfile.open(path, "w:gz") as file:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data or b"")
            if data is None:
                member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            file.addfile(member, io.BytesIO(data or b""))


NAMES = ["airplane", "automobile", "bird"]


def cifar(folder, kind, monkeypatch, changes=None):
    """A small archive like CIFAR's, what is changed first in it, whose hash counts as the published one; and its batches by name."""
    rows = {name: RANDOM.integers(256, size=(2, 3072), dtype=np.uint8) for part in kind.parts for name in part}
    batches = {name: {"data": row, kind.label: [0, 2]} for name, row in rows.items()}
    members = {f"cifar/{name}": pickle.dumps(batch, 2) for name, batch in {**batches, kind.names[0]: {kind.names[1]: NAMES}}.items()}
    path = folder / kind.archive.name
    archive(path, {**(changes or {}), **members, **(changes or {})})
    monkeypatch.setattr(kind, "archive", replace(kind.archive, digest=hashlib.sha256(path.read_bytes()).hexdigest()))
    return rows


@pytest.mark.parametrize("kind", [CIFAR10, CIFAR100])
@pytest.mark.parametrize("train", [True, False])
def test_images_and_labels_of_cifar(kind, train, tmp_path, monkeypatch):
    rows = cifar(tmp_path, kind, monkeypatch)
    found = kind(train, tmp_path)
    expected = np.concatenate([rows[name] for name in kind.parts[not train]])
    np.testing.assert_array_equal(found.images.reshape(len(found), -1), expected)
    assert found.images[1, 2, 3, 4] == expected[1, 2 * 1024 + 3 * 32 + 4]
    assert found.labels.tolist() == [0, 2] * len(kind.parts[not train])
    assert found.classes == tuple(NAMES)


def test_an_archive_of_python_2(tmp_path):
    data = bytes(range(256)) * 12
    archive(tmp_path / "x.tar.gz", {"a/batch": python2(data, (1, 3072))})
    assert read_archive(tmp_path / "x.tar.gz", {"batch"})["batch"]["data"].tobytes() == data


def test_nothing_of_an_archive_is_written_or_run(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    folder.mkdir()
    cifar(folder, CIFAR10, monkeypatch, {"../../outside": b"x", str(tmp_path / "outside"): b"x", "a/data_batch_1": None})  # None: a link to /etc/passwd
    assert len(CIFAR10(folder=folder)) == 10
    assert [path.name for path in tmp_path.rglob("*")] == ["data", CIFAR10.archive.name]
    evil = b"cos\nsystem\n(S'touch here'\ntR."
    cifar(folder, CIFAR10, monkeypatch, {"cifar/data_batch_2": evil})
    with pytest.raises(DataError, match=r"data_batch_2 would run os.system when opened: refused"):
        CIFAR10(folder=folder)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"data_batch_1": {"data": np.zeros((2, 3071), np.uint8), "labels": [0, 1]}}, "data_batch_1 has no images of 32x32 pixels"),
        ({"data_batch_3": {"data": np.zeros((2, 3072), np.float32), "labels": [0, 1]}}, "data_batch_3 has no images"),
        ({"data_batch_1": {"data": np.zeros((2, 3072), np.uint8), "labels": [0, 3]}}, "data_batch_1 has not one label below 3 for each of its 2 images"),
        ({"data_batch_1": {"data": np.zeros((2, 3072), np.uint8)}}, "has not one label"),
    ],
)
def test_archives_that_hold_something_else(changes, sentence, tmp_path, monkeypatch):
    cifar(tmp_path, CIFAR10, monkeypatch, {f"cifar/{name}": pickle.dumps(batch, 2) for name, batch in changes.items()})
    with pytest.raises(DataError, match=sentence):
        CIFAR10(folder=tmp_path)


def test_an_archive_that_is_cut_off_or_another_one(tmp_path):
    path = tmp_path / "x.tar.gz"
    archive(path, {"batch": pickle.dumps({"data": RANDOM.integers(256, size=9000, dtype=np.uint8)}, 2)})
    with pytest.raises(DataError, match="lacks test_batch: is it another archive"):
        read_archive(path, {"batch", "test_batch"})
    path.write_bytes(path.read_bytes()[:-4000])
    with pytest.raises(DataError, match=r"x.tar.gz cannot be read"):
        read_archive(path, {"batch"})
    path.write_bytes(b"hello")
    with pytest.raises(DataError, match=r"x.tar.gz cannot be read"):
        read_archive(path, {"batch"})


def test_the_folder_of_datasets(monkeypatch, tmp_path):
    monkeypatch.delenv("MINICNN_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert data_folder() == tmp_path / "minicnn" / "data"
    monkeypatch.setenv("MINICNN_DATA", "~/pictures")
    assert data_folder().name == "pictures"
    assert "~" not in str(data_folder())
    assert data_folder(tmp_path) == tmp_path
    with pytest.raises(ArgumentError, match="CIFAR10: train"):
        CIFAR10("test", tmp_path)
