"""Callbacks that write into a run's folder: its log, its state, and what it takes for what."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

import numpy as np

from minicnn.data import Dataset
from minicnn.data.transforms import resize
from minicnn.io import save_checkpoint
from minicnn.io.atomic import write_atomically
from minicnn.kernels.types import Array
from minicnn.train.callback import Callback
from minicnn.train.epoch import Epoch
from minicnn.train.metrics import Metrics
from minicnn.train.run_folder import RunFolder
from minicnn.train.trainer import Trainer

LINES = 25  # of the log for each epoch, at most
SAVED_AT_LEAST = 600.0  # seconds between checkpoints in the middle of a pass
SEVERAL_SAVE = 60.0  # the same for several workers, any of whom can die
SAMPLES, MISTAKES = 16, 24
LARGEST = 96  # pixels of a picture's longer side, where a page shows it


class Log(Callback):
    """Writes lines about steps and epochs.

    Args:
        folder: of the run.
        steps_per_epoch: of which at most `LINES` are logged, evenly.
    """

    def __init__(self, folder: RunFolder, steps_per_epoch: int) -> None:
        self.folder, self.every = folder, -(-steps_per_epoch // LINES)

    def on_step(self, trainer: Trainer, metrics: Metrics) -> None:
        if trainer.steps % self.every == 0:
            norm = trainer.gradient_norm if np.isfinite(trainer.gradient_norm) else None  # infinite in a step that float16 leaves out
            loss, accuracy = metrics.batch_loss, metrics.batch_accuracy
            self.folder.log("step", step=trainer.steps, epoch=len(trainer.history) + 1, loss=loss, accuracy=accuracy, lr=trainer.lr, gradient_norm=norm)

    def on_epoch(self, trainer: Trainer, epoch: Epoch) -> None:  # noqa: ARG002 - called like every callback
        self.folder.log("epoch", **dataclasses.asdict(epoch))


class Checkpoints(Callback):
    """Writes the state after every epoch, and every ten minutes within one; keeps the best, and every k-th.

    Where several work together it is written after the first step, and every minute: the death of one ends the run, without notice.

    Args:
        folder: of the run.
        contents: gives what a checkpoint holds.
        keep_every: k; 0 keeps none of them.
    """

    def __init__(self, folder: RunFolder, contents: Callable[[], Mapping[str, Any]], keep_every: int = 0) -> None:
        self.folder, self.contents, self.keep_every = folder, contents, keep_every
        self.saved: float | None = None

    def on_step(self, trainer: Trainer, metrics: Metrics) -> None:  # noqa: ARG002 - called like every callback
        alone = trainer.workers.size == 1
        if self.saved is None and alone:
            self.saved = monotonic()
        if self.saved is None or monotonic() - self.saved > (SAVED_AT_LEAST if alone else SEVERAL_SAVE):
            self.save()

    def on_epoch(self, trainer: Trainer, epoch: Epoch) -> None:
        if self.keep_every and epoch.epoch % self.keep_every == 0:
            save_checkpoint(self.folder.kept(epoch.epoch), self.contents())
        losses = [past.validation_loss for past in trainer.history if past.validation_loss is not None]
        if epoch.validation_loss is not None and epoch.validation_loss < min(losses[:-1], default=np.inf):
            save_checkpoint(self.folder.best, self.contents())
        self.save()  # last: a run that goes on from here has all the others

    def save(self) -> None:
        """Write the state as it is now."""
        save_checkpoint(self.folder.checkpoint, self.contents())
        self.saved = monotonic()


class HeldOut(Callback):
    """Writes how the held-out images are seen: the table of confusions, some images, and the surest mistakes.

    Args:
        folder: of the run.
        images: those held out, in the order in which they are evaluated, as (image, label).
        classes: their names.
    """

    def __init__(self, folder: RunFolder, images: Dataset, classes: tuple[str, ...]) -> None:
        self.folder, self.images, self.classes = folder, images, classes
        self._batches: list[tuple[Array, Array]] = []

    def on_test_batch(self, trainer: Trainer, scores: Array, labels: Array) -> None:  # noqa: ARG002 - called like every callback
        self._batches.append((scores, labels))

    def on_epoch(self, trainer: Trainer, epoch: Epoch) -> None:  # noqa: ARG002 - called like every callback
        scores, labels = (np.concatenate(arrays) for arrays in zip(*self._batches, strict=True))
        self._batches = []
        found, probability = scores.argmax(axis=1), _highest_probability(scores)
        confusion = np.zeros((len(self.classes), len(self.classes)), np.int64)
        np.add.at(confusion, (labels, found), 1)
        wrong = np.flatnonzero(found != labels)
        worst = wrong[np.argsort(-probability[wrong], kind="stable")][:MISTAKES]

        def described(index: int) -> dict[str, Any]:
            seen = {"index": index, "label": int(labels[index]), "found": int(found[index]), "probability": round(float(probability[index]), 4)}
            return {**seen, **_pixels(np.asarray(self.images[index][0]))}

        report = {
            "epoch": epoch.epoch,
            "classes": self.classes,
            "confusion": confusion.tolist(),
            "samples": [described(i) for i in range(0, len(labels), -(-len(labels) // SAMPLES))],
            "mistakes": [described(int(i)) for i in worst],
        }
        write_atomically(self.folder.held_out, "report", [json.dumps(report).encode()])


def _highest_probability(scores: Array) -> Array:
    """Of softmax: exp(0) over the sum."""
    result: Array = 1 / np.exp(scores.astype(np.float64) - scores.max(axis=1, keepdims=True)).sum(axis=1)
    return result


def _pixels(image: Array) -> dict[str, Any]:
    """An image (C, H, W) as bytes, for a page to draw: large ones are shrunk, and what is no bytes is stretched from its least value to its greatest."""
    if (longer := max(image.shape[1:])) > LARGEST:
        height, width = (max(1, round(side * LARGEST / longer)) for side in image.shape[1:])
        image = resize(image, (height, width))
    if image.dtype != np.uint8:
        low, high = float(image.min()), float(image.max())
        image = np.rint(255 * (image - low) / max(high - low, 1e-12)).astype(np.uint8)
    C, H, W = image.shape
    return {"height": H, "width": W, "channels": C, "pixels": base64.b64encode(image.transpose(1, 2, 0).tobytes()).decode()}
