"""What a run keeps of its images: class names, size and folder, with which it is used when the images have changed, or are gone."""

import shutil

import numpy as np
import pytest

from minicnn.errors import ArgumentError, CheckpointError, DataError
from minicnn.io import load_checkpoint, save_checkpoint
from minicnn.train import Callback, Recipe, RunFolder, resume, run_recipe
from minicnn.train.remembered import images_of, reader_of
from tests.train.few import install, silent

NET = {"model": "WideResNetCIFAR", "model_options": {"depth": 10, "k": 1}, "batch_size": 4}


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """Two classes of noise, b and c; the working folder is the one around them."""
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    for part, count in (("train", 4), ("test", 2)):
        for name in "bc":
            (tmp_path / "pictures" / part / name).mkdir(parents=True)
            for i in range(count):
                image.fromarray(rng.integers(0, 256, (9, 9, 3), np.uint8)).save(tmp_path / "pictures" / part / name / f"{i}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "pictures"


class StopAt(Callback):
    def on_step(self, trainer, metrics):
        if trainer.steps == 3:
            trainer.stop("interrupted")


def train(out="run", dataset="pictures", callback=None, **settings):
    class Show:
        def __call__(self, *_):
            return self

        def __enter__(self):
            return callback or Callback()

        def __exit__(self, *_):
            return None

    recipe = Recipe(**NET, dataset=dataset, **settings)
    run_recipe(recipe, recipe.build(), RunFolder.new(out), Show())
    return load_checkpoint(f"{out}/checkpoint.safetensors")


def add_class(pictures, name):
    for part in ("train", "test"):
        shutil.copytree(pictures / part / "b", pictures / part / name)


def test_a_checkpoint_knows_classes_size_and_folder(pictures):
    contents = train(epochs=1)
    assert contents["images"] == {"classes": ["b", "c"], "shape": [3, 9, 9], "folder": str(pictures)}
    assert (contents["recipe"]["dataset"], contents["recipe"]["image_size"]) == ("pictures", None)  # as they were given


def test_pictures_are_named_as_in_training_whatever_has_become_of_the_folder(pictures):
    contents, one = train(epochs=1), pictures.parent / "one.png"
    shutil.copy(pictures / "test" / "b" / "0.png", one)
    before = images_of(contents)
    add_class(pictures, "AA")
    shutil.rmtree(pictures / "train" / "b")
    assert reader_of(contents).classes == ("b", "c")
    shutil.rmtree(pictures)
    reader = reader_of(contents)
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(reader.prepare(reader.read(one)[0], rng), before.prepare(before.read(one)[0], rng))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda p: add_class(p, "AA"), r"are no longer those that the run was trained on \(b, c\): new: AA; bring"),
        (lambda p: [(p / part / "b").rename(p / part / "d") for part in ("train", "test")], r"\(b, c\): new: d; gone: b; bring"),
    ],
    ids=["one is new", "one is renamed"],
)
def test_other_classes_are_told_before_anything_is_counted(pictures, change, sentence):
    contents = train(epochs=2, callback=StopAt())
    change(pictures)
    with pytest.raises(ArgumentError, match=sentence):
        images_of(contents)
    with pytest.raises(ArgumentError, match=sentence):
        resume("run").restore()


def test_from_another_folder_the_images_are_found(pictures, tmp_path, monkeypatch):
    contents = train(epochs=2, callback=StopAt())
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert len(images_of(contents).test) == 4
    broken_off = resume("../run")
    run_recipe(broken_off.recipe, broken_off.restore(), broken_off.folder, silent)
    done = load_checkpoint("../run/checkpoint.safetensors")
    assert (done["epoch"], done["images"], done["dataset"]) == (2, contents["images"], "pictures")
    pictures.rename("moved")
    for use in (lambda: images_of(contents), lambda: resume("../run").restore()):
        with pytest.raises(DataError, match=rf"the run was trained on {pictures}, which is not there any more"):
            use()
    (tmp_path / "elsewhere" / "moved").rename("pictures")  # what its name means from here
    assert len(images_of(contents).test) == 4


def test_a_checkpoint_of_an_older_version_is_used_as_before(pictures, monkeypatch):
    contents = train(epochs=2, callback=StopAt())
    del contents["images"]
    save_checkpoint("run/checkpoint.safetensors", contents)
    assert images_of(contents).classes == reader_of(contents).classes == ("b", "c")
    assert len(resume("run").restore().images.test) == 4
    add_class(pictures, "AA")
    with pytest.raises(ArgumentError, match=r"tells 2 classes apart, but .*pictures has 3 by now: AA, b, c"):
        images_of(contents)
    install(monkeypatch)
    few = train("other", "few", epochs=1)
    assert few["images"] == {"classes": list("0123456789"), "shape": [1, 8, 8], "folder": None}


def test_what_cannot_be_meant_is_a_damaged_checkpoint(pictures):
    contents = train(epochs=1)
    good = contents["images"]
    for entry in (5, {"classes": ["b"]}, {**good, "classes": ["b"]}, {**good, "classes": [1, 2]}, {**good, "shape": [3, 9]}, {**good, "folder": 3}):
        with pytest.raises(CheckpointError, match=r"the checkpoint is damaged: "):
            reader_of({**contents, "images": entry})
