"""Modules made of modules: a sequence that computes, and a list that only holds."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any, overload

from minicnn.checks import is_integer
from minicnn.errors import ArgumentError
from minicnn.nn.joined import ceiling_behind
from minicnn.nn.module import Module


class _Numbered(Module):
    """Children that are found by position as well as by name."""

    def __len__(self) -> int:
        return sum(1 for _ in self.children())

    def __iter__(self) -> Iterator[Module]:
        return self.children()

    def _child(self, index: Any) -> Module:
        children = list(self.children())
        if not is_integer(index):
            raise ArgumentError(f"{type(self).__name__}: an index is an integer or a slice, not {index!r}")
        if not -len(children) <= index < len(children):
            raise ArgumentError(f"{type(self).__name__} has {len(children)} modules; there is no index {index}")
        return children[index]

    def _add(self, name: Any, module: Any) -> None:
        if not isinstance(name, str) or not name or "." in name:
            raise ArgumentError(f"{type(self).__name__}: a name is a text without dots, not {name!r}: dots separate names in state dicts")
        if hasattr(self, name):
            raise ArgumentError(f"{type(self).__name__}: a module cannot be named {name!r}: that attribute exists already")
        if not isinstance(module, Module):
            hint = f"; make an instance: {module.__name__}(...)" if isinstance(module, type) else ""
            raise ArgumentError(f"{type(self).__name__}: item {name} must be a Module, not {module!r}{hint}")
        setattr(self, name, module)


class Sequential(_Numbered):
    """Apply modules one after another.

    A slice is a Sequential of the same modules under their old names, sharing their parameters.

    Args:
        modules: the modules, named '0', '1', ... in state dicts; or one dict of modules, which keep their names.

    Raises:
        ArgumentError: an item is no module, or its name is none: empty, with a dot, or that of a method.

    Example:
        >>> import minicnn
        >>> from minicnn import nn
        >>> net = nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU())
        >>> net(minicnn.zeros(2, 1, 8, 8)).shape
        (2, 6, 4, 4)
        >>> net[0]
        Conv2d(1, 6, kernel_size=5)
        >>> net[1:]
        Sequential(
          (1): ReLU()
        )
    """

    def __init__(self, *modules: Module | dict[str, Module]) -> None:
        super().__init__()
        named: Iterable[tuple[str, Any]] = ((str(i), module) for i, module in enumerate(modules))
        if len(modules) == 1 and isinstance(modules[0], dict):
            named = OrderedDict(modules[0]).items()
        for name, module in named:
            self._add(name, module)

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    def __getitem__(self, index: int | slice) -> Module | Sequential:
        if isinstance(index, slice):  # of this class, for a subclass's __init__ may take anything
            return Sequential(dict(list(self.named_children())[index]))
        return self._child(index)

    def forward(self, x: Any) -> Any:
        """The output of the last module."""
        modules, i = list(self.children()), 0
        while i < len(modules):
            ceiling = ceiling_behind(modules, i)
            x = modules[i](x) if ceiling is None else modules[i](x, ceiling=ceiling)
            i += 1 if ceiling is None else 2
        return x


class ModuleList(_Numbered):
    """A list of modules whose parameters are found; what they compute is up to the module that holds the list.

    A slice is a ModuleList of the same modules, counted from 0, sharing their parameters.

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

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> ModuleList: ...
    def __getitem__(self, index: int | slice) -> Module | ModuleList:
        return ModuleList(list(self.children())[index]) if isinstance(index, slice) else self._child(index)

    def append(self, module: Module) -> ModuleList:
        """Add a module at the end; returns the list."""
        self._add(str(len(self)), module)
        return self

    def forward(self, *_: Any, **__: Any) -> Any:
        """A list computes nothing by itself."""
        raise ArgumentError("a ModuleList is not called: loop over its modules, or use Sequential to apply them in turn")
