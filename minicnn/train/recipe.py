"""A recipe: everything that decides what a training run computes, in a form that can be written into a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from minicnn import checks, models
from minicnn.data.published import Report
from minicnn.errors import ArgumentError
from minicnn.models.from_string import is_string, normalised
from minicnn.ops.autocast import PRECISIONS
from minicnn.train.augmentation import AUGMENTATIONS
from minicnn.train.lookup import look_up
from minicnn.train.optimizers import DECAYED, OPTIMIZERS, usual_lr
from minicnn.train.parts import Parts, build
from minicnn.train.schedules import check_schedule
from minicnn.transfer.strategies import STRATEGIES

_COUNTS = {"epochs": 1, "batch_size": 1, "accumulate": 1, "patience": 0, "keep_every": 0, "seed": 0, "workers": 0}  # and the least of each


@dataclass(frozen=True)
class Recipe:
    """The settings of a run. The same recipe gives the same losses on the same machine, also where others are built or trained in between.

    Attributes:
        model, model_options: the network's name, or a string as `models.create_from_string` takes it, and what it is made with beside classes and channels: {"dropout": 0.3}.
        weights: what the network starts from: "imagenet", or a file; None for random weights. Its last layer is replaced.
        strategy: how much of a pretrained network is trained: a name of `transfer.STRATEGIES`.
        body_lr: the learning rate of what was pretrained, as a part of `lr`, which is that of the new layer.
        dataset: its name, or the path of a folder with `train` and `test` in it.
        data_dir: folder of published datasets; None for the usual one.
        image_size: height and width of the images, for drawn ones and pictures of a folder; None for the usual.
        images_per_class: so many training images of each class are used, drawn by the seed; None for all.
        augment: how training images are changed at random: a name of `AUGMENTATIONS`; "usual" is the dataset's own way.
        validation: part of the training images that is kept out of training, to decide by: best weights, early stopping, plateau.
        epochs: passes over the training images.
        batch_size: images in a batch.
        accumulate: batches for each update.
        optimizer, optimizer_options: its name, and options such as {"momentum": 0.9, "weight_decay": 1e-4}.
        decay: which parameters weight decay is for: "all", or "weights", without biases and norms.
        lr: the highest learning rate; None for one that suits the optimiser.
        schedule, schedule_options: the learning rate's name of course, and options such as {"milestones": [82, 123]}, in epochs.
        label_smoothing: from 0 to 1, of the training loss.
        mixup: alpha of mixup, from 0, which mixes nothing.
        clip_norm: the largest norm of all gradients together, from 0, which clips nothing.
        average: decay of the moving average of the weights; 0 keeps none.
        patience: epochs without a new lowest validation loss after which training stops; 0 never does.
        keep_every: a checkpoint is kept after every so many epochs; 0 keeps none of them.
        seed: the number that weights, order, augmentation and dropout follow from.
        workers: processes that prepare batches. It changes no number.
        precision: "fp32", or what `minicnn.autocast` takes.
        sync_batch_norm: batch norms see the images of all workers, where several share the batches (`minicnn.distributed`).

    Example:
        >>> Recipe(model="resnet20", schedule="cosine").resolved().model
        'ResNet20'
    """

    model: str = "LeNet5"
    model_options: Mapping[str, Any] = field(default_factory=dict)
    weights: str | None = None
    strategy: str = "all"
    body_lr: float = 0.1
    dataset: str = "digits"
    data_dir: str | None = None
    image_size: int | None = None
    images_per_class: int | None = None
    augment: str = "usual"
    validation: float = 0.0
    epochs: int = 20
    batch_size: int = 64
    accumulate: int = 1
    optimizer: str = "sgd"
    optimizer_options: Mapping[str, Any] = field(default_factory=dict)
    decay: str = "all"
    lr: float | None = None
    schedule: str = "one-cycle"
    schedule_options: Mapping[str, Any] = field(default_factory=dict)
    label_smoothing: float = 0.0
    mixup: float = 0.0
    clip_norm: float = 0.0
    average: float = 0.0
    patience: int = 0
    keep_every: int = 0
    seed: int = 0
    workers: int = 0
    precision: str = "fp32"
    sync_batch_norm: bool = False

    def resolved(self) -> Recipe:
        """The recipe with the optimiser's usual learning rate where none is given, every name as it is listed, and NumPy's numbers as Python's.

        Raises:
            ArgumentError: a name or an option is unknown, or a number is out of range.
        """
        names = models.list_models()
        model = normalised(self.model) if is_string(self.model) else look_up(self.model, {name.lower(): name for name in names}, "model", names)
        look_up(self.optimizer, OPTIMIZERS, "optimizer")
        for name in ("model_options", "optimizer_options", "schedule_options"):
            if not isinstance(getattr(self, name), Mapping):
                raise ArgumentError(f"the recipe's {name} must be a table of names and values, not {getattr(self, name)!r}")
        for name in ("weights", "data_dir"):
            if not isinstance(getattr(self, name), str | None):
                raise ArgumentError(f"the recipe's {name} must be a text, not {getattr(self, name)!r}")
        check_schedule(self.schedule, self.schedule_options)
        look_up(self.augment, AUGMENTATIONS, "augmentation")
        checks.choice(self.decay, "the recipe's decay", DECAYED)
        checks.choice(self.precision, "the precision", PRECISIONS)
        for name, least in _COUNTS.items():
            checks.integer(getattr(self, name), f"the recipe's {name}", least)
        for name in ("image_size", "images_per_class"):
            if getattr(self, name) is not None:
                checks.integer(getattr(self, name), f"the recipe's {name}")
        checks.flag(self.sync_batch_norm, "the recipe's sync_batch_norm")
        checks.positive(self.body_lr, "the recipe's body_lr")
        look_up(self.strategy, STRATEGIES, "strategy")
        if self.weights is None and self.strategy != "all":
            raise ArgumentError(f"the strategy {self.strategy} would leave random weights as they are: give weights to start from, or the strategy all")
        for name in ("validation", "average"):
            checks.fraction(getattr(self, name), f"the recipe's {name}")
        checks.fraction(self.label_smoothing, "the recipe's label_smoothing", include_one=True)
        for name in ("mixup", "clip_norm"):
            checks.number(getattr(self, name), f"the recipe's {name}", 0)
        if self.patience and not self.validation:
            raise ArgumentError(
                "early stopping goes by images that are neither trained on nor held out for the final figure: with patience, "
                "set validation as well, such as 0.1 for a tenth of the training images"
            )
        lr = checks.positive(usual_lr(self.optimizer) if self.lr is None else self.lr, "the learning rate")
        named = {name: getattr(self, name).lower() for name in ("optimizer", "schedule", "augment", "strategy")}
        return replace(self, **{**{field.name: _plain(getattr(self, field.name)) for field in fields(self)}, **named, "model": model, "lr": _plain(lr)})

    def build(self, report: Report | None = None) -> Parts:
        """The freshly initialised network, the data, and all that trains it.

        Args:
            report: told how a download goes on; see `load_dataset`.

        Raises:
            ArgumentError: a name or an option is unknown, or a number is out of range.
            DataError, DownloadError: the dataset's files are damaged, or cannot be had.

        Example:
            >>> parts = Recipe().build()
            >>> len(parts.train), type(parts.trainer.optimizer).__name__
            (23, 'SGD')
        """
        return build(self.resolved(), report)


def _plain(value: Any) -> Any:
    """The value as a file can hold it: numbers, texts, lists and tables of Python."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else value
