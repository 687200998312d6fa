"""Linear classifiers on a network's features: softmax regression, at the last layer or at any stage."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn import checks
from minicnn.analysis.stages import stages
from minicnn.autograd import Tensor
from minicnn.backend import META, get_backend, use_backend
from minicnn.data import DataLoader
from minicnn.errors import ArgumentError, ShapeError
from minicnn.kernels.types import Array
from minicnn.nn import Linear, Module, Parameter
from minicnn.nn.init import zeros
from minicnn.nn.watch import INPUT_OF
from minicnn.ops import cross_entropy
from minicnn.optim import Adam, CosineAnnealingLR
from minicnn.transfer.features import extract, last_layer


class LinearProbe:
    """Softmax regression on features, with weight decay: what a single linear layer can make of them.

        minimise  -1/N Σᵢ log softmax(W z(xᵢ) + b)[yᵢ] + l2/2 |W|²,   z(x) = (x - mean) / std

    with mean and standard deviation of each feature over the N training samples. The problem is convex and training starts from zeros, with all samples
    in every step: the same features give the same classifier, with no seed.

    Args:
        l2: the weight of the penalty.
        steps: updates, by Adam with a cosine schedule.
        lr: its highest learning rate.

    Attributes:
        layer: the linear layer, for features that are standardised, once `fit` has made it.

    Raises:
        ArgumentError: a number is out of range.

    Source:
        Alain & Bengio 2016, "Understanding intermediate layers using linear classifier probes" (arXiv:1610.01644).

    Example:
        >>> x = np.array([[0.0, 5.0], [1.0, 4.0], [0.0, -5.0], [1.0, -4.0]], np.float32)
        >>> LinearProbe().fit(x, np.array([0, 0, 1, 1])).predict(np.array([[3.0, 1.0], [3.0, -1.0]], np.float32)).tolist()
        [0, 1]
    """

    def __init__(self, l2: float = 1e-2, steps: int = 200, lr: float = 0.02) -> None:
        self.l2 = checks.number(l2, "LinearProbe: l2", 0)
        self.steps = checks.integer(steps, "LinearProbe: steps")
        self.lr = checks.positive(lr, "LinearProbe: lr")
        self.layer: Linear | None = None

    def fit(self, features: Array, labels: Array) -> "LinearProbe":
        """Train.

        Args:
            features: (N, F), of any dtype; what is computed is float32.
            labels: (N,) integers from 0.

        Raises:
            ShapeError: these are no features with their labels.
            ArgumentError: all labels are the same.
        """
        if features.ndim != 2 or labels.shape != features.shape[:1]:
            raise ShapeError(f"LinearProbe: needs features (N, F) and labels (N,), not {features.shape} and {labels.shape}")
        if len(np.unique(labels)) < 2:
            raise ArgumentError("LinearProbe: needs samples of two classes at least: are the samples in the order of their classes, and cut off?")
        self._mean, self._std = features.mean(axis=0), features.std(axis=0)
        self._std = np.where(self._std > 0, self._std, 1)
        x, y = self._standardised(features), _tensor(labels.astype(np.int64))
        shape = int(labels.max()) + 1, features.shape[1]
        with use_backend(META):  # which draws no weights, so that the generator stays where it is
            layer = self.layer = Linear(shape[1], shape[0])
        layer.weight, layer.bias = Parameter(zeros(shape)), Parameter(zeros(shape[:1]))
        groups: list[dict[str, Any]] = [{"params": layer.weight, "weight_decay": self.l2}, {"params": layer.bias}]
        optimizer = Adam(groups, lr=self.lr)
        schedule = CosineAnnealingLR(optimizer, T_max=self.steps)
        for _ in range(self.steps):
            optimizer.zero_grad()
            cross_entropy(layer(x), y).backward()
            optimizer.step()
            schedule.step()
        return self

    def predict(self, features: Array) -> Array:
        """The class of each sample: (N, F) to (N,).

        Raises:
            ArgumentError: `fit` has not been called.
        """
        if self.layer is None:
            raise ArgumentError("LinearProbe: call fit(features, labels) before predict")
        found: Array = self.layer(self._standardised(features)).numpy().argmax(axis=1)
        return found

    def accuracy(self, features: Array, labels: Array) -> float:
        """The part of the samples whose class is found."""
        return float((self.predict(features) == labels).mean())

    def _standardised(self, features: Array) -> Tensor:
        return _tensor(((features - self._mean) / self._std).astype(np.float32))


def probe_stages(model: Module, train: DataLoader, test: DataLoader, paths: Sequence[str] | None = None, *, l2: float = 1e-2) -> dict[str, float]:
    """How far a linear classifier gets on what each stage of a network puts out, averaged over height and width.

    Args:
        model: any network; it is not changed.
        train: batches (images, labels) to fit the classifiers to.
        test: batches to count on.
        paths: of layers, or "input of fc" for what goes into one; by default those of `stage_paths`, and at the end what goes into the last layer.
        l2: see `LinearProbe`.

    Returns:
        Accuracies by path, in the order of the paths.

    Raises:
        ArgumentError: there is no such layer, or a batch is not (images, labels).

    Example:
        >>> from minicnn.data import DataLoader, Digits
        >>> from minicnn.models import LeNet5
        >>> train, test = (DataLoader(Digits(train=part), batch_size=256) for part in (True, False))
        >>> list(probe_stages(LeNet5(), train, test, ["s2", "s4"]))
        ['s2', 's4']
    """
    image = next(iter(train))[0].shape[1:]
    wanted = [*stage_paths(model, image), INPUT_OF + last_layer(model, image)] if paths is None else list(paths)
    (x, y), (x_test, y_test) = extract(model, train, wanted), extract(model, test, wanted)
    return {path: LinearProbe(l2).fit(x[path], y).accuracy(x_test[path], y_test) for path in wanted}


def stage_paths(model: Module, image: Sequence[int]) -> list[str]:
    """The stages of a network for an image (C, H, W): of each height and width of the maps, the last that puts them out.

    Example:
        >>> from minicnn.models import ResNet18
        >>> stage_paths(ResNet18(width=4), (3, 64, 64))
        ['conv1', 'layer1', 'layer2', 'layer3', 'layer4']
    """
    last: dict[tuple[int, ...], str] = {}
    for stage in stages(model, image):
        if len(stage.output) == 3 and stage.output[1:] != (1, 1):
            last[stage.output[1:]] = stage.path
    return list(last.values())


def _tensor(array: Array) -> Tensor:
    return Tensor.wrap(get_backend().asarray(array))
