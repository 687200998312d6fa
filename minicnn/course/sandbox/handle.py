"""Objects that stay in the process of a student, as seen from outside."""

from __future__ import annotations

from typing import Any, Protocol

from minicnn.course.sandbox.wire import WireError


class Asked(Protocol):
    """Whoever has the objects."""

    def ask(self, *request: Any) -> Any:
        """Have something done with one."""


class Handle:
    """Stands for an object in the process of a student. It can be called, and given back; nothing else can be asked of it."""

    _student: Asked
    _number: int
    _kind: str
    _name: str

    def __init__(self, student: Asked, number: int, kind: str) -> None:
        self.__dict__.update(_student=student, _number=number, _kind=kind, _name="")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._student.ask("call", self, list(args), kwargs)

    def __repr__(self) -> str:
        return f"<{self._kind} of the student>"


class RemoteObject(Handle):
    """One whose attributes, operators and indices can be asked for, too."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._student.ask("get", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._student.ask("set", self, name, value)

    def __len__(self) -> int:
        return int(self._student.ask("len", self))

    __hash__ = None  # type: ignore[assignment]


def _operator(name: str, *, reflected: bool = False) -> Any:
    def do(self: RemoteObject, *others: Any) -> Any:
        return self._student.ask("do", name, *((*others, self) if reflected else (self, *others)))

    return do


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"):
    setattr(RemoteObject, f"__{_name}__", _operator(_name))
    setattr(RemoteObject, f"__r{_name}__", _operator(_name, reflected=True))
for _name in ("neg", "pos", "abs", "lt", "le", "eq", "ne", "gt", "ge", "getitem", "setitem", "contains"):
    setattr(RemoteObject, f"__{_name}__", _operator(_name))


def named(value: Any, name: str) -> Any:
    """The same value; an object knows by which name it was asked for."""
    if isinstance(value, Handle):
        value.__dict__["_name"] = name
    return value


def name_of(function: Any, otherwise: str) -> str:
    """What the student calls a function, if it is known."""
    return (function._name if isinstance(function, Handle) else "") or otherwise


def stand_in(value: Any) -> dict[str, Any]:
    """What is sent for one.

    Raises:
        WireError: it is none.
    """
    if isinstance(value, Handle):
        return {"object": value._number, "type": value._kind}
    raise WireError(f"a {type(value).__name__} cannot be given to the code of a student: only numbers, texts, arrays, lists, tuples, dicts, and its own objects")
