"""AlexNet on two workers, as in 2012: half of the network on each, and an exchange where the paper has one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minicnn import checks
from minicnn.autograd import Tensor
from minicnn.distributed.communicator import Communicator
from minicnn.distributed.gather import Gather, Scores
from minicnn.distributed.ring import chunks
from minicnn.distributed.traffic import Sent, Traffic
from minicnn.errors import ArgumentError, AutogradError
from minicnn.kernels.types import Array
from minicnn.models.alexnet import AlexNet, response_norm
from minicnn.models.fixed_size_net import FixedSizeNet
from minicnn.nn import Conv2d, Dropout, Linear, MaxPool2d, ReLU, Sequential

WORKERS = 2  # the towers of the paper
CHANNELS, HIDDEN, CLASSES = (96, 256, 384, 384, 256), 4096, 1000


class AlexNetTwoWorkers(FixedSizeNet):
    """`models.AlexNetGrouped(norm_groups=2)`, of which each of two workers holds and computes one half.

        worker 0   conv1 ─ conv2 ─┬─ conv3 ─ conv4 ─ conv5 ─┬─ fc6 ─┬─ fc7 ─┬─ fc8 ─┬─ loss
            maps    48      128   X   192     192     128   X 2048  X 2048  X  500  X
        worker 1   conv1 ─ conv2 ─┴─ conv3 ─ conv4 ─ conv5 ─┴─ fc6 ─┴─ fc7 ─┴─ fc8 ─┴─ loss

    A worker has the filters of its own maps, and nothing of the other's: memory and work are halved. conv2, conv4 and conv5 see its own maps
    only. Before conv3, fc6, fc7 and fc8 the workers exchange their maps (`gather_maps`), and on the way back the gradients of them; and the scores, so that both
    compute the same loss (`gather_scores`). Both are given the same images and labels, call the same things in the same order, and each has an optimiser for
    its own parameters. Then scores, loss and all gradients are those of the whole network in one process, apart from rounding. (A limit on the norm of
    all gradients would have to be the same on both.)

    The normalisation is over the maps of one worker: over all channels, as in `AlexNetGrouped` by default, it would need an exchange at each border.

    Parameters have the names of `AlexNetGrouped`'s. Each worker draws the weights of both halves and keeps its own, so that with the same seed on both
    workers the halves differ. Dropout acts on the maps that were exchanged: with the same seed both drop the same neurons, which is
    again the network in one process; with another seed on each, each worker drops a choice of its own.

    Args:
        communicator: joins two workers; or one, which is the whole network.
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        channels: of the five convolutions, of both workers together.
        hidden: outputs of fc6 and of fc7, of both workers together.

    Attributes:
        communicator: as given.
        traffic: what this worker has sent since it was made, by layer; see `Traffic`.

    Raises:
        ArgumentError: the communicator joins more than two, or `channels` and `hidden` are not even integers above 0, or there is
            not a class for each worker.
        ShapeError: in the forward pass: the input is not (N, in_channels, 227, 227).
        AutogradError: in the forward pass: a gradient for the image is asked for, of which each worker would have a part only.

    Source:
        Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep convolutional neural networks", sec. 3.2, 3.5 and fig. 2.

    Example:
        >>> from minicnn.distributed import Alone
        >>> net = AlexNetTwoWorkers(Alone(), num_classes=10, channels=(6, 16, 24, 24, 16), hidden=32)
        >>> net.get_submodule("features.conv2")
        Conv2d(6, 16, kernel_size=5, padding=2, groups=2)
    """

    size_rule = AlexNet.size_rule

    def __init__(
        self,
        communicator: Communicator,
        num_classes: int = CLASSES,
        in_channels: int = 3,
        *,
        channels: Sequence[int] = CHANNELS,
        hidden: int = HIDDEN,
    ) -> None:
        super().__init__()
        if communicator.size > WORKERS:
            raise ArgumentError(f"AlexNetTwoWorkers: the network has {WORKERS} towers, for {WORKERS} workers or for one, not for {communicator.size}")
        channels = checks.integers(channels, "AlexNetTwoWorkers: channels", 5)
        if any(width % WORKERS for width in (*channels, checks.integer(hidden, "AlexNetTwoWorkers: hidden"))):
            raise ArgumentError(f"AlexNetTwoWorkers: channels and hidden must be even, half for each worker, not {channels} and {hidden}")
        num_classes = checks.integer(num_classes, "AlexNetTwoWorkers: num_classes", communicator.size)
        self.communicator, self.traffic = communicator, Traffic()
        self.input_shape = (in_channels, 227, 227)
        for rank, classes in enumerate(chunks(num_classes, communicator.size)):  # the weights of both, so that both workers draw the same numbers
            features, classifier = self._convolutions(in_channels, channels), self._linear_layers(channels[-1], hidden, classes.stop - classes.start)
            if rank == communicator.rank:
                self.features, self.classifier = features, classifier

    def _convolutions(self, in_channels: int, channels: Sequence[int]) -> Sequential:
        """This worker's: what comes from all maps has the full number of inputs."""
        size, groups = self.communicator.size, WORKERS // self.communicator.size
        c1, c2, c3, c4, c5 = (width // size for width in channels)
        return Sequential({
            "conv1": Conv2d(in_channels, c1, 11, stride=4), "relu1": ReLU(), "norm1": response_norm(groups), "pool1": MaxPool2d(3, stride=2),
            "conv2": Conv2d(c1, c2, 5, padding=2, groups=groups), "relu2": ReLU(), "norm2": response_norm(groups), "pool2": MaxPool2d(3, stride=2),
            "to_conv3": self._gather("conv3"), "conv3": Conv2d(size * c2, c3, 3, padding=1), "relu3": ReLU(),
            "conv4": Conv2d(c3, c4, 3, padding=1, groups=groups), "relu4": ReLU(),
            "conv5": Conv2d(c4, c5, 3, padding=1, groups=groups), "relu5": ReLU(),
            "pool5": MaxPool2d(3, stride=2), "to_fc6": self._gather("fc6"),
        })  # fmt: skip

    def _linear_layers(self, maps: int, hidden: int, classes: int) -> Sequential:
        own = hidden // self.communicator.size
        return Sequential({
            "fc6": Linear(6 * 6 * maps, own), "relu6": ReLU(), "to_fc7": self._gather("fc7"), "drop6": Dropout(0.5),
            "fc7": Linear(hidden, own), "relu7": ReLU(), "to_fc8": self._gather("fc8"), "drop7": Dropout(0.5),
            "fc8": Linear(hidden, classes), "to_loss": Scores(self.communicator, self.traffic, "loss"),
        })  # fmt: skip

    def _gather(self, layer: str) -> Gather:
        return Gather(self.communicator, self.traffic, layer)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, 227, 227), the same images on both workers, to all scores (N, num_classes)."""
        if x.requires_grad and self.communicator.size > 1:
            raise AutogradError("AlexNetTwoWorkers: the gradient of an image is the sum over both workers, and each computes its own part only; take AlexNetGrouped")
        return super().forward(x)

    def load_halves(self, state: Mapping[str, Any]) -> None:
        """Take this worker's half of the weights of a whole network: of each array the first or the second half of the outputs, which are axis 0.

        Args:
            state: of `AlexNetGrouped`, by name.

        Raises:
            StateDictError: names are missing or unexpected, or a half has another shape than it should: says which.
        """
        rank, size = self.communicator.rank, self.communicator.size
        arrays = {name: np.atleast_1d(np.asarray(value)) for name, value in state.items()}
        self.load_state_dict({name: array[chunks(len(array), size)[rank]] for name, array in arrays.items()})

    def whole_state_dict(self) -> dict[str, Array]:
        """The weights of the whole network, for `AlexNetGrouped` and for files. Both workers call it, and both get them."""
        return {name: np.concatenate(self.communicator.all_gather(array)) for name, array in self.state_dict().items()}


def alexnet_traffic(
    batch: int, *, steps: int = 1, channels: Sequence[int] = CHANNELS, hidden: int = HIDDEN, num_classes: int = CLASSES, itemsize: int = 4
) -> Traffic:
    """What each worker of `AlexNetTwoWorkers` sends in training steps, computed on paper.

    For each image conv3 needs the other worker's 128 maps of 13x13, fc6 its 128 of 6x6, fc7 and fc8 its 2048 neurons; and as many gradients go back. The
    scores, half of the classes, go one way only.

    Args:
        batch: images in a step.
        steps: training steps.
        channels: of the network.
        hidden: of the network.
        num_classes: of the network; an even number.
        itemsize: bytes of a number, 4 for float32.

    Raises:
        ArgumentError: a number is no integer above 0, or not even where workers share it.

    Source:
        Krizhevsky, Sutskever & Hinton 2012, fig. 2.

    Example:
        >>> print(alexnet_traffic(batch=1).table())
        layer  direction  exchanges  numbers    bytes
        conv3  forward            1   21,632   86,528
        fc6    forward            1    4,608   18,432
        fc7    forward            1    2,048    8,192
        fc8    forward            1    2,048    8,192
        loss   forward            1      500    2,000
        fc8    backward           1    2,048    8,192
        fc7    backward           1    2,048    8,192
        fc6    backward           1    4,608   18,432
        conv3  backward           1   21,632   86,528
        total                     9   61,172  244,688
    """
    batch, steps = checks.integer(batch, "alexnet_traffic: batch"), checks.integer(steps, "alexnet_traffic: steps")
    channels = checks.integers(channels, "alexnet_traffic: channels", 5)
    widths = {"hidden": hidden, "num_classes": num_classes, "itemsize": itemsize}
    hidden, num_classes, itemsize = (checks.integer(value, f"alexnet_traffic: {name}") for name, value in widths.items())
    if any(width % WORKERS for width in (*channels, hidden, num_classes)):
        raise ArgumentError(f"alexnet_traffic: channels, hidden and num_classes must be even, not {channels}, {hidden} and {num_classes}")
    of_both = {"conv3": channels[1] * 13 * 13, "fc6": channels[4] * 6 * 6, "fc7": hidden, "fc8": hidden, "loss": num_classes}
    sent = [(layer, "forward") for layer in of_both] + [(layer, "backward") for layer in reversed(of_both) if layer != "loss"]
    traffic = Traffic()
    for layer, direction in sent:
        numbers = steps * batch * of_both[layer] // WORKERS
        traffic.add(Sent(layer, direction, steps, numbers, itemsize * numbers))
    return traffic
