"""What is measured: a network, a batch of images, and training or inference."""

from dataclasses import dataclass, replace

import numpy as np

from minicnn import checks, models
from minicnn.autograd import Tensor
from minicnn.backend import META, use_backend
from minicnn.errors import ArgumentError
from minicnn.models.registry import model_name
from minicnn.nn import Module
from minicnn.nn.fuse import fuse
from minicnn.nn.trace import image_shape, trace

MODES = ("train", "inference")
BATCH_SIZE = 16  # of a network that has no row below


@dataclass(frozen=True)
class Workload:
    """One row of a benchmark. `Workload.of` makes one from what a user says.

    Attributes:
        model: name of a network, as `minicnn.models.list_models()` has it.
        input: (C, H, W) of one image.
        batch_size: images per step.
        mode: "train": zero_grad, forward, cross-entropy, backward, and SGD with momentum 0.9. "inference": the forward pass
            in evaluation mode under `no_grad`, with every batch norm that can be folded into a convolution (`nn.fuse`).

    Example:
        >>> Workload.of("lenet5", "train")
        Workload(model='LeNet5', input=(1, 32, 32), batch_size=64, mode='train')
    """

    model: str
    input: tuple[int, ...]
    batch_size: int
    mode: str

    @classmethod
    def of(cls, model: str, mode: str, *, input_shape: tuple[int, ...] | None = None, batch_size: int | None = None) -> "Workload":
        """A row for a network by name.

        Args:
            model: name of a network; upper and lower case do not matter.
            mode: "train" or "inference".
            input_shape: (C, H, W); by default the network's own.
            batch_size: by default that of the standard row, or else 16.

        Raises:
            ArgumentError: an unknown network or mode, or a batch size below 1.
            ShapeError: the shape is not (C, H, W), or the network cannot take such an image.
        """
        name = model_name(model)
        checks.choice(mode, "bench: mode", MODES)
        standard = next((row.batch_size for row in STANDARD if (row.model, row.mode) == (name, mode)), BATCH_SIZE)
        batch = standard if batch_size is None else checks.integer(batch_size, "bench: batch_size")
        with use_backend(META):  # weights without memory
            network = models.create(name)
            shape = image_shape(network, input_shape, f"bench: {name}")
            trace(network, shape)
        return cls(name, shape, batch, mode)

    @property
    def label(self) -> str:
        """The row in one word for messages: "ResNet18 16x3x224x224 train"."""
        return f"{self.model} {'x'.join(map(str, (self.batch_size, *self.input)))} {self.mode}"


STANDARD = (
    Workload("ResNet18", (3, 224, 224), 16, "train"),
    Workload("ResNet18", (3, 224, 224), 16, "inference"),
    Workload("ResNet20", (3, 32, 32), 128, "train"),
    Workload("VGG16", (3, 224, 224), 4, "inference"),
    Workload("MobileNetV2", (3, 224, 224), 16, "train"),
    Workload("MobileNetV2", (3, 224, 224), 16, "inference"),
    Workload("LeNet5", (1, 32, 32), 64, "train"),
)


def smaller(workload: Workload) -> Workload:
    """The same with an eighth of the batch, for a first look; but two images, so that batch norm has something to normalise.

    >>> smaller(STANDARD[0]).batch_size
    2
    """
    return replace(workload, batch_size=min(workload.batch_size, max(2, workload.batch_size // 8)))


@dataclass(frozen=True)
class Problem:
    """What every contender gets: one network with its weights, one batch, and its labels.

    Attributes:
        workload: the row.
        model: freshly initialised; for inference fused already, and in evaluation mode. Who trains it takes a copy.
        images: (N, C, H, W), float32, of mean 0 and deviation 1.
        labels: (N,), int64.
    """

    workload: Workload
    model: Module
    images: np.ndarray
    labels: np.ndarray


def pose(workload: Workload) -> Problem:
    """Build the network and draw the batch; images and labels are the same in every process.

    Raises:
        ShapeError: the network cannot take such images.
    """
    model = models.create(workload.model)
    classes = _classes(model, workload)
    model = fuse(model, workload.input) if workload.mode == "inference" else model.train()
    rng = np.random.default_rng(0)
    images = rng.standard_normal((workload.batch_size, *workload.input), dtype=np.float32)
    return Problem(workload, model, images, rng.integers(classes, size=workload.batch_size))


def _classes(model: Module, workload: Workload) -> int:
    """How many classes it tells apart: labels must not be larger."""
    scores: Tensor = trace(model, workload.input)[1]
    if scores.ndim != 2:
        raise ArgumentError(f"bench: {workload.model} returns scores of shape {scores.shape}, where (N, classes) is needed")
    return scores.shape[1]
