"""Recipes that start from pretrained weights: the network with a new head, its images as it knows them, and rates for old and new parts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minicnn import models
from minicnn.backend import META, use_backend
from minicnn.data.transforms import Compose, Normalize, ToFloat, Transform
from minicnn.errors import ArgumentError, CheckpointError
from minicnn.io import load_weights
from minicnn.models.pretrained import check_published, is_imagenet
from minicnn.nn import Module
from minicnn.train.datasets import ImageSet
from minicnn.transfer.head import head_path, replace_head
from minicnn.transfer.strategies import apply_strategy

if TYPE_CHECKING:
    from minicnn.train.recipe import Recipe


def pretrained_network(recipe: Recipe, kwargs: Mapping[str, Any], image: tuple[int, int, int]) -> Module:
    """The recipe's network with its weights, a new head for the classes at hand, and frozen as its strategy says.

    Args:
        kwargs: what the network is made with for this dataset.
        image: (C, H, W).

    Raises:
        ArgumentError: the weights are for colour images, and these are grey; or as `models.create`.
        CheckpointError: the weights are not here, cannot be read, or do not fit.
    """
    assert recipe.weights is not None
    if is_imagenet(recipe.weights) and image[0] != 3:
        raise ArgumentError(f"the weights for ImageNet are for colour images, and those of {recipe.dataset} have {image[0]} channel(s): bring them as a folder of pictures")
    made_for = 1000 if is_imagenet(recipe.weights) else _classes_of(recipe, kwargs)
    model = models.create(recipe.model, **{**kwargs, "num_classes": made_for, "weights": recipe.weights})
    replace_head(model, kwargs["num_classes"], image)
    apply_strategy(model, recipe.strategy, image)
    return model


def rates(recipe: Recipe, model: Module, image: tuple[int, int, int]) -> dict[str, float] | None:
    """The learning rates of the new head and of all that was there, by path; None if there is one for all."""
    if recipe.weights is None:
        return None
    assert recipe.lr is not None
    return {head_path(model, image): recipe.lr, "*": recipe.lr * recipe.body_lr}


def as_pretrained(images: ImageSet, settings: Mapping[str, Any]) -> ImageSet:
    """The images with mean and deviation as they were when the weights for ImageNet were made; for other weights, as the dataset has them.

    Args:
        settings: of a recipe, by name.

    Raises:
        ArgumentError: no weights for ImageNet are published for its network.
    """
    if settings.get("weights") is None or not is_imagenet(settings["weights"]) or images.shape[0] != 3:
        return images
    check_published(settings["model"], **{**settings["model_options"], "num_classes": 1000})
    with use_backend(META):
        steps = models.preprocessing_for(models.create(settings["model"], **settings["model_options"])).transforms
    normalize = steps[-1]
    assert isinstance(normalize, Normalize)
    scale = 1 if any(isinstance(step, ToFloat) for step in steps) else 255  # EfficientNet-Lite's mean and deviation are in bytes
    return dataclasses.replace(images, prepare=_normalised_anew(images.prepare, Normalize(*((value.ravel() / scale).tolist() for value in (normalize.mean, normalize.std)))))


def _normalised_anew(prepare: Transform | None, normalize: Normalize) -> Transform:
    """The transform with another `Normalize` at its end."""
    steps = prepare.transforms if isinstance(prepare, Compose) else (prepare,)
    assert isinstance(steps[-1], Normalize)
    return Compose(*steps[:-1], normalize)


def _classes_of(recipe: Recipe, kwargs: Mapping[str, Any]) -> int:
    """For how many classes a file of weights is: as many as its head has rows."""
    assert recipe.weights is not None
    path = Path(recipe.weights)
    with use_backend(META):
        name = head_path(models.create(recipe.model, **kwargs)) + ".weight"
    weights = load_weights(path)
    if name not in weights:
        raise CheckpointError(f"{path} does not fit {recipe.model}: it has no {name}, the layer that gives the scores")
    return len(weights[name])
