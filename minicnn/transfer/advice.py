"""What to do with a pretrained network: by how much data there is, and how similar it is to what the network was trained on."""

from collections.abc import Mapping
from dataclasses import dataclass

from minicnn import checks
from minicnn.data import DataLoader
from minicnn.errors import ArgumentError
from minicnn.nn import Module
from minicnn.transfer.linear import probe_stages, stage_paths

LITTLE = 100  # images of each class; with fewer, there is very little data


@dataclass(frozen=True)
class Advice:
    """What to do.

    Attributes:
        strategy: "linear", "few", "stages" or "all".
        sentence: the advice in words, with its reasons.
    """

    strategy: str
    sentence: str


TABLE = {  # (very little data, a very similar dataset): what to do
    (True, True): ("linear", "train a linear classifier on the top layer"),
    (False, True): ("few", "fine-tune a few layers"),
    (True, False): ("stages", "you are in trouble: try a linear classifier on different stages"),
    (False, False): ("all", "fine-tune a larger number of layers"),
}


def advise(images_per_class: float, similarity: float) -> Advice:
    """The table of transfer learning:

                                very similar dataset               very different dataset
        very little data        linear classifier on top layer     in trouble: linear classifier from different stages
        quite a lot of data     fine-tune a few layers             fine-tune a larger number of layers

    The table names no numbers. Here "very little" is below 100 images of each class, a rule of thumb, and "similar" is a similarity of 0 or above.

    Args:
        images_per_class: training images, on average over the classes.
        similarity: see `measured_similarity`.

    Raises:
        ArgumentError: a number is out of range.

    Example:
        >>> advise(20, 0.1).strategy, advise(500, 0.1).strategy, advise(20, -0.1).strategy, advise(500, -0.1).strategy
        ('linear', 'few', 'stages', 'all')
        >>> advise(500, -0.1).sentence
        'quite a lot of data (500 images of each class), very different (similarity -0.10): fine-tune a larger number of layers'
    """
    count, similarity = checks.positive(images_per_class, "advise: images_per_class"), checks.real(similarity, "advise: similarity")
    little, similar = count < LITTLE, similarity >= 0
    strategy, what = TABLE[little, similar]
    data = "very little data" if little else "quite a lot of data"
    near = "very similar" if similar else "very different"
    return Advice(strategy, f"{data} ({count:.0f} images of each class), {near} (similarity {similarity:+.2f}): {what}")


def similarity_of(accuracies: Mapping[str, float], lower: int) -> float:
    """The accuracy at the last of some stages, less the best of the first `lower`.

    >>> similarity_of({"layer1": 0.5, "layer2": 0.75, "input of fc": 0.625}, 2)
    -0.125
    """
    values = list(accuracies.values())
    return values[-1] - max(values[:lower])


def measured_similarity(model: Module, train: DataLoader, test: DataLoader) -> tuple[float, dict[str, float]]:
    """How much the top of a pretrained network has to say about other images than those that it was trained on.

    A linear classifier is fitted to what each stage puts out (`probe_stages`). Where the images are like those of the network, the accuracy rises up to the
    top. Where they are not, it falls off again: the top has specialised in what does not matter here, and an earlier stage is the better description. So

        similarity = accuracy at the top - best accuracy of the stages before the last

    which is above 0 for similar images, and below for different ones. With n test images it has a standard error of about 0.6 / sqrt(n).

    Args:
        model: pretrained; it is not changed.
        train: batches (images, labels), prepared as the network needs them; some 20 images of each class will do.
        test: others.

    Returns:
        The similarity, and the accuracies by stage.

    Raises:
        ArgumentError: the network has one stage only: nothing can be compared.

    Example:
        >>> from minicnn.data import DataLoader, Digits, Subset
        >>> from minicnn.models import LeNet5
        >>> train, test = (DataLoader(Subset(Digits(train=part), range(40)), batch_size=40) for part in (True, False))
        >>> similarity, accuracies = measured_similarity(LeNet5(), train, test)
        >>> list(accuracies)
        ['c1', 's2', 'c3', 's4', 'input of output']
    """
    stages = stage_paths(model, next(iter(train))[0].shape[1:])
    if len(stages) < 2:
        raise ArgumentError(f"measured_similarity: {type(model).__name__} has one stage only, so that its top cannot be compared with an earlier one")
    accuracies = probe_stages(model, train, test)
    return similarity_of(accuracies, len(stages) - 1), accuracies
