"""What callbacks leave in a run's folder: pictures of a size for a page, confusions the right way round, the best weights."""

import base64
import json
from types import SimpleNamespace

import numpy as np

from minicnn import data
from minicnn.io import load_checkpoint
from minicnn.train import Epoch, RunFolder
from minicnn.train.records import LARGEST, Checkpoints, HeldOut


def held_out(tmp_path, images, labels, found, classes):
    folder = RunFolder.new(tmp_path / "run")
    told = HeldOut(folder, data.ArrayDataset(images, labels), classes)
    told.on_test_batch(None, np.eye(len(classes))[found], labels)
    told.on_epoch(None, Epoch(1, 0.1, 1, 1, 1, 1, 1, 1))
    return json.loads(folder.held_out.read_text())


def test_large_pictures_are_shrunk_in_proportion(tmp_path):
    images = np.zeros((2, 3, 600, 1200), np.uint8)
    images[:, :, :, 600:] = 200
    report = held_out(tmp_path, images, np.array([0, 1]), np.array([0, 0]), ("a", "b"))
    for picture in (*report["samples"], *report["mistakes"]):
        assert (picture["height"], picture["width"], picture["channels"]) == (LARGEST // 2, LARGEST, 3)
        pixels = np.frombuffer(base64.b64decode(picture["pixels"]), np.uint8).reshape(LARGEST // 2, LARGEST, 3)
        assert (pixels[:, 0].max(), pixels[:, -1].min()) == (0, 200)
    assert (tmp_path / "run" / "held_out.json").stat().st_size < 100_000


def test_small_pictures_stay_as_they_are(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (1, 3, LARGEST, 7), dtype=np.uint8)
    (picture,) = held_out(tmp_path, images, np.array([0]), np.array([0]), ("a",))["samples"]
    assert base64.b64decode(picture["pixels"]) == images[0].transpose(1, 2, 0).tobytes()


def test_a_row_of_the_confusions_is_a_label(tmp_path):
    labels, found = np.array([0, 0, 0, 1, 2]), np.array([1, 1, 0, 1, 0])
    report = held_out(tmp_path, np.zeros((5, 1, 2, 2), np.float32), labels, found, ("a", "b", "c"))
    assert report["confusion"] == [[1, 2, 0], [0, 1, 0], [1, 0, 0]]
    assert [(wrong["label"], wrong["found"]) for wrong in report["mistakes"]] == [(0, 1), (0, 1), (2, 0)]


def test_the_best_weights_are_those_of_the_lowest_validation_loss(tmp_path):
    """Each other figure would choose another epoch; of two that are equal, the first is kept."""
    folder, trainer = RunFolder.new(tmp_path / "run"), SimpleNamespace(history=[])
    kept = Checkpoints(folder, lambda: {"model": {}, "network": {"name": "LeNet5", "kwargs": {}}, "epoch": len(trainer.history)}, keep_every=3)
    for number, (validation, accuracy, training, test) in enumerate([(0.9, 0.5, 0.9, 0.1), (0.4, 0.6, 0.5, 0.3), (0.6, 0.9, 0.3, 0.4), (0.4, 0.7, 0.1, 0.4)], 1):
        trainer.history.append(Epoch(number, 0.1, training, 1 - training, test, 1 - test, 1, 1, validation, accuracy))
        kept.on_epoch(trainer, trainer.history[-1])
    assert load_checkpoint(folder.best)["epoch"] == 2
    assert load_checkpoint(folder.checkpoint)["epoch"] == 4
    assert [path.name for path in folder.path.glob("epoch-*")] == ["epoch-0003.safetensors"]
