"""Datasets by name, and pictures prepared as their images are."""

import shutil
import tarfile

import numpy as np
import pytest

from minicnn import data
from minicnn.data import ArrayDataset, Digits
from minicnn.errors import ArgumentError, DataError
from minicnn.train import datasets
from minicnn.train.augmentation import AUGMENTATIONS
from minicnn.train.datasets import load_dataset


def test_what_is_said_about_a_set_is_true():
    images = load_dataset("digits")
    for part in (images.train, images.test):
        image, label = part[0]
        assert image.shape == images.shape
        assert 0 <= label < len(images.classes)


def test_a_digit_is_read_into_the_image_of_the_set(tmp_path):
    digits = load_dataset("digits")
    ink = Digits(train=False, size=8).images[7] * Digits.std + Digits.mean
    np.save(tmp_path / "digit.npy", ink)
    image, done = digits.read(tmp_path / "digit.npy")
    np.testing.assert_allclose(image, digits.test[7][0], atol=1e-5)
    assert image.dtype == np.float32
    assert done == []


def test_augmentation_fills_with_paper():
    digits = load_dataset("digits")
    seen = [digits.augment(np.full(digits.shape, 9, np.float32), np.random.default_rng(seed)) for seed in range(5)]
    assert set(np.unique(seen)) == {np.float32(9), np.float32(Digits.background)}


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(ArgumentError, match="unknown dataset 'digit': did you mean digits"):
        load_dataset("digit")


@pytest.mark.parametrize("name", [5, None, ["digits"]])
def test_a_name_that_is_no_text_is_refused(name):
    with pytest.raises(ArgumentError, match="the dataset is chosen by its name, a text, not "):
        load_dataset(name)


@pytest.mark.parametrize(("name", "kind", "shape"), [("mnist", "MNIST", (1, 28, 28)), ("fashion-mnist", "FashionMNIST", (1, 28, 28)), ("cifar100", "CIFAR100", (3, 32, 32))])
def test_published_images_are_prepared_as_networks_take_them(name, kind, shape, monkeypatch, tmp_path):
    asked = []

    def part(kind, train, where):
        asked.append((kind.__name__, train, where.folder, where.report))
        made = ArrayDataset(np.full((4, *shape), 255, np.uint8), np.arange(4))
        made.classes = tuple("abcd")
        return made

    monkeypatch.setattr(datasets, "_part", part)
    images = load_dataset(name, tmp_path, report=print)
    assert asked == [(kind, True, tmp_path, print), (kind, False, tmp_path, print)]
    rng = np.random.default_rng(0)
    image = images.prepare(images.augment(images.train[0][0], rng), rng)
    assert image.shape == images.shape
    assert image.dtype == np.float32
    white = [(1 - m) / s for m, s in zip(np.atleast_1d(getattr(data, kind).mean), np.atleast_1d(getattr(data, kind).std), strict=True)]
    np.testing.assert_allclose(images.prepare(images.train[0][0], rng)[:, 16, 16], white, rtol=1e-5)
    with pytest.raises(ArgumentError, match=f"the images of {name} have their size: leave out image_size=64"):
        load_dataset(name, tmp_path, size=64)


def test_shapes_in_two_sizes():
    for size in (None, 48):
        images = load_dataset("shapes", size=size)
        assert images.test[3][0].shape == images.shape == (3, size or 32, size or 32)
        assert 0 <= images.test[3][1] < len(images.classes)
        assert abs(float(np.mean([images.prepare(images.train[i][0], None).mean() for i in range(40)]))) < 0.3


@pytest.fixture
def folder(tmp_path):
    image = pytest.importorskip("PIL.Image")
    for part in ("train", "test"):
        for name, colour in (("blue", (0, 0, 255)), ("red", (255, 0, 0))):
            (tmp_path / part / name).mkdir(parents=True)
            image.new("RGB", (40, 24), colour).save(tmp_path / part / name / "1.png")
    return tmp_path


@pytest.mark.parametrize("size", [None, 16])
def test_a_folder_of_pictures(folder, size):
    images = load_dataset(str(folder), size=size)
    side, rng = size or 24, np.random.default_rng(0)
    assert (images.classes, images.shape) == (("blue", "red"), (3, side, side))
    raw, done = images.read(folder / "test" / "red" / "1.png")
    assert done == ["cut to its middle and resized from 40x24"]
    for image in (images.test[1][0], raw):
        np.testing.assert_allclose(images.prepare(image, rng)[:, 3, 5], [(1 - 0.485) / 0.229, -0.456 / 0.224, -0.406 / 0.225], rtol=1e-5)
    assert images.prepare(images.augment(images.train[0][0], rng), rng).shape == images.shape


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_every_augmentation_keeps_what_the_network_takes(folder, name):
    images = load_dataset(str(folder))
    augment, rng = AUGMENTATIONS[name](images), np.random.default_rng(0)
    for _ in range(5):
        image = images.train[0][0] if augment is None else augment(images.train[0][0], rng)
        assert images.prepare(image, rng).shape == images.shape


def test_an_archive_as_most_are_packed(folder, tmp_path_factory):
    """One folder in it, and that has the parts; the same on disk."""
    packed = tmp_path_factory.mktemp("packed") / "colours.tar"
    with tarfile.open(packed, "w") as archive:
        archive.add(folder, "colours")
    for where in (packed, packed / "colours"):
        images = load_dataset(str(where))
        assert (images.classes, len(images.train)) == (("blue", "red"), 2)
    shutil.copytree(folder, packed.parent / "outer" / "colours")
    assert len(load_dataset(str(packed.parent / "outer")).test) == 2


def test_what_a_mac_packs_beside_a_folder_is_passed_over(folder, tmp_path_factory):
    outer = tmp_path_factory.mktemp("mac")
    for hidden in ("__MACOSX", ".cache"):
        (outer / hidden / "colours").mkdir(parents=True)
        (outer / hidden / "colours" / "._train").write_bytes(b"x")
    shutil.copytree(folder, outer / "colours")
    with tarfile.open(outer / "colours.tar", "w") as archive:
        for name in ("__MACOSX", ".cache", "colours"):
            archive.add(outer / name, name)
    for where in (outer, outer / "colours.tar"):
        assert load_dataset(str(where)).classes == ("blue", "red")


@pytest.mark.parametrize(
    ("inside", "sentence"),
    [
        ("a/b", r"has no folder train in it, and neither has the only folder there, a: in that is b; name the folder around train"),
        ("", r"has no folder train in it, and neither has the only folder there, test: in that are blue, red; name"),
        ("/", r"has no folder train in it: there are no folders, and its files are named /test/blue/1\.png, /test/red/1\.png; name"),
    ],
)
def test_an_archive_without_the_parts_says_what_is_in_it(folder, inside, sentence, tmp_path_factory):
    packed = tmp_path_factory.mktemp("packed") / "colours.tar"
    with tarfile.open(packed, "w") as archive:
        for path in sorted(folder.rglob("test/*/*.png")):
            member = archive.gettarinfo(path)
            member.name = f"{inside.rstrip('/')}/{path.relative_to(folder)}" if inside else str(path.relative_to(folder))
            with path.open("rb") as file:
                archive.addfile(member, file)
    with pytest.raises(DataError, match=sentence):
        load_dataset(str(packed))


@pytest.mark.parametrize(("mode", "name", "program"), [("gz", "c.tar.gz", "gunzip"), ("bz2", "c.tar.bz2", "bunzip2"), ("xz", "c.txz", "unxz")])
def test_a_compressed_archive_is_to_be_decompressed(mode, name, program, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with tarfile.open(name, f"w:{mode}") as packed:
        packed.addfile(tarfile.TarInfo("a"))
    with pytest.raises(DataError, match=rf"{name} is compressed, and must be decompressed first, .*: {program} {name}$"):
        load_dataset(name)


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(DataError, match=r"there is no folder .*nowhere$"):
        load_dataset(str(tmp_path / "nowhere"))
