"""Writes what a training run writes: `log.jsonl`, and `held_out.json` with a confusion matrix and pictures."""

import base64
import json
import math

import numpy as np

CLASSES = [str(digit) for digit in range(10)]


class Writer:
    """A run's folder, and the lines of a run that does quite well."""

    def __init__(self, folder, seed=0, lr=0.05, epochs=6, steps_per_epoch=20, every=2):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.lr, self.epochs, self.steps_per_epoch, self.every = folder, lr, epochs, steps_per_epoch, every
        self.generator = np.random.default_rng(seed)
        self.seed = seed

    def write(self, kind, **values):
        with (self.folder / "log.jsonl").open("a") as file:
            file.write(json.dumps({"kind": kind, **values}) + "\n")

    def start(self, **settings):
        usual = {"model": "LeNet5", "dataset": "digits", "epochs": self.epochs, "seed": self.seed, "lr": self.lr, "optimizer": "sgd"}
        self.write("run", settings=usual | settings, steps_per_epoch=self.steps_per_epoch, versions={"minicnn": "0.1.0"}, platform="a computer", processors=2)

    def epoch(self, epoch):
        """The lines of one epoch, 1 being the first."""
        for step in range((epoch - 1) * self.steps_per_epoch + 1, epoch * self.steps_per_epoch + 1):
            if step % self.every == 0:
                loss, accuracy = self._figures(step / self.steps_per_epoch, noise=0.15)
                norm = 3 * loss ** 0.5 * self.generator.lognormal(0, 0.2)
                self.write("step", step=step, epoch=epoch, loss=loss, accuracy=accuracy, lr=self._lr(step), gradient_norm=norm)
        loss, accuracy = self._figures(epoch, noise=0.02)
        speed = 2400 + 60 * self.generator.standard_normal()
        held_out = {"test_loss": loss * 1.15 + 0.01, "test_accuracy": accuracy * 0.99}
        self.write("epoch", epoch=epoch, lr=self._lr(epoch * self.steps_per_epoch), train_loss=loss, train_accuracy=accuracy, **held_out,
                   seconds=1437 / speed, images_per_second=speed)  # fmt: skip

    def end(self, stopped=None):
        self.write("end", steps=self.epochs * self.steps_per_epoch, stopped=stopped)

    def _figures(self, epochs, noise):
        loss = 2.3 * math.exp(-epochs * self.lr * 14) + 0.05 + self.lr / 4
        loss *= self.generator.lognormal(0, noise)
        return loss, min(1.0, math.exp(-loss / 1.2) * self.generator.normal(1, noise / 8))

    def _lr(self, step):
        return self.lr * 0.5 * (1 + math.cos(math.pi * step / (self.epochs * self.steps_per_epoch)))


def held_out(epoch, pictures, labels, found, classes=CLASSES, shown=12):
    """The contents of held_out.json for pictures (N, H, W) or (N, H, W, 3) of uint8 with labels (N,) and found classes (N,)."""
    confusion = np.zeros((len(classes), len(classes)), int)
    np.add.at(confusion, (labels, found), 1)
    wrong = np.flatnonzero(labels != found)
    told = {"epoch": epoch, "classes": list(classes), "confusion": confusion.tolist()}
    return told | {
        "samples": [_picture(i, pictures[i], labels[i], found[i], 0.98) for i in range(min(shown, len(labels)))],
        "mistakes": [_picture(i, pictures[i], labels[i], found[i], 0.97 - 0.05 * place) for place, i in enumerate(wrong[:shown])],
    }


def _picture(index, picture, label, found, probability):
    height, width, channels = picture.shape if picture.ndim == 3 else (*picture.shape, 1)
    pixels = base64.b64encode(picture.tobytes()).decode()
    numbers = {"index": int(index), "label": int(label), "found": int(found), "probability": probability}
    return numbers | {"height": height, "width": width, "channels": channels, "pixels": pixels}


def write_held_out(folder, contents):
    """In one move, so that nobody reads half of it."""
    new = folder / "held_out.json.new"
    new.write_text(json.dumps(contents))
    new.replace(folder / "held_out.json")
