"""The dataset of drawn figures: which picture is which, what comes with it, and how it goes through a loader."""

import pickle

import numpy as np
import pytest

from minicnn.data import DataLoader, Shapes, Subset, collate_boxes
from minicnn.data.transforms import Compose, Normalize, RandomHorizontalFlip
from minicnn.errors import ArgumentError, IndexingError


def image(i, **options):
    return Shapes(**{"size": 24, **options})[i][0]


def test_a_picture_depends_on_seed_part_and_index_only():
    np.testing.assert_array_equal(image(7), image(7, length=3))
    shapes = Shapes(size=24)
    forwards = [shapes[i][0] for i in range(6)]
    backwards = [shapes[i][0] for i in range(5, -1, -1)]
    np.testing.assert_array_equal(forwards, backwards[::-1])
    np.testing.assert_array_equal(image(4), pickle.loads(pickle.dumps(shapes))[4][0])


def test_another_seed_part_or_index_is_another_picture():
    pictures = [image(i, seed=seed, train=train).tobytes() for i in range(40) for seed in (0, 1) for train in (True, False)]
    assert len(set(pictures)) == 160


def test_endless():
    shapes = Shapes(length=5, size=24)
    assert len(shapes) == len(list(shapes)) == 5
    assert shapes[10**12][0].shape == (3, 24, 24)
    np.testing.assert_array_equal(shapes[5][0], image(5))
    assert len(Subset(shapes, [1, 3])) == 2


def test_images():
    for options in ({}, {"clutter": 0}, {"clutter": 1, "objects": 6}, {"size": 16}, {"size": 33}):
        pixels = image(0, **options)
        assert pixels.dtype == np.float32
        assert pixels.shape == (3, options.get("size", 24), options.get("size", 24))
        assert pixels.min() >= 0
        assert pixels.max() <= 1
    pixels = np.stack([pixels for pixels, _ in Shapes(150)])
    np.testing.assert_allclose(pixels.mean(axis=(0, 2, 3)), Shapes.mean, atol=0.05)
    np.testing.assert_allclose(pixels.std(axis=(0, 2, 3)), Shapes.std, atol=0.02)


def test_every_class_colour_and_number_has_its_share():
    scenes = [Shapes(size=16, objects=(1, 3)).scene(i) for i in range(300)]
    labels = np.concatenate([scene.labels for scene in scenes])
    filled = np.concatenate([scene.filled for scene in scenes])
    assert np.bincount(labels, minlength=10).min() > 40
    assert min([colour for scene in scenes for colour in scene.colours].count(c) for c in Shapes.colours) > 50
    assert np.bincount([len(scene) for scene in scenes])[1:].min() > 80
    assert 0.45 < filled.mean() < 0.55
    assert 0.42 < np.mean(np.concatenate([scene.large for scene in scenes])) < 0.58


def test_an_even_ground_without_clutter():
    scene = Shapes(clutter=0).scene(0)
    ground = scene.image[:, ~scene.whole[0]]
    assert (np.abs(ground - np.median(ground, axis=1, keepdims=True)).max(axis=0) < 1e-6).mean() > 0.9


def test_targets():
    scene = Shapes(size=24, objects=3).scene(2)

    def sample(target):
        return Shapes(size=24, objects=3, target=target)[2]

    for target in ("label", "box", "boxes", "caption"):
        np.testing.assert_array_equal(sample(target)[0], scene.image)
    assert sample("label")[1] == sample("box")[1] == scene.labels[-1]
    np.testing.assert_array_equal(sample("box")[2], scene.modal[-1])
    np.testing.assert_array_equal(sample("boxes")[1], scene.labels)
    np.testing.assert_array_equal(sample("boxes")[2], scene.modal)
    assert [Shapes.words[token] for token in sample("caption")[1]][1:-1] == [*scene.caption.split(), "<end>", *["<pad>"] * 9][:21]


def batch(**options):
    collate = collate_boxes if options.get("target") == "boxes" else None
    return next(iter(DataLoader(Shapes(8, size=24, **options), batch_size=4, collate=collate)))


def test_batches():
    images, labels = batch()
    assert (images.shape, images.dtype.name, labels.shape, labels.dtype.name) == ((4, 3, 24, 24), "float32", (4,), "int64")
    _, labels, boxes = batch(target="box")
    assert (labels.dtype.name, boxes.shape, boxes.dtype.name) == ("int64", (4, 4), "float32")
    _, tokens = batch(target="caption", objects=(1, 2))
    assert (tokens.shape, tokens.dtype.name) == ((4, 15), "int64")
    images, labels, boxes = batch(target="boxes", objects=(1, 3))
    assert images.shape == (4, 3, 24, 24)
    assert [(len(c), b.shape) for c, b in zip(labels, boxes, strict=True)] == [(n, (n, 4)) for n in map(len, labels)]
    assert len(set(map(len, labels))) > 1


def test_the_same_with_workers():
    shapes = Shapes(12, size=24, target="boxes", objects=(1, 3))
    transform = Compose(Normalize(Shapes.mean, Shapes.std), RandomHorizontalFlip())
    options = {"batch_size": 4, "shuffle": True, "seed": 1, "collate": collate_boxes, "transform": transform}
    for mine, theirs in zip(DataLoader(shapes, **options), DataLoader(shapes, **options, num_workers=1), strict=True):
        np.testing.assert_array_equal(mine[0].numpy(), theirs[0].numpy())
        for a, b in zip(mine[1] + mine[2], theirs[1] + theirs[2], strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("length", 0, "must be an integer >= 1, not 0"),
        ("train", "test", "must be True or False, not 'test'"),
        ("seed", -1, "must be an integer >= 0, not -1"),
        ("size", 8, "must be an integer >= 16, not 8"),
        ("objects", 0, r"must be an integer >= 1 or a pair of them \(least, most\), not 0"),
        ("objects", (3, 2), r"are the least and the most, up to 6, not \(3, 2\)"),
        ("objects", 7, "are the least and the most, up to 6, not 7"),
        ("target", "mask", "must be one of 'label', 'box', 'boxes', 'caption', not 'mask'"),
        ("clutter", 1.5, "must be a number from 0 to 1, not 1.5"),
        ("occlusion", 1, "must be a number from 0 to less than 1, not 1"),
    ],
)
def test_messages(name, value, said):
    with pytest.raises(ArgumentError, match=f"Shapes: {name} {said}"):
        Shapes(**{name: value})


@pytest.mark.parametrize("index", [-1, 1.5, "a"])
def test_no_such_picture(index):
    with pytest.raises(IndexingError, match="a picture for every integer from 0 on, none for"):
        Shapes()[index]


def test_repr():
    assert repr(Shapes(10, size=32)) == "Shapes(10, train=True, seed=0, size=32, objects=(1, 1), target='label')"
