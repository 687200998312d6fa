"""Features: what a layer inside a trained network says about an image."""

from collections.abc import Sequence
from typing import overload

import numpy as np

from minicnn.autograd import Tensor
from minicnn.autograd.tensor import as_tensor
from minicnn.backend import to_numpy
from minicnn.data import DataLoader
from minicnn.errors import ArgumentError
from minicnn.kernels.types import Array
from minicnn.nn import Conv2d, Linear, Module
from minicnn.nn.watch import INPUT_OF, runs, values_at


@overload
def features(model: Module, x: Tensor | Array, path: str | None = None) -> Tensor: ...
@overload
def features(model: Module, x: Tensor | Array, path: list[str] | tuple[str, ...]) -> dict[str, Tensor]: ...
def features(model: Module, x: Tensor | Array, path: str | list[str] | tuple[str, ...] | None = None) -> Tensor | dict[str, Tensor]:
    """What a layer puts out, in evaluation mode. What comes after it is not computed.

    Args:
        model: any network. Its modes are as before afterwards; nothing is recorded for a backward pass.
        x: images (N, C, H, W), prepared as the network needs them.
        path: of the layer, such as "features.3", or "input of fc" for what goes into it; or several paths. None: what goes into the last layer with weights,
            which in most networks are the numbers of the last hidden layer.

    Returns:
        The layer's output; or a dict of outputs, by path.

    Raises:
        ArgumentError: there is no such layer (names the nearest), or it does not run in evaluation mode.

    Example:
        >>> import minicnn
        >>> from minicnn.models import LeNet5
        >>> net, x = LeNet5(), minicnn.zeros(2, 1, 32, 32)
        >>> features(net, x, "c3").shape, features(net, x).shape
        ((2, 16, 10, 10), (2, 84))
        >>> sorted(features(net, x, ["s2", "s4"]))
        ['s2', 's4']
    """
    x = as_tensor(x)
    if path is None:
        path = INPUT_OF + last_layer(model, x.shape[1:])
    if isinstance(path, str):
        return values_at(model, x, [path])[path]
    return values_at(model, x, path)


def last_layer(model: Module, image: Sequence[int]) -> str:
    """The path of the convolution or linear layer that runs last on an image (C, H, W): as a rule, the one that gives the scores.

    Raises:
        ArgumentError: the network has none.

    Example:
        >>> from minicnn.models import ResNet18
        >>> last_layer(ResNet18(width=4), (3, 64, 64))
        'fc'
    """
    found = [run.path for run in runs(model, image) if isinstance(run.module, (Conv2d, Linear))]
    if not found:
        raise ArgumentError(f"features: {type(model).__name__} has no convolution and no linear layer: name the layer by its path")
    return found[-1]


@overload
def extract(model: Module, loader: DataLoader, path: str | None = None, *, pool: bool = True) -> tuple[Array, Array]: ...
@overload
def extract(model: Module, loader: DataLoader, path: list[str] | tuple[str, ...], *, pool: bool = True) -> tuple[dict[str, Array], Array]: ...
def extract(
    model: Module, loader: DataLoader, path: str | list[str] | tuple[str, ...] | None = None, *, pool: bool = True
) -> tuple[Array | dict[str, Array], Array]:
    """The features of a whole dataset, and its labels.

    Args:
        model: any network; see `features`.
        loader: of batches (images, labels), N samples in all. Shuffled batches stay in their order: features and labels belong together.
        path: of the layer, or several paths: they take one pass over the dataset. By default what goes into the last layer with weights.
        pool: features (N, C, H, W) are averaged over H and W.

    Returns:
        Features, (N, C) or (N, C, H, W), or a dict of them by path, and labels (N,): arrays in main memory.

    Raises:
        ArgumentError: as `features`; or a batch is not (images, labels).

    Example:
        >>> from minicnn.data import DataLoader, Digits
        >>> from minicnn.models import LeNet5
        >>> found, labels = extract(LeNet5(), DataLoader(Digits(train=False), batch_size=180), "c3")
        >>> found.shape, labels.shape
        ((360, 16), (360,))
    """
    found: list[dict[str, Array]] = []
    all_labels = []
    for batch in loader:
        if not isinstance(batch, tuple) or len(batch) != 2:
            raise ArgumentError("extract: a batch must be (images, labels): does the dataset give something else?")
        images, labels = batch
        paths = path if isinstance(path, (list, tuple)) else [INPUT_OF + last_layer(model, images.shape[1:]) if path is None else path]
        values = {name: y.numpy() for name, y in features(model, images, paths).items()}
        found.append({name: pooled(y) if pool else y for name, y in values.items()})
        all_labels.append(to_numpy(labels.data) if isinstance(labels, Tensor) else np.asarray(labels))
    joined = {name: np.concatenate([values[name] for values in found]) for name in found[0]}
    return joined if isinstance(path, (list, tuple)) else next(iter(joined.values())), np.concatenate(all_labels)


def pooled(y: Array) -> Array:
    """The mean over height and width of (N, C, H, W); anything else as it is.

    >>> pooled(np.arange(8.0).reshape(1, 2, 2, 2))
    array([[1.5, 5.5]])
    """
    return y.mean(axis=(2, 3)) if y.ndim == 4 else y
