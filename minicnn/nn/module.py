"""The module: a part of a network that owns parameters, buffers, other modules and a mode."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from minicnn import checks
from minicnn.autograd import Tensor, observer
from minicnn.errors import ArgumentError, MinicnnError
from minicnn.kernels.types import Array
from minicnn.nn.parameter import Buffer, Parameter, check_assignment
from minicnn.nn.state import load_into
from minicnn.place import destination, move

Hook = Callable[["Module", tuple[Any, ...], Any], Any]
PreHook = Callable[["Module", tuple[Any, ...]], Any]
AnyHook = TypeVar("AnyHook", Hook, PreHook)

_hook_numbers = itertools.count()


def _register(hooks: dict[int, AnyHook], hook: AnyHook) -> Callable[[], None]:
    """Add the hook, even if it is there already; returns a function that removes it."""
    number = next(_hook_numbers)
    hooks[number] = hook

    def remove() -> None:
        hooks.pop(number, None)

    return remove


class Module:
    """Base of all layers and networks. Subclasses set attributes in `__init__` and compute in `forward`.

    Whatever is assigned to an attribute finds its place by its type: `Parameter`, `Buffer`, `Module`, or anything else.

    Attributes:
        training: the mode, switched by `train()` and `eval()`; batch norm and dropout behave differently in each.

    Example:
        >>> from minicnn import nn
        >>> class Twice(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.linear = nn.Linear(4, 4)
        ...     def forward(self, x):
        ...         return self.linear(self.linear(x))
        >>> [name for name, _ in Twice().named_parameters()]
        ['linear.weight', 'linear.bias']
    """

    training: bool

    def __init__(self) -> None:
        self.training = True
        self._hooks: dict[int, Hook] = {}
        self._pre_hooks: dict[int, PreHook] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        check_assignment(self.__dict__.get(name), value, f"{type(self).__name__}.{name}")
        if isinstance(value, (list, tuple)) and any(isinstance(item, Module) for item in value):
            raise ArgumentError(
                f"{type(self).__name__}.{name}: modules in a plain {type(value).__name__} would not be found by parameters(), nor "
                "trained: make it nn.ModuleList(...)"
            )
        super().__setattr__(name, value)

    def forward(self, *inputs: Any, **keywords: Any) -> Any:
        """What the module computes."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def __call__(self, *inputs: Any, **keywords: Any) -> Any:
        if "training" not in self.__dict__:
            raise ArgumentError(f"{type(self).__name__}: its __init__ must begin with super().__init__()")
        try:
            for pre_hook in list(self._pre_hooks.values()):
                changed = pre_hook(self, inputs)
                if changed is not None:
                    inputs = changed if isinstance(changed, tuple) else (changed,)
            watching = observer.active
            output = self.forward(*inputs, **keywords) if watching is None else watching.module(self, inputs, keywords)
            for hook in list(self._hooks.values()):
                changed = hook(self, inputs, output)
                output = output if changed is None else changed
        except MinicnnError as error:
            self._add_place(error)
            raise
        return output

    def _add_place(self, error: MinicnnError) -> None:
        """Put this module in front of the path of an error that passes through."""
        if not error.layer:
            error.layer = f"{type(self).__name__}({self.extra_repr()})"
        if path := self.path_to(error.module):
            error.path.append(path)
        error.module = self

    # Parts

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly inside, by attribute name."""
        return ((name, value) for name, value in self.__dict__.items() if isinstance(value, Module))

    def children(self) -> Iterator[Module]:
        """The modules directly inside."""
        return (child for _, child in self.named_children())

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """This module and all inside it, each once, with dotted paths; this one's path is ''."""
        seen: set[int] = set()
        stack = [(prefix, self)]
        while stack:
            path, module = stack.pop()
            if id(module) in seen:
                continue
            seen.add(id(module))
            yield path, module
            stack += reversed([(f"{path}.{name}" if path else name, child) for name, child in module.named_children()])

    def modules(self) -> Iterator[Module]:
        """This module and all inside it, each once."""
        return (module for _, module in self.named_modules())

    def get_submodule(self, path: str) -> Module:
        """The module at a dotted path, such as 'features.3'.

        Raises:
            ArgumentError: no such path; says which parts there are.
        """
        module = self
        for name in path.split(".") if path else []:
            children = dict(module.named_children())
            if name not in children:
                raise ArgumentError(f"no module at {path!r}: {type(module).__name__} has no {name!r}, but {', '.join(children) or 'nothing'}")
            module = children[name]
        return module

    def path_to(self, module: object) -> str:
        """The dotted path of a module inside this one; '' if it is not inside, or this one itself."""
        return next((path for path, inside in self.named_modules() if inside is module), "")

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """All parameters, each once, with dotted names."""
        return self._named(Parameter)

    def parameters(self) -> Iterator[Parameter]:
        """All parameters, each once."""
        return (parameter for _, parameter in self.named_parameters())

    def named_buffers(self) -> Iterator[tuple[str, Buffer]]:
        """All buffers, each once, with dotted names."""
        return self._named(Buffer)

    def buffers(self) -> Iterator[Buffer]:
        """All buffers, each once."""
        return (buffer for _, buffer in self.named_buffers())

    def _named(self, kind: Any) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for path, module in self.named_modules():
            for name, value in module.__dict__.items():
                if isinstance(value, kind) and id(value) not in seen:
                    seen.add(id(value))
                    yield f"{path}.{name}" if path else name, value

    # State

    def state_dict(self) -> dict[str, Array]:
        """Copies of all parameters and buffers by dotted name, as NumPy arrays."""
        return {
            f"{path}.{name}" if path else name: value.numpy().copy()
            for path, module in self.named_modules()
            for name, value in module.__dict__.items()
            if isinstance(value, (Parameter, Buffer))
        }

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> None:
        """Overwrite parameters and buffers with those of `state`. All is checked before anything is changed.

        Args:
            state: arrays by name.
            strict: names must match exactly; otherwise what is missing keeps its value and what is unexpected is
                ignored. Shapes must match in either case.

        Raises:
            StateDictError: lists what is missing, unexpected, or of the wrong shape.
        """
        load_into(self, state, strict)

    # Modes

    def train(self, mode: bool = True) -> Module:
        """Switch this module and all inside it to training mode (or to evaluation, if `mode` is false)."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Module:
        """Switch to evaluation: batch norm uses its running statistics, dropout does nothing."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Module:
        """Freeze (false) or unfreeze all parameters."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.grad = None

    def astype(self, dtype: Any) -> Module:
        """Convert all parameters and floating-point buffers, in place: 'float32' or 'float64'.

        Raises:
            DtypeError: another element type, or an unknown one.
        """
        dtype = checks.float_type(dtype, f"{type(self).__name__}.astype")
        for module in self.modules():
            for value in module.__dict__.values():
                if isinstance(value, (Parameter, Buffer)) and checks.is_floating(value.dtype):
                    value.data, value.grad = value.data.astype(dtype), None
        return self

    def to(self, backend: str) -> Module:
        """Move all parameters, their gradients and the buffers, in place, to where a backend computes: "cupy" on the GPU, all others in main memory.

        An optimiser made before or after goes with them. Which backend computes is another matter: `minicnn.set_backend`.

        Raises:
            BackendError: no such backend, or it cannot run here.
            ArgumentError: an element type, for which there is `astype`.
        """
        xp = destination(backend, "model").xp
        for tensor in (*self.parameters(), *self.buffers()):
            tensor.data = move(tensor.data, xp)
            if tensor.grad is not None:
                tensor.grad = Tensor.wrap(move(tensor.grad.data, xp))
        return self

    def apply(self, function: Callable[[Module], object]) -> Module:
        """Call `function` on this module and on all inside it."""
        for module in self.modules():
            function(module)
        return self

    # Hooks

    def register_forward_hook(self, hook: Hook) -> Callable[[], None]:
        """Call `hook(module, inputs, output)` after each forward; what it returns, unless None, replaces the output.

        `inputs` are those given by position.

        Returns:
            A function that removes the hook.
        """
        return _register(self._hooks, hook)

    def register_forward_pre_hook(self, hook: PreHook) -> Callable[[], None]:
        """Call `hook(module, inputs)` before each forward; what it returns, unless None, replaces the inputs.

        `inputs` are those given by position.

        Returns:
            A function that removes the hook.
        """
        return _register(self._pre_hooks, hook)

    # Text

    def extra_repr(self) -> str:
        """The arguments in the repr of a layer."""
        return ""

    @staticmethod
    def describe(*sizes: object, **options: tuple[Any, Any]) -> str:
        """The arguments of a layer as one would write them: options (value, default) only where they differ.

        >>> Module.describe(16, 32, kernel_size=((5, 5), None), stride=((1, 1), (1, 1)))
        '16, 32, kernel_size=5'
        """
        shown = [str(size) for size in sizes]
        for name, (value, default) in options.items():
            if value != default:
                same = isinstance(value, tuple) and len(set(value)) == 1
                shown.append(f"{name}={value[0] if same else value!r}")
        return ", ".join(shown)

    def __repr__(self) -> str:
        children = [f"({name}): {child!r}" for name, child in self.named_children()]
        head = f"{type(self).__name__}({self.extra_repr()}"
        if not children:
            return head + ")"
        body = "\n".join("  " + line for child in children for line in child.split("\n"))
        return f"{head}\n{body}\n)"
