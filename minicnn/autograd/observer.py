"""Who watches while operations run: nobody, as a rule. Then it costs each of them one look at `active`.

A function, a module and an optimiser ask before they compute. If somebody watches, they do not compute themselves but let
the observer call them, so that it can look at the clock before and after. `minicnn.profile` is the one that watches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from minicnn.kernels.types import Array

if TYPE_CHECKING:
    from minicnn.autograd.function import Function


class Observer(Protocol):
    """Calls what it watches, and returns what that returned."""

    def forward(self, node: Function, arrays: tuple[Array | None, ...], attributes: dict[str, Any]) -> Any:
        """Call `node.forward(*arrays, **attributes)`."""

    def backward(self, node: Function, dy: Array) -> Any:
        """Call `node.backward(dy)`."""

    def module(self, module: Any, inputs: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Call `module.forward(*inputs, **keywords)`."""

    def step(self, optimizer: Any, work: Any) -> None:
        """Call `optimizer.update_all(work)`."""


active: Observer | None = None  # in all threads
