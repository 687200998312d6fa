"""What all optimisers share: groups of parameters with options, each parameter's state, saving and loading."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from minicnn import checks
from minicnn.autograd import Tensor, no_grad, observer
from minicnn.backend import to_numpy
from minicnn.errors import ArgumentError, AutogradError, StateDictError, listing, nearest
from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array
from minicnn.optim import fused
from minicnn.optim.check import matching_gradient, plain_number
from minicnn.optim.fused import Item, Rule
from minicnn.place import follow, move

Params: TypeAlias = Iterable[Tensor] | Iterable[dict[str, Any]]
"""Parameters, or groups of them: `[{"params": ..., "lr": ...}, ...]`."""


class Optimizer:
    """Base of all optimisers: at each step, calls `update` for every parameter that has a gradient.

    A subclass passes its options to `__init__`, checks them in `check`, changes one parameter in `update`, and
    checks in `check_state` what is loaded for it. Those that come with minicnn also say in `rule` which kernel does the same.

    Attributes:
        param_groups: dicts of "params" (a list of tensors) and the options that hold for them. Schedules set
            "lr" here.
        state: for each parameter, the arrays and counts that its updates carry along.

    Raises:
        ArgumentError: there are no parameters, or a group of them cannot be learned (see `add_param_group`).

    Example:
        >>> from minicnn import nn
        >>> class SignDescent(Optimizer):
        ...     def __init__(self, params, lr=0.01):
        ...         super().__init__(params, lr=lr)
        ...     def update(self, data, gradient, state, group):
        ...         data -= group["lr"] * np.sign(gradient)
        >>> w = Tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = SignDescent([w])
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> [round(value, 2) for value in w.tolist()]
        [0.99, -1.99]
    """

    def __init__(self, params: Params, **defaults: Any) -> None:
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        self.state: dict[Tensor, dict[str, Any]] = {}
        for group in self._as_groups(params):
            self.add_param_group(group)

    def check(self, options: Mapping[str, Any]) -> None:
        """Raise an ArgumentError if an option of a group is out of range."""
        checks.number(options["lr"], f"{self._name}: lr", 0)

    def check_state(self, where: str, state: Mapping[str, Any]) -> None:
        """Raise a StateDictError if a saved state of one parameter is not what `update` keeps. Here anything goes."""

    def update(self, data: Array, gradient: Array, state: dict[str, Any], group: Mapping[str, Any]) -> None:
        """Change one parameter's values `data` in place. `gradient` must stay as it is; `state` starts empty."""
        raise NotImplementedError(f"{self._name} has no update")

    def step(self) -> None:
        """Update every parameter that has a gradient. Inside, nothing is recorded.

        Raises:
            AutogradError: no parameter has one.
            ShapeError, DtypeError: a gradient does not match its parameter, or is no tensor; no parameter has been changed then.
        """
        work = self._work()
        with no_grad():
            if (watching := observer.active) is None:
                self.update_all(work)
            else:
                watching.step(self, work)

    def update_all(self, work: Iterable[Item]) -> None:
        """Update each parameter: many at once where this optimiser's update is a kernel, the others by calling `update`."""
        if fused.possible(self):
            step = fused.FusedStep(self, work)
            step.advance()
            step.launch()
            work = step.rest
        for parameter, gradient, group in work:
            self.update(parameter.edit("step"), gradient, self.state.setdefault(parameter, {}), group)

    def rule(self, group: Mapping[str, Any], step: int) -> Rule:
        """The update as a kernel, at a parameter's `step`-th step (from 1), of the optimisers that come with minicnn."""
        raise NotImplementedError(f"{self._name} has no rule: it updates parameters one by one")

    def record_step(self, skip: Array | None = None) -> fused.FusedStep:
        """Launch the updates while a CUDA graph is being recorded; before each launch of that graph, call `advance()` of what this returns.

        That counts the step, and takes over a learning rate that has changed. Parameters and gradients are those of now, in memory that must stay theirs.

        Args:
            skip: an array of one int32; if it is not 0 when the graph runs, nothing is updated: a step in float16 that overflowed.

        Raises:
            AutogradError: no parameter has a gradient, one has not been updated before, or its update is no kernel.
        """
        with no_grad():
            return fused.recorded(self, self._work(), skip)

    def _work(self) -> list[Item]:
        """All parameters that have a gradient, with it and the options of their group."""
        if all(parameter.grad is None for parameter in self._parameters()):
            raise AutogradError(
                f"{self._name}: step() found no gradient in any parameter: call loss.backward() first, and zero_grad() not in between. "
                "If you did, the loss was computed from other parameters than these"
            )
        for parameter, state in self.state.items():
            follow(parameter.data, state)
        groups = ((parameter, group) for group in self.param_groups for parameter in group["params"])
        return [(parameter, matching_gradient(self._name, parameter), group) for parameter, group in groups if parameter.grad is not None]

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters, so that the next backward pass starts from nothing."""
        for parameter in self._parameters():
            parameter.grad = None

    # Groups

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Add parameters with options of their own; options that are not given take the defaults.

        Raises:
            ArgumentError: no parameters, one that cannot be learned, one that is in a group already, an
                unknown option, or an option out of range.
        """
        unknown = [name for name in group if name not in self.defaults and name != "params"]
        if unknown:
            raise ArgumentError(f"{self._name}: unknown option {unknown[0]!r} of a parameter group: {nearest(unknown[0], self.defaults)}")
        if "params" not in group:
            raise ArgumentError(f'{self._name}: a parameter group is a dict with an entry "params"; this one has {listing(group) or "none"}')
        params = group["params"]
        params = [params] if isinstance(params, Tensor) else self._listed(params)
        if not params:
            raise ArgumentError(
                f"{self._name}: the list of parameters is empty. Has the generator model.parameters() been used up? Has the model layers "
                "that learn, assigned to attributes or kept in a ModuleList?"
            )
        known = {id(parameter): None for parameter in self._parameters()}
        for i, parameter in enumerate(params):
            self._check_parameter(i, parameter)
            if id(parameter) in known:
                raise ArgumentError(
                    f"{self._name}: parameter {i} of this group, of shape {parameter.shape}, is listed twice, here or in another group: "
                    "it would be updated twice a step"
                )
            known[id(parameter)] = None
        options = {name: plain_number(group.get(name, default)) for name, default in self.defaults.items()}
        self.check(options)
        self.param_groups.append({"params": params, **options})

    def _as_groups(self, params: Any) -> list[Mapping[str, Any]]:
        items = self._listed(params)
        return items if items and all(isinstance(item, Mapping) for item in items) else [{"params": items}]

    def _listed(self, params: Any) -> list[Any]:
        if isinstance(params, (Tensor, Mapping)) or callable(params) or not isinstance(params, Iterable):
            hint = "; write model.parameters(), with the parentheses" if callable(params) else ""
            raise ArgumentError(f"{self._name}: needs an iterable of parameters or a list of groups, not {type(params).__name__}{hint}")
        return list(params)

    def _check_parameter(self, i: int, parameter: Any) -> None:
        if not isinstance(parameter, Tensor):
            hint = "; write model.parameters(), without names" if isinstance(parameter, tuple) else ""
            raise ArgumentError(f"{self._name}: parameter {i} is no tensor but {type(parameter).__name__}{hint}")
        if not parameter.is_leaf:
            raise ArgumentError(
                f"{self._name}: parameter {i} of shape {parameter.shape} is the result of an operation, and no gradient will arrive in it: "
                "give the tensor that it was computed from"
            )
        if not parameter.requires_grad:
            raise ArgumentError(
                f"{self._name}: parameter {i} of shape {parameter.shape} requires no gradient and would never change: leave frozen ones "
                "out with [p for p in model.parameters() if p.requires_grad], or unfreeze it with requires_grad_()"
            )

    def _parameters(self) -> Iterator[Tensor]:
        return (parameter for group in self.param_groups for parameter in group["params"])

    @property
    def _name(self) -> str:
        return type(self).__name__

    # State

    def state_dict(self) -> dict[str, Any]:
        """All that a checkpoint needs, in two parts that go into two kinds of files.

        Returns:
            {"arrays": {"0.momentum": array, ...}, "settings": {...}}. The arrays are copies in main memory,
            named by the parameter's number (in the order of the groups) and their own name; safetensors can
            hold them. The settings (the optimiser's name, the options of each group and the numbers of its
            parameters, counts such as "0.step") are plain Python values that JSON can hold.
        """
        arrays: dict[str, Array] = {}
        counts: dict[str, int] = {}
        for i, parameter in enumerate(self._parameters()):
            for name, value in self.state.get(parameter, {}).items():
                if isinstance(value, int):
                    counts[f"{i}.{name}"] = value
                else:
                    arrays[f"{i}.{name}"] = to_numpy(value).copy()
        numbers = {parameter: i for i, parameter in enumerate(self._parameters())}
        groups = [{**group, "params": [numbers[p] for p in group["params"]]} for group in self.param_groups]
        return {"arrays": arrays, "settings": {"optimizer": self._name, "param_groups": groups, "counts": counts}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over the options and the state of an optimiser of the same class with the same parameters.

        All is checked before anything is changed.

        Raises:
            StateDictError: another class, other groups, or arrays of another shape.
            ArgumentError: an option is out of range.
        """
        groups, loaded = self._read(state)
        for own, group in zip(self.param_groups, groups, strict=True):
            own.update(group)
        self.state = loaded

    def _read(self, state: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[Tensor, dict[str, Any]]]:
        try:
            arrays, settings = state["arrays"], state["settings"]
            name, saved_groups, counts = (settings[key] for key in ("optimizer", "param_groups", "counts"))
            sizes = [len(group["params"]) for group in saved_groups]
            entries = [*arrays.items(), *counts.items()]
        except (KeyError, TypeError, AttributeError):
            raise StateDictError(f"{self._name}: this is not what state_dict() of an optimiser returns") from None
        if name != self._name:
            raise StateDictError(f"the state is of {name}, but this optimiser is {self._name}")
        own_sizes = [len(group["params"]) for group in self.param_groups]
        if sizes != own_sizes:
            raise StateDictError(f"{name}: the state has groups of {listing(sizes)} parameter(s), this optimiser of {listing(own_sizes)}")
        parameters = list(self._parameters())
        loaded: dict[Tensor, dict[str, Any]] = {}
        for key, value in entries:
            number, _, entry = str(key).partition(".")
            if not number.isdecimal() or int(number) >= len(parameters):
                raise StateDictError(f"{name}: unexpected entry {key!r} for {len(parameters)} parameters")
            parameter = parameters[int(number)]
            own = self._count(key, value) if key in counts else self._array(key, value, parameter)
            loaded.setdefault(parameter, {})[entry] = own
        for i, parameter in enumerate(parameters):
            if parameter in loaded:
                self.check_state(f"{name}: the state of parameter {i}", loaded[parameter])
        return [self._options(group) for group in saved_groups], loaded

    def _count(self, key: str, value: Any) -> int:
        if not checks.is_integer(value) or value < 0:
            raise StateDictError(f"{self._name}: {key} must be a count >= 0, not {value!r}")
        return int(value)

    def _array(self, key: str, value: Any, parameter: Tensor) -> Array:
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiub":
            raise StateDictError(f"{self._name}: {key} must be an array of numbers, not {value!r}")
        array = value.astype(parameter.dtype)
        if array.shape != parameter.shape:
            raise StateDictError(f"{self._name}: {key} has shape {array.shape}, but its parameter has {parameter.shape}")
        return move(array, array_module(parameter.data))

    def _options(self, saved: Mapping[str, Any]) -> dict[str, Any]:
        options = {name: tuple(value) if isinstance(value, list) else value for name, value in saved.items()}
        del options["params"]
        if set(options) != set(self.defaults):
            raise StateDictError(f"{self._name}: the options of a group are {listing(self.defaults)}; the state has {listing(options)}")
        self.check(options)
        return options

    def __repr__(self) -> str:
        options = [", ".join(f"{name}={group[name]}" for name in self.defaults) for group in self.param_groups]
        groups = [f"{len(group['params'])} parameters, {text}" for group, text in zip(self.param_groups, options, strict=True)]
        return f"{self._name}({'; '.join(groups)})"
