"""What goes on inside a network while it computes: the values at any layer, and which layers run in which order."""

import difflib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from minicnn.autograd import Tensor, no_grad
from minicnn.errors import ArgumentError
from minicnn.nn.mode import evaluating
from minicnn.nn.module import Module
from minicnn.nn.trace import trace

INPUT_OF = "input of "  # before a path: what goes into the layer


class _Enough(Exception):
    """All that was wanted is there: the rest of the network need not be computed."""


class Run(NamedTuple):
    """A module that has run on one image: its path, itself, and the shape of what it put out."""

    path: str
    module: Module
    shape: tuple[int, ...]


def layer_at(model: Module, path: str) -> Module:
    """The module at a dotted path, such as "features.3".

    Raises:
        ArgumentError: there is none; names the nearest paths.

    Example:
        >>> from minicnn import nn
        >>> layer_at(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), "1")
        ReLU()
    """
    try:
        return model.get_submodule(path)
    except ArgumentError:
        known = [name for name, _ in model.named_modules() if name]
        near = difflib.get_close_matches(path, known, n=3, cutoff=0.4) or known[:3]
        in_order = ", ".join(sorted(near, key=known.index)) or "none"
        raise ArgumentError(f"{type(model).__name__} has no layer {path!r}; the nearest are {in_order}; `named_modules()` has all") from None


def values_at(model: Module, x: Tensor, paths: Sequence[str]) -> dict[str, Tensor]:
    """What layers put out in evaluation mode, or what goes into them. The computation ends when all of it is there.

    The layers are watched by hooks. So a batch norm that would be joined with the ReLU behind it (`nn.norm_relu`) is computed on its own, and
    shows what it puts out before the ReLU. In a network that `nn.fuse` has made, an `nn.Identity` is what it is: the layer whose place it takes has
    gone into the convolution, and its output is the convolution's.

    Args:
        model: any network. Its modes are as before afterwards; nothing is recorded for a backward pass.
        x: the network's input.
        paths: of layers; "" is the network itself, and "input of PATH" what goes into a layer (its first input). Of a layer that runs several times,
            the first time counts.

    Raises:
        ArgumentError: there is no such layer; or it does not run in evaluation mode; or what it puts out is not one tensor.
    """
    layers = {path: layer_at(model, path.removeprefix(INPUT_OF)) for path in paths}
    found: dict[str, Any] = {}

    def note(path: str, value: Any) -> None:
        found.setdefault(path, value)
        if len(found) == len(layers):
            raise _Enough

    removers = [_watch(layer, path, note) for path, layer in layers.items()]
    try:
        with evaluating(model), no_grad():
            model(x)
    except _Enough:
        pass
    finally:
        for remove in removers:
            remove()
    for path in layers:
        if not isinstance(found.get(path), Tensor):
            why = f"gives a {type(found[path]).__name__}, not one tensor" if path in found else "does not run in evaluation mode"
            raise ArgumentError(f"the layer {path!r} of {type(model).__name__} {why}")
    return {path: found[path] for path in layers}


def _watch(layer: Module, path: str, note: Callable[[str, Any], None]) -> Callable[[], None]:
    """Note each run of a layer; returns a function that ends it."""
    if path.startswith(INPUT_OF):
        return layer.register_forward_pre_hook(lambda _layer, given: note(path, given[0] if given else None))
    return layer.register_forward_hook(lambda _layer, _given, y: note(path, y))


def runs(model: Module, image: Sequence[int]) -> list[Run]:
    """All modules that run on one image (C, H, W) in evaluation mode, in the order in which they end. Only shapes are computed.

    Example:
        >>> from minicnn import nn
        >>> [(run.path, run.shape) for run in runs(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), (3, 5, 5))]
        [('0', (1, 8, 3, 3)), ('1', (1, 8, 3, 3)), ('', (1, 8, 3, 3))]
    """
    found: list[Run] = []

    def watch(path: str, module: Module) -> Callable[[], None]:
        def hook(_module: Module, _inputs: tuple[Any, ...], y: Any) -> None:
            found.append(Run(path, module, y.shape if isinstance(y, Tensor) else ()))

        return module.register_forward_hook(hook)

    removers = [watch(path, module) for path, module in model.named_modules()]
    try:
        trace(model, image)
    finally:
        for remove in removers:
            remove()
    return found
