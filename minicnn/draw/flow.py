"""What one image meets on its way through a network: every operation, in which module it ran, and where its inputs came from.

Nothing is guessed from attributes: the network runs, on the backend `meta`, and is watched.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from minicnn.autograd import Function, Tensor, observer
from minicnn.draw.words import Words, words_of
from minicnn.errors import ArgumentError, MinicnnError
from minicnn.kernels.types import Array
from minicnn.nn import Dropout, Module, Parameter
from minicnn.nn.dropout import DropPath
from minicnn.nn.trace import image_shape, trace


@dataclass(eq=False, repr=False)
class Operation:
    """One operation on what came from the image.

    Attributes:
        words: what it is called.
        shape: of its result, without the batch axis.
        sources: the operations whose results it read; None is the image.
        parameters: numbers that it is the first to use.
        macs: multiply-adds of a convolution or a linear layer.
        call: the run of the module in which it ran.
        weights: identities of the parameters that it uses, first or again.
    """

    words: Words
    shape: tuple[int, ...]
    sources: list[Operation | None]
    parameters: int
    macs: int
    call: Call
    weights: tuple[int, ...] = ()


@dataclass(eq=False, repr=False)
class Call:
    """A run of a module: the operations and the runs of other modules inside it, in their order."""

    path: str
    module: Module
    items: list[Operation | Call] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The module's class."""
        return type(self.module).__name__

    def operations(self) -> list[Operation]:
        """All operations in it, also in the modules inside."""
        return [one for item in self.items for one in ([item] if isinstance(item, Operation) else item.operations())]

    def calls(self) -> list[Call]:
        """All runs in it, itself first."""
        return [self, *(call for item in self.items if isinstance(item, Call) for call in item.calls())]


@dataclass(frozen=True, repr=False)
class Flow:
    """One image's way through a network.

    Attributes:
        image: its shape (C, H, W).
        root: the run of the whole network.
        last: the operation whose result is the network's.
        parameters: numbers that the network learns, also in parts that only run in training.
        unused: how many of them did not take part.
    """

    image: tuple[int, ...]
    root: Call
    last: Operation
    parameters: int
    unused: int


class _Watcher:
    """Sees each operation before it is computed, and each module while it runs. See `minicnn.autograd.observer`."""

    def __init__(self, model: Module) -> None:
        self.paths = {id(module): path for path, module in model.named_modules()}
        self.parameters = {id(parameter.data): parameter for parameter in model.parameters()}
        self.top = Call("", model)
        self.stack = [self.top]
        self.seen: list[tuple[Function, Call, list[Parameter]]] = []
        self.thread = threading.get_ident()

    def forward(self, node: Function, arrays: tuple[Array | None, ...], attributes: dict[str, Any]) -> Any:
        if threading.get_ident() == self.thread:
            self.seen.append((node, self.stack[-1], [self.parameters[id(a)] for a in arrays if id(a) in self.parameters]))
        return node.forward(*arrays, **attributes)

    def backward(self, node: Function, dy: Array) -> Any:
        return node.backward(dy)

    def step(self, optimizer: Any, work: Any) -> None:
        optimizer.update_all(work)

    def module(self, module: Module, inputs: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        if threading.get_ident() != self.thread:
            return module.forward(*inputs, **keywords)
        call = Call(self.paths.get(id(module), ""), module)
        self.stack[-1].items.append(call)
        self.stack.append(call)
        try:
            y = module.forward(*inputs, **keywords)
            return y + 0 if _is_dropout(module) else y  # in evaluation it does nothing: an operation that stands for it
        finally:
            self.stack.pop()


def flow(model: Module, input_shape: Sequence[int] | None = None) -> Flow:
    """Send one image through a network in evaluation mode, without arithmetic, and note what it meets.

    Raises:
        ArgumentError: no shape is given and the network has none of its own; its forward fails on one image; it returns something else than
            one tensor, or one that does not depend on the image.
        ShapeError: the network cannot take such an image.

    Example:
        >>> from minicnn import nn
        >>> way = flow(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), (3, 5, 5))
        >>> [(one.words.text, one.shape) for one in way.root.operations()]
        [('conv 3x3, 8 filters', (8, 3, 3)), ('ReLU', (8, 3, 3))]
    """
    image = image_shape(model, input_shape, "architecture")
    watcher, before = _Watcher(model), observer.active
    observer.active = watcher
    try:
        x, y = trace(model, image, record=True)
    except MinicnnError:
        raise
    except Exception as error:
        raise ArgumentError(f"architecture: {_failure(model, error)}; a drawing needs a network of one image") from error
    finally:
        observer.active = before
    root = watcher.top.items[0]
    assert isinstance(root, Call)
    known = _operations(watcher, x)
    last = known.get(id(y.creator))
    if last is None:
        raise ArgumentError(f"architecture: the output of {type(model).__name__} does not depend on its input: there is nothing to draw")
    _keep(root, _needed(last))
    parameters, used = sum(p.size for p in model.parameters()), sum(one.parameters for one in root.operations())
    return Flow(image, root, last, parameters, parameters - used)


def _failure(model: Module, error: Exception) -> str:
    return f"{type(model).__name__} cannot be drawn, its forward raised {type(error).__name__}: {' '.join(str(error).split()) or 'no more is said'}"


def _operations(watcher: _Watcher, x: Tensor) -> dict[int, Operation]:
    """The operations on what came from the image, by the function; each is entered in the run that it was part of."""
    known: dict[int, Operation] = {}
    waiting: dict[int, list[Parameter]] = {}  # parameters behind operations that do not see the image
    counted: set[int] = set()
    for node, call, parameters in watcher.seen:
        if "edges" not in vars(node):
            continue  # nothing was recorded: no gradient can flow from here to the image
        parameters = parameters + [p for edge in node.edges for p in waiting.get(id(edge), [])]
        sources: list[Operation | None] = []
        for edge in node.edges:
            if edge is x or id(edge) in known:
                sources.append(known.get(id(edge)))
        if not sources:
            waiting[id(node)] = parameters
            continue
        new = {id(p): p.size for p in parameters if id(p) not in counted}
        counted |= new.keys()
        words, macs = words_of(node, len(sources))
        if _is_dropout(call.module):
            words = Words("act", "dropout", f"dropout {getattr(call.module, 'p', 0):g}")
        known[id(node)] = Operation(words, tuple(node.shape[1:]), sources, sum(new.values()), macs, call, tuple(map(id, parameters)))
        call.items.append(known[id(node)])
    _sort(watcher.top, {id(one): i for i, one in enumerate(known.values())})
    return known


def _is_dropout(module: Module) -> bool:
    """It drops single elements or channels in training."""
    return isinstance(module, Dropout) and not isinstance(module, DropPath) and module.p > 0


def _sort(top: Call, order: dict[int, int]) -> None:
    """Put the items of each run in the order in which they happened: operations were entered behind all runs."""
    for call in reversed(top.calls()):
        firsts = {id(item): _first(item, order) for item in call.items}
        call.items = sorted((item for item in call.items if firsts[id(item)] >= 0), key=lambda item: firsts[id(item)])


def _first(item: Operation | Call, order: dict[int, int]) -> int:
    """When it began; -1 for a run in which nothing happened to the image."""
    operations = [item] if isinstance(item, Operation) else item.operations()
    return min((order[id(one)] for one in operations), default=-1)


def _needed(last: Operation) -> set[int]:
    needed: set[int] = set()
    stack: list[Operation | None] = [last]
    while stack:
        one = stack.pop()
        if one is not None and id(one) not in needed:
            needed.add(id(one))
            stack += one.sources
    return needed


def _keep(root: Call, needed: set[int]) -> None:
    """Leave out what does not reach the output."""
    for call in reversed(root.calls()):
        call.items = [item for item in call.items if (id(item) in needed if isinstance(item, Operation) else item.items)]
