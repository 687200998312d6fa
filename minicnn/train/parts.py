"""What a recipe is cooked from: the images in batches, the network, and the trainer with all that belongs to it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from minicnn import models
from minicnn.backend import generator, manual_seed
from minicnn.data import ArrayDataset, DataLoader, of_each_class, random_split
from minicnn.data.published import Report
from minicnn.data.transforms import Compose, Transform
from minicnn.distributed.sharing import Loader
from minicnn.errors import ArgumentError
from minicnn.models.auxiliary import auxiliary_cross_entropy
from minicnn.nn import Module
from minicnn.train.augmentation import AUGMENTATIONS
from minicnn.train.average import WeightAverage
from minicnn.train.datasets import ImageSet, load_dataset
from minicnn.train.on_features import OnFeatures, ends_in
from minicnn.train.optimizers import make_optimizer
from minicnn.train.pretrained import as_pretrained, pretrained_network, rates
from minicnn.train.schedules import Length, make_schedule
from minicnn.train.trainer import Trainer
from minicnn.transfer.features import extract
from minicnn.transfer.head import head_path

if TYPE_CHECKING:
    from minicnn.train.recipe import Recipe

EVALUATION_BATCH = 128  # images at a time where nothing is learned


@dataclass(frozen=True)
class Parts:
    """All that a run needs.

    Attributes:
        images: the dataset.
        model_kwargs: what the network was made with.
        trainer: holds the network, its optimiser and its schedule.
        train, validation, test: the images in batches; `validation` is None if no images are set aside for it.
    """

    images: ImageSet
    model_kwargs: dict[str, Any]
    trainer: Trainer
    train: Loader
    validation: Loader | None
    test: Loader

    @property
    def model(self) -> Module:
        """The network."""
        trained = self.trainer.model
        return trained.network if isinstance(trained, OnFeatures) else trained


def build(recipe: Recipe, report: Report | None = None) -> Parts:
    """See `Recipe.build`; the recipe is resolved."""
    images = as_pretrained(load_dataset(recipe.dataset, recipe.data_dir, report, recipe.image_size), asdict(recipe))
    if recipe.images_per_class:
        images = replace(images, train=of_each_class(images.train, recipe.images_per_class, recipe.seed))
    manual_seed(recipe.seed)
    kwargs = {"num_classes": len(images.classes), "in_channels": images.shape[0], **recipe.model_options}
    if kwargs["num_classes"] != len(images.classes):
        raise ArgumentError(
            f"{recipe.dataset} has {len(images.classes)} classes, and the network would have {kwargs['num_classes']!r}: leave num_classes out of the model_options"
        )
    model = models.create(recipe.model, **kwargs) if recipe.weights is None else pretrained_network(recipe, kwargs, images.shape)
    train, validation, test = loaders(recipe, images)
    run = Length(recipe.epochs, -(-len(train) // recipe.accumulate))
    assert recipe.lr is not None
    optimizer = make_optimizer(recipe.optimizer, model, recipe.lr, recipe.optimizer_options, recipe.decay, rates(recipe, model, images.shape))
    trainer = Trainer(
        model,
        optimizer,
        make_schedule(recipe.schedule, optimizer, run, recipe.schedule_options),
        precision=recipe.precision,
        loss=partial(auxiliary_cross_entropy, label_smoothing=recipe.label_smoothing),
        accumulate=recipe.accumulate,
        clip_norm=recipe.clip_norm or None,
        average=WeightAverage(model, recipe.average) if recipe.average else None,
        mixup=recipe.mixup,
    )
    trainer.random = generator().bit_generator.state  # what is drawn before `fit`, for another recipe perhaps, changes nothing
    parts = Parts(images, kwargs, trainer, train, validation, test)
    return on_features(recipe, parts) if _can_use_features(recipe, parts) else parts


def _can_use_features(recipe: Recipe, parts: Parts) -> bool:
    """Only the head learns, and what goes into it is the same in every epoch."""
    if recipe.strategy != "linear" or recipe.mixup or recipe.average or recipe.precision != "fp32" or AUGMENTATIONS[recipe.augment](parts.images) is not None:
        return False
    first = next(iter(DataLoader(parts.images.test, 1, transform=parts.images.prepare)))[0]
    return ends_in(parts.model, head_path(parts.model, parts.images.shape), first)


def on_features(recipe: Recipe, parts: Parts) -> Parts:
    """The same run on what goes into the head, which is computed here, once. The batches are the same."""
    model, prepare = parts.model, parts.images.prepare

    def computed(loader: Loader, batch_size: int, shuffle: bool) -> DataLoader:
        unchanged = DataLoader(loader.dataset, EVALUATION_BATCH, num_workers=recipe.workers, transform=prepare)
        return DataLoader(ArrayDataset(*extract(model, unchanged)), batch_size, shuffle=shuffle, seed=recipe.seed)

    trainer = parts.trainer
    trainer.model = OnFeatures(model, head_path(model, parts.images.shape))
    return replace(
        parts,
        train=computed(parts.train, recipe.batch_size, True),
        validation=None if parts.validation is None else computed(parts.validation, EVALUATION_BATCH, False),
        test=computed(parts.test, EVALUATION_BATCH, False),
    )


def loaders(recipe: Recipe, images: ImageSet) -> tuple[DataLoader, DataLoader | None, DataLoader]:
    """The images in batches: to train on, to decide by, and held out."""
    augment = AUGMENTATIONS[recipe.augment](images)
    train: Any = images.train
    validation = None
    if recipe.validation:
        train, chosen_by = random_split(images.train, [1 - recipe.validation, recipe.validation], seed=recipe.seed)
        if not len(chosen_by) or not len(train):
            raise ArgumentError(f"validation={recipe.validation} of {len(images.train)} training images leaves none on one side: choose another part")
        validation = DataLoader(chosen_by, EVALUATION_BATCH, transform=images.prepare)
    return (
        DataLoader(
            train, recipe.batch_size, shuffle=True, seed=recipe.seed, num_workers=recipe.workers, transform=in_a_row(augment, images.prepare)
        ),
        validation,
        DataLoader(images.test, EVALUATION_BATCH, transform=images.prepare),
    )


def in_a_row(*transforms: Transform | None) -> Transform | None:
    """The transforms that there are, one after the other."""
    given = [transform for transform in transforms if transform is not None]
    return Compose(*given) if len(given) > 1 else given[0] if given else None
