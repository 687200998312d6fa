"""Auxiliary classifiers: what a network with them returns in training, and the loss that goes with it."""

from typing import NamedTuple

from minicnn.autograd import Tensor
from minicnn.checks import number
from minicnn.ops import cross_entropy


class Outputs(NamedTuple):
    """What a network with auxiliary classifiers returns in training mode. In evaluation mode it returns the scores alone.

    An auxiliary classifier is a small network on top of a layer half-way up. It brings a gradient to the lower layers on a
    short way, and is thrown away after training.

    Attributes:
        scores: of the network itself, (N, num_classes).
        auxiliary: the scores of each auxiliary classifier, the one nearest to the image first, each (N, num_classes).
        weight: how much each auxiliary loss counts, as a factor.

    Source:
        Szegedy et al. 2014, "Going deeper with convolutions", sec. 5 (arXiv:1409.4842).
    """

    scores: Tensor
    auxiliary: tuple[Tensor, ...]
    weight: float = 0.3


def auxiliary_cross_entropy(
    outputs: Outputs | Tensor, labels: Tensor, weight: float | None = None, *, label_smoothing: float = 0.0
) -> Tensor:
    """The cross-entropy of the scores, plus `weight` times that of each auxiliary classifier.

    Scores that come alone, as from a network in evaluation mode or one without auxiliary classifiers, give the plain
    cross-entropy: one loss fits all networks and both modes.

    Args:
        outputs: what the network returned.
        labels: class numbers (N,).
        weight: of each auxiliary loss; by default what the network says, 0.3 for GoogLeNet.
        label_smoothing: see `cross_entropy`; of all the losses.

    Raises:
        ArgumentError: the weight is negative or no number.

    Source:
        Szegedy et al. 2014, "Going deeper with convolutions", sec. 5 (arXiv:1409.4842).

    Example:
        >>> even, sure, labels = Tensor([[0.0, 0.0]]), Tensor([[0.0, 100.0]]), Tensor([1])
        >>> round(auxiliary_cross_entropy(Outputs(sure, (even, even)), labels).item(), 4)      # 0 + 0.3 log 2 + 0.3 log 2
        0.4159
        >>> auxiliary_cross_entropy(sure, labels).item()
        0.0
    """
    if weight is not None:
        weight = number(weight, "auxiliary_cross_entropy: weight", least=0)
    if not isinstance(outputs, Outputs):
        return cross_entropy(outputs, labels, label_smoothing=label_smoothing)
    weight = outputs.weight if weight is None else weight
    loss = cross_entropy(outputs.scores, labels, label_smoothing=label_smoothing)
    for scores in outputs.auxiliary:
        loss = loss + weight * cross_entropy(scores, labels, label_smoothing=label_smoothing)
    return loss
