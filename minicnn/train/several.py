"""A run that several workers do together."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from minicnn.backend import get_backend
from minicnn.data import Dataset
from minicnn.distributed.batch_norm import synchronise
from minicnn.distributed.communicator import Communicator
from minicnn.distributed.workers import Workers
from minicnn.errors import ArgumentError
from minicnn.train.parts import Parts
from minicnn.train.recipe import Recipe


def share_work(recipe: Recipe, parts: Parts, communicator: Communicator) -> Parts:
    """The parts of one of several workers: all do the same run, each with its shares of the batches. `run_recipe` does the rest.

    The batch size of the recipe is that of all together, so that the number of workers changes neither steps nor rates: the same recipe gives the same
    losses, to rounding, where nothing is drawn in a step (dropout, mixup) and there are no batch norms, or `sync_batch_norm` is set.

    Args:
        recipe: what all of them do.
        parts: of this process alone, freshly made, or restored from a checkpoint; every worker has made its own.
        communicator: joins the workers.

    Raises:
        ArgumentError: another worker has another recipe, other weights, another state or other images, or a batch has fewer images than there are workers.
    """
    workers = Workers(communicator, seed=recipe.seed)
    for what, value in _beginning(recipe, parts):
        (differ,) = workers.total(float(workers.agree(value) != value))
        if differ:
            raise ArgumentError(f"the workers do not begin alike: {what} of one differ from those of the first: all need the same command line, and the same files at the same places")
    if recipe.batch_size < workers.size:
        raise ArgumentError(f"a batch of {recipe.batch_size} images cannot be shared out among {workers.size} workers: it is that of all together; give --batch-size {workers.size} or more")
    trainer = parts.trainer
    if recipe.sync_batch_norm:
        synchronise(trainer.model, workers)
    trainer.workers = workers
    return dataclasses.replace(
        parts,
        train=workers.share(parts.train),
        validation=None if parts.validation is None else workers.share(parts.validation),
        test=workers.share(parts.test),
    )


def _beginning(recipe: Recipe, parts: Parts) -> Iterator[tuple[str, str]]:
    """All that must be the same for all workers, each with a text that stands for it."""
    state = parts.trainer.state_dict()
    loaders = [loader for loader in (parts.train, parts.validation, parts.test) if loader is not None]
    yield "the settings", json.dumps(dataclasses.asdict(recipe), sort_keys=True)
    yield "the backends", get_backend().name
    yield "the numbers of images", str([(len(loader), len(loader.dataset)) for loader in loaders])
    yield "the images", _digest([parts.images.classes, *_a_few(parts.images.train), *_a_few(parts.images.test)])
    yield "the weights", _digest(state.pop("model"))
    yield "steps and rates, or the place in the images,", _digest([state, parts.train.state_dict()])


def _a_few(images: Dataset) -> list[Any]:
    """The first, the middle and the last, with their labels: enough to notice another folder."""
    return [images[i] for i in sorted({0, len(images) // 2, len(images) - 1})]


def _digest(value: Any) -> str:
    """Of plain values and arrays, in tables and lists: other values, another text."""
    if isinstance(value, Mapping):
        return _digest([[name, item] for name, item in value.items()])
    if isinstance(value, (list, tuple)):
        return hashlib.sha256(" ".join(map(_digest, value)).encode()).hexdigest()
    if isinstance(value, np.ndarray):
        return hashlib.sha256(value.tobytes()).hexdigest()
    return repr(value)
