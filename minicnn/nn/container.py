"""Modules made of modules: a sequence that computes, and a list that only holds."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any

from minicnn.errors import ArgumentError
from minicnn.nn.module import Module


class _Numbered(Module):
    """Children that are found by position as well as by name."""

    def __len__(self) -> int:
        return sum(1 for _ in self.children())

    def __iter__(self) -> Iterator[Module]:
        return self.children()

    def __getitem__(self, index: int) -> Module:
        children = list(self.children())
        if not -len(children) <= index < len(children):
            raise ArgumentError(f"{type(self).__name__} has {len(children)} modules; there is no index {index}")
        return children[index]

    def _add(self, name: str, module: Any) -> None:
        if not isinstance(module, Module):
            hint = f"; make an instance: {module.__name__}(...)" if isinstance(module, type) else ""
            raise ArgumentError(f"{type(self).__name__}: item {name} must be a Module, not {module!r}{hint}")
        setattr(self, name, module)


class Sequential(_Numbered):
    """Apply modules one after another.

    Args:
        modules: the modules, named '0', '1', ... in state dicts; or one dict of modules, which keep their names.

    Raises:
        ArgumentError: an item is no module.

    Example:
        >>> import minicnn
        >>> from minicnn import nn
        >>> net = nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU())
        >>> net(minicnn.zeros(2, 1, 8, 8)).shape
        (2, 6, 4, 4)
        >>> net[0]
        Conv2d(1, 6, kernel_size=5)
    """

    def __init__(self, *modules: Module | dict[str, Module]) -> None:
        super().__init__()
        named: Iterable[tuple[str, Any]] = ((str(i), module) for i, module in enumerate(modules))
        if len(modules) == 1 and isinstance(modules[0], dict):
            named = OrderedDict(modules[0]).items()
        for name, module in named:
            self._add(name, module)

    def forward(self, x: Any) -> Any:
        """The output of the last module."""
        for module in self.children():
            x = module(x)
        return x


class ModuleList(_Numbered):
    """A list of modules whose parameters are found; what they compute is up to the module that holds the list.

    Raises:
        ArgumentError: an item is no module.

    Example:
        >>> from minicnn import nn
        >>> branches = nn.ModuleList(nn.Conv2d(8, 4, kernel_size=k) for k in (1, 3, 5))
        >>> len(branches), [name for name, _ in branches.named_parameters()][0]
        (3, '0.weight')
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        super().__init__()
        for module in modules:
            self.append(module)

    def append(self, module: Module) -> ModuleList:
        """Add a module at the end; returns the list."""
        self._add(str(len(self)), module)
        return self

    def forward(self, *_: Any) -> Any:
        """A list computes nothing by itself."""
        raise ArgumentError("a ModuleList is not called: loop over its modules, or use Sequential to apply them in turn")
