"""A run that several workers do together."""

from __future__ import annotations

import dataclasses
import json

from minicnn.distributed.batch_norm import synchronise
from minicnn.distributed.communicator import Communicator
from minicnn.distributed.workers import Workers
from minicnn.errors import ArgumentError
from minicnn.train.parts import Parts
from minicnn.train.recipe import Recipe


def share_work(recipe: Recipe, parts: Parts, communicator: Communicator) -> Parts:
    """The parts of one of several workers: all do the same run, each with its shares of the batches. `run_recipe` does the rest.

    The batch size of the recipe is that of all together, so that the number of workers changes neither steps nor rates: the same recipe gives the same
    losses, to rounding, if the network has neither dropout nor batch norms, or `sync_batch_norm` is set.

    Args:
        recipe: what all of them do.
        parts: of this process alone, freshly made, or restored from a checkpoint; every worker has made its own.
        communicator: joins the workers.

    Raises:
        ArgumentError: another worker has another recipe, or a batch has fewer images than there are workers.
    """
    settings = json.dumps(dataclasses.asdict(recipe), sort_keys=True)
    workers = Workers(communicator, seed=recipe.seed)
    if workers.total(float(settings != workers.agree(settings)))[0]:
        raise ArgumentError("the workers were started with different settings: all must have the same command line, and the same files at the same place")
    if recipe.batch_size < workers.size:
        raise ArgumentError(f"a batch of {recipe.batch_size} images cannot be shared out among {workers.size} workers: it is that of all together; give --batch-size {workers.size} or more")
    trainer = parts.trainer
    if recipe.sync_batch_norm:
        synchronise(trainer.model, workers)
    trainer.workers = workers
    workers.start_alike((*trainer.model.parameters(), *trainer.model.buffers()))
    return dataclasses.replace(
        parts,
        train=workers.share(parts.train),
        validation=None if parts.validation is None else workers.share(parts.validation),
        test=workers.share(parts.test),
    )
