"""Reading a pickle without running it.

A pickle is a program for a small machine with a stack: "push this text", "make a dict of what lies above the mark", but also "fetch
the function of this name and call it", by which a file can do anything that its reader may do. The machine here builds texts, numbers,
lists, tuples and dicts, and that is all that it can do. It never looks a name up in Python: for each name that a file may use,
the caller gives what shall stand for it. Whatever else a file asks for, it is refused, and the message says what it was.

Only the encoding is left to the standard library: `pickletools.genops` takes the bytes apart into instructions and their
arguments. Nothing here is recursive. A file is read in a time in proportion to its size, and an instruction takes a few hundred bytes beside
the text or number in it: there are at most `LIMIT` instructions; all lists that calls copy are together no longer than the program; the
texts that are compared are short; and what is stored has small numbers, which do not collide.
"""

import pickletools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from minicnn.errors import CheckpointError
from minicnn.io.file import FileBytes

LIMIT = 2_000_000  # instructions; PyTorch needs about 30 for a tensor
LONGEST = 1000  # characters of a name

REMEDY = "open it once in PyTorch, where you trust it, and save model.state_dict() with torch.save"


class DamagedPickle(CheckpointError):
    """The bytes are no pickle, or not a whole one."""


@dataclass(frozen=True)
class Allowed:
    """A function that may be called: our own, which stands for the one that the file names."""

    call: Callable[..., Any]


class Pending:
    """What a call makes that is complete only with the state that follows."""

    def complete(self, state: Any) -> None:
        """Take the state."""
        raise NotImplementedError


@dataclass(frozen=True)
class Foreign:
    """A name that the file asked for and did not get."""

    name: str


Names: TypeAlias = Mapping[tuple[str, str], Any]
"""(module, name): an `Allowed`, or a value."""

_PUSH = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
    "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
}  # fmt: skip


def unpickle(file: FileBytes, names: Names, persistent: Callable[[Any], Any]) -> Any:
    """The object that the next pickle in `file` describes; afterwards the file is to be read from where it ends.

    Sets become lists. A dict keeps only the entries whose key is a text.

    Args:
        file: where to read.
        names: what stands for the names that a file may use.
        persistent: makes what stands for an object that the pickle only refers to (PyTorch's storages), out of the reference.

    Raises:
        CheckpointError: the pickle asks for anything else, is damaged or cut off, or is too long.

    Example:
        >>> import io, pickle
        >>> unpickle(FileBytes(io.BytesIO(pickle.dumps({"a": [1, 2.5, None]}))), {}, print)
        {'a': [1, 2.5, None]}
        >>> unpickle(FileBytes(io.BytesIO(pickle.dumps(print))), {}, print)
        Traceback (most recent call last):
        minicnn.errors.CheckpointError: asks for builtins.print, which no file of weights needs: refused
    """
    machine = _Machine(names, persistent, 2 * file.size)
    try:
        for opcode, argument in _instructions(file):
            machine.step(opcode, argument)
        return machine.result()
    except (IndexError, KeyError, TypeError):  # an empty stack, a number that was never stored, a list that is none
        raise DamagedPickle("is damaged: its list of contents makes no sense") from None


def _instructions(file: FileBytes) -> Iterator[tuple[str, Any]]:
    decoded = pickletools.genops(file)  # type: ignore[arg-type]  # it calls read, readline and tell
    for _ in range(LIMIT):
        try:
            opcode, argument, _ = next(decoded)
        except StopIteration:
            return
        except (ValueError, Warning):  # with -W error, an odd escape sequence is a warning that is raised
            raise DamagedPickle("is damaged or was cut off: its list of contents cannot be read to the end") from None
        yield opcode.name, argument
    raise CheckpointError(f"has a list of contents of more than {LIMIT:,} instructions, which no network needs: refused")


class _Machine:
    """The stack, what lies below each mark, and the memo from which a value can be pushed again."""

    def __init__(self, names: Names, persistent: Callable[[Any], Any], most: int) -> None:
        self.names, self.persistent, self.most = names, persistent, most
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.foreign: list[str] = []
        self.steps = self.copied = self.texts = 0

    def result(self) -> Any:
        if self.foreign:
            raise CheckpointError(f"asks for {self.foreign[0]}, which no file of weights needs: refused")
        return self.stack[-1]

    def above_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.below.pop()
        return items

    def step(self, opcode: str, argument: Any) -> None:
        """One instruction."""
        stack, push, pop = self.stack, self.stack.append, self.stack.pop
        self.steps += 1
        if opcode in _PUSH:
            push(argument)
            return
        match opcode:
            case "PROTO" | "FRAME" | "STOP":
                pass
            case "NONE":
                push(None)
            case "NEWTRUE":
                push(True)
            case "NEWFALSE":
                push(False)
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                self.store(argument)
            case "MEMOIZE":
                self.store(len(self.memo))
            case "GET" | "BINGET" | "LONG_BINGET":
                push(self.memo[argument])
            case "MARK":
                self.below.append(stack)
                self.stack = []
            case "POP" if stack:
                pop()
            case "POP" | "POP_MARK":
                self.above_mark()
            case "DUP":
                push(stack[-1])
            case "EMPTY_TUPLE":
                push(())
            case "TUPLE1":
                push((pop(),))
            case "TUPLE2" | "TUPLE3":
                last = [pop() for _ in range(int(opcode[-1]))]
                push(tuple(last[::-1]))
            case "TUPLE" | "FROZENSET":
                items = self.above_mark()
                self.stack.append(tuple(items))
            case "EMPTY_LIST" | "EMPTY_SET":
                push([])
            case "LIST":
                items = self.above_mark()
                self.stack.append(items)
            case "APPEND":
                _extend(stack[-2], [pop()])
            case "APPENDS" | "ADDITEMS":
                items = self.above_mark()
                _extend(self.stack[-1], items)
            case "EMPTY_DICT":
                push({})
            case "DICT":
                items = self.above_mark()
                self.stack.append(_update({}, items))
            case "SETITEM":
                value, key = pop(), pop()
                _update(stack[-1], [key, value])
            case "SETITEMS":
                items = self.above_mark()
                _update(self.stack[-1], items)
            case "BINPERSID":
                push(self.persistent(pop()))
            case "GLOBAL":
                push(self.look_up(*argument.split(" ", 1)))
            case "STACK_GLOBAL":
                name, module = pop(), pop()
                push(self.look_up(module, name))
            case "REDUCE":
                arguments, function = pop(), pop()
                push(self.call(function, arguments))
            case "BUILD":
                self.count_texts(stack[-1])
                _set_attributes(stack[-2], pop())
            case _:
                self.refuse(opcode, argument)

    def store(self, number: int) -> None:
        if not 0 <= number < LIMIT:
            raise CheckpointError(f"stores a value under a number beyond {LIMIT:,}, which PyTorch never does: refused")
        self.memo[number] = self.stack[-1]

    def call(self, function: Any, arguments: Any) -> Any:
        """A list that a call copies was written once but may be pushed and copied again and again, for two instructions each time."""
        if not isinstance(function, Allowed):
            raise _would_run(function)
        self.copied += sum(len(argument) for argument in arguments if isinstance(argument, (list, tuple)))
        if self.copied > self.steps:
            raise CheckpointError("copies the same list again and again, which PyTorch never does: refused")
        self.count_texts(arguments)
        return function.call(*arguments)

    def count_texts(self, values: Any) -> None:
        """A text, too, was written once; what is made of all of them together may be twice as long as the file."""
        self.texts += sum(len(value) for value in values if isinstance(value, (str, bytes))) if isinstance(values, tuple) else 0
        if self.texts > self.most:
            raise CheckpointError("makes arrays of the same bytes again and again, which no program writes: refused")

    def look_up(self, module: Any, name: Any) -> Any:
        """What the caller gave for a name, or a `Foreign` to blame later, when it is known what the file does with it."""
        if not (isinstance(module, str) and isinstance(name, str)):
            raise CheckpointError("is damaged: it asks for something by a name that is no text")
        if (module, name) in self.names:
            return self.names[module, name]
        self.foreign.append(printable(f"{module[:LONGEST]}.{name[:LONGEST]}"))
        return Foreign(self.foreign[-1])

    def refuse(self, opcode: str, argument: Any) -> None:
        """The instructions that have no place in a file of weights, whatever name they are given."""
        match opcode:
            case "NEWOBJ":
                raise _object_of(self.stack[-2])
            case "NEWOBJ_EX":
                raise _object_of(self.stack[-3])
            case "OBJ" if isinstance(self.stack[0], Foreign):
                raise _would_run(self.stack[0])
            case "INST" if isinstance(function := self.look_up(*argument.split(" ", 1)), Foreign):
                raise _would_run(function)
        raise CheckpointError(f"uses the pickle instruction {opcode}, which PyTorch never writes: refused")


def _set_attributes(target: Any, state: Any) -> None:
    """Attributes of a dict, such as the version numbers that a state dict carries, are left out. Nothing else has any, but what waits for its state."""
    if isinstance(target, Pending):
        target.complete(state)
    elif not (isinstance(target, dict) and isinstance(state, dict)):
        raise CheckpointError("sets attributes of something that can have none, which PyTorch never does: refused")


def _extend(target: Any, items: list[Any]) -> None:
    if not isinstance(target, list):
        raise TypeError
    target.extend(items)


def _update(target: Any, items: list[Any]) -> dict[str, Any]:
    if not isinstance(target, dict) or len(items) % 2:
        raise TypeError
    target.update((key, value) for key, value in zip(items[::2], items[1::2], strict=True) if is_key(key))
    return target


def is_key(key: Any) -> bool:
    """Whether an entry of a dict is kept. Only texts are: they alone name weights, and hashing anything else could take as long as the
    maker of the file likes.

    Raises:
        CheckpointError: it is a text, but a long one. Two equal ones would be compared sign by sign, as often as the file likes.
    """
    if isinstance(key, str) and len(key) > LONGEST:
        raise CheckpointError(f"has a name of {len(key):,} characters, which no weights have: refused")
    return isinstance(key, str)


def _would_run(function: Any) -> CheckpointError:
    if not isinstance(function, Foreign):
        return CheckpointError("is damaged: it calls something that is no function")
    return CheckpointError(f"would run {function.name} when opened: refused; if it is a file of weights, {REMEDY}")


def _object_of(kind: Any) -> CheckpointError:
    if not isinstance(kind, Foreign):
        return CheckpointError("is damaged: it makes an object of something that is no class")
    return CheckpointError(f"holds an object of the class {kind.name}, which only that class's own code can rebuild: {REMEDY}")


def printable(text: str) -> str:
    """A text from a file as a message may show it: short, and without what a terminal would obey.

    >>> printable("os.sys" + chr(27) + "[2J")
    'os.sys?[2J'
    """
    return "".join(c if c.isprintable() else "?" for c in text[:100]) + ("..." if len(text) > 100 else "")
