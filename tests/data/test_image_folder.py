"""Pictures in folders and in archives: the same samples, and one sentence for whatever is wrong."""

import io
import pickle
import sys
import tarfile

import numpy as np
import pytest

from minicnn.data import DataLoader, ImageFolder
from minicnn.data.transforms import Resize
from minicnn.errors import ArgumentError, DataError, IndexingError

Image = pytest.importorskip("PIL.Image")


def picture(seed, H=6, W=8):
    return np.random.default_rng(seed).integers(0, 256, (H, W, 3)).astype(np.uint8)


def save(path, seed, **size):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(seed, **size)).save(path)


@pytest.fixture
def folder(tmp_path):
    for seed, name in enumerate(["dog/b.png", "dog/a.PNG", "cat/1.png", "cat/2.png", "cat/10.png"]):
        save(tmp_path / "train" / name, seed)
    (tmp_path / "train/cat/Thumbs.db").write_bytes(b"x")
    (tmp_path / "train/cat/._1.png").write_bytes(b"x")
    (tmp_path / "train/.cache").mkdir()
    (tmp_path / "train/readme.txt").write_text("x")
    return tmp_path / "train"


@pytest.fixture
def archive(folder):
    with tarfile.open(folder.parent / "all.tar", "w") as archive:
        archive.add(folder, "all/train")
    return folder.parent / "all.tar"


ORDER = [("cat", "1.png", 2), ("cat", "10.png", 4), ("cat", "2.png", 3), ("dog", "a.PNG", 1), ("dog", "b.png", 0)]


@pytest.mark.parametrize("packed", [False, True])
def test_every_picture_with_the_label_of_its_folder(folder, archive, packed):
    where = archive / "all" / "train" if packed else folder
    data = ImageFolder(where)
    assert data.classes == ("cat", "dog")
    assert data.paths == [str(where / name / file) for name, file, _ in ORDER]
    assert data.labels.tolist() == [0, 0, 0, 1, 1]
    assert len(data) == len(list(data)) == 5
    for (image, label), (name, _, seed) in zip(data, ORDER, strict=True):
        np.testing.assert_array_equal(image, picture(seed).transpose(2, 0, 1), strict=True)
        assert data.classes[label] == name
    assert data[-1][1] == 1
    with pytest.raises(IndexingError, match="ImageFolder has no sample 5: the indices are 0 to 4"):
        data[5]
    assert repr(data) == f"ImageFolder({str(where)!r}: 5 pictures of 2 classes)"


def test_workers_read_the_same_pictures(archive):
    data = ImageFolder(archive / "all/train")
    here, there = (list(DataLoader(data, 2, transform=Resize((4, 4)), num_workers=n)) for n in (0, 1))
    assert len(here) == len(there) == 3
    for (x, labels), (same, same_labels) in zip(here, there, strict=True):
        np.testing.assert_array_equal(x.numpy(), same.numpy(), strict=True)
        assert labels.tolist() == same_labels.tolist()


def test_nothing_stays_open(folder, archive):
    for where in (folder, archive / "all/train"):
        assert pickle.loads(pickle.dumps(ImageFolder(where)))[0][1] == 0  # and a warning of an open file would be an error


def test_labels_are_those_of_the_training_pictures(folder):
    save(folder.parent / "test/dog/1.png", 7)
    assert ImageFolder(folder.parent / "test").labels.tolist() == [0]
    assert ImageFolder(folder.parent / "test", classes=ImageFolder(folder).classes).labels.tolist() == [1]
    save(folder.parent / "test/fox/1.png", 7)
    with pytest.raises(DataError, match="test has folders that are none of the 2 classes: fox"):
        ImageFolder(folder.parent / "test", classes=("cat", "dog"))


def test_folders_that_are_none_of_classes(folder, archive):
    for path, message in [
        (folder / "none", r"there is no folder .*none"),
        (folder / "cat", r"cat has no folders in it; it needs one for each class.*cat/001\.jpg"),
        (archive / "all/train/cat", r"cat has no folders in it"),
        (folder.parent, r"train has no pictures in it \(\.bmp, .*\); train look like parts of a dataset .*: open one of them, .*train"),
        (archive, r"all\.tar/all has no pictures in it .*; if it is the folder that holds the classes, open .*all\.tar/all$"),
    ]:
        with pytest.raises(DataError, match=message):
            ImageFolder(path)
    (folder / "ant").mkdir()
    with pytest.raises(DataError, match=r"the folder .*ant has no pictures in it"):
        ImageFolder(folder)


def test_a_picture_that_cannot_be_read_is_named(folder, archive, monkeypatch):
    save(folder / "cat/0.png", 9, H=100, W=100)
    whole = (folder / "cat/0.png").read_bytes()
    (folder / "cat/0.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ArgumentError, match=r"the image .*cat/0\.png is damaged"):
        ImageFolder(folder)[0]
    with pytest.raises(DataError, match=r"sample 0: ArgumentError: the image .*cat/0\.png is damaged"):
        next(iter(DataLoader(ImageFolder(folder))))
    (folder / "cat/0.png").write_text("hello")
    with pytest.raises(ArgumentError, match=r"cat/0\.png is not an image"):
        ImageFolder(folder)[0]
    packed = ImageFolder(archive / "all/train")
    monkeypatch.setattr("minicnn.io.picture.MOST", 47)
    for data, name in ((ImageFolder(folder), "1"), (packed, "1")):
        with pytest.raises(ArgumentError, match=rf"the image .*cat/{name}\.png has more than 47 pixels"):
            data[data.paths.index(str(data.folder / f"cat/{name}.png"))]
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ArgumentError, match=r'needs Pillow: pip install -e "\.\[data\]"'):
        packed[0]


def test_a_path_in_an_archive_leads_nowhere_else(tmp_path):
    (tmp_path / "secret.png").write_bytes(b"secret")
    blob = io.BytesIO()
    Image.fromarray(picture(3)).save(blob, "png")
    with tarfile.open(tmp_path / "bad.tar", "w") as archive:
        for name in ("../cat/1.png", "/cat/2.png", "cat/../../secret.png", "./cat/3.png", "fox/4.png"):
            member = tarfile.TarInfo(name)
            member.size = len(blob.getvalue())
            archive.addfile(member, io.BytesIO(blob.getvalue()))
        for kind, name in ((tarfile.SYMTYPE, "cat/5.png"), (tarfile.LNKTYPE, "cat/6.png"), (tarfile.FIFOTYPE, "cat/7.png")):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, str(tmp_path / "secret.png")
            archive.addfile(member)
    data = ImageFolder(tmp_path / "bad.tar")
    assert data.paths == [str(tmp_path / "bad.tar" / name) for name in ("cat/3.png", "fox/4.png")]
    np.testing.assert_array_equal(data[0][0], picture(3).transpose(2, 0, 1))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.tar", "secret.png"]


def test_archives_that_cannot_be_read(archive):
    data = ImageFolder(archive / "all/train")
    whole = archive.read_bytes()
    archive.write_bytes(whole[:2000])
    with pytest.raises(DataError, match=r"all/train/dog/b\.png in .*all\.tar cannot be read: was cut off"):
        data[4]
    for bad in (whole[:2000], whole[:2048], whole[: whole.rindex(b"png")], b"hello" * 200, b""):
        archive.write_bytes(bad)
        with pytest.raises(DataError, match=r"all\.tar cannot be read as a tar archive \(.*damaged or compressed"):
            ImageFolder(archive / "all/train")
    with tarfile.open(archive, "w:gz") as packed:
        packed.addfile(tarfile.TarInfo("a"))
    with pytest.raises(DataError, match="must be decompressed first"):
        ImageFolder(archive)
