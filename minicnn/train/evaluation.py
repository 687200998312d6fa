"""How good a network is on images that it was not trained on."""

from __future__ import annotations

from collections.abc import Callable

from minicnn.autograd import no_grad
from minicnn.distributed.sharing import weight_of
from minicnn.distributed.workers import Workers
from minicnn.errors import ArgumentError
from minicnn.kernels.types import Array
from minicnn.nn import Module
from minicnn.nn.mode import evaluating
from minicnn.ops import cross_entropy
from minicnn.ops.autocast import autocast
from minicnn.train.batches import Batches
from minicnn.train.metrics import Metrics


def evaluate(
    model: Module,
    batches: Batches,
    on_batch: Callable[[Array, Array], None] | None = None,
    *,
    precision: str = "fp32",
    workers: Workers | None = None,
) -> Metrics:
    """Loss and accuracy of a network in evaluation mode; nothing is learned, and every module's mode is as before afterwards.

    Args:
        on_batch: called with the scores (N, K) and the labels (N,) of each batch.
        precision: "fp32", or what `minicnn.autocast` takes.
        workers: those that share the work; then `batches` are this one's shares (`Workers.share`), and all learn of all images.

    Raises:
        ArgumentError: there are no images, or unknown precision.

    Example:
        >>> from minicnn.train import Recipe
        >>> parts = Recipe().build()
        >>> evaluate(parts.trainer.model, parts.test).images
        360
    """
    metrics, workers = Metrics(), Workers() if workers is None else workers
    with evaluating(model), no_grad(), autocast(precision):
        for batch in batches:
            (images, labels), workers.weight = batch, weight_of(batch)
            part = model(images)
            loss = workers.mean(cross_entropy(part, labels).item(), len(labels))
            scores, truth = workers.gather(part.numpy()), workers.gather(labels.numpy())
            metrics.add(loss, scores, truth)
            if on_batch is not None:
                on_batch(scores, truth)
    if metrics.images == 0:
        raise ArgumentError("evaluate: there are no images to evaluate on")
    return metrics
