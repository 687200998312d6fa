"""Values between two processes that do not trust each other: numbers, texts, lists, dicts and arrays, as JSON and raw bytes.

A message is four bytes of its length, JSON, and the bytes of its arrays:

    {"value": ..., "arrays": [{"dtype": "<f8", "shape": [2, 3]}, ...]}

In the JSON an array is {"array": its number}, a tuple {"tuple": [...]}, a dict {"dict": [[key, value], ...]}, a complex number {"complex": [re, im]}, and an object that stays
where it is {"object": its number, "type": its class}. Nothing that arrives is executed.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from minicnn.errors import MinicnnError

MOST = 64 * 2**20  # bytes of a message
MOST_JSON = 4 * 2**20  # and of what is not in arrays: JSON takes many times its size in memory
MOST_PAIRS = 1000  # of a dict: numbers can be made so that a dict of many takes hours
DEEPEST = 40  # lists in lists
KINDS = "biufc"  # of arrays' elements: booleans, integers, floating-point and complex numbers
LENGTH = struct.Struct(">I")


class Readable(Protocol):
    """What has a method `read`."""

    def read(self, count: int, /) -> bytes:
        """Up to `count` bytes; none at the end."""


class WireError(MinicnnError, ValueError):
    """A value cannot be sent, or what has arrived is no message."""


class Writable(Protocol):
    """What has a method `write`."""

    def write(self, data: bytes, /) -> Any:
        """All of it."""


def write_message(stream: Writable, value: Any, keep: Callable[[Any], dict[str, Any]] | None = None) -> None:
    """Send a value.

    Args:
        keep: given an object that cannot be sent, returns what stands for it, {"object": number, "type": name}.

    Raises:
        WireError: it cannot be sent, or is too large.
    """
    arrays: list[np.ndarray[Any, Any]] = []
    head = json.dumps({"value": _pack(value, arrays, keep, 0), "arrays": [{"dtype": a.dtype.str, "shape": a.shape} for a in arrays]}).encode()
    size = 2 * LENGTH.size + len(head) + sum(a.nbytes for a in arrays)
    if size > MOST:
        raise WireError(f"a value of {size / 2**20:,.0f} MiB is larger than the {MOST // 2**20} MiB that may be sent")
    stream.write(b"".join([LENGTH.pack(size - LENGTH.size), LENGTH.pack(len(head)), head, *(array.tobytes() for array in arrays)]))


def _pack(value: Any, arrays: list[Any], keep: Callable[[Any], dict[str, Any]] | None, depth: int) -> Any:
    if depth > DEEPEST:
        raise WireError(f"lists and dicts more than {DEEPEST} deep cannot be sent")
    if value is None or type(value) in (bool, str, int):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if type(value) is complex:
        return {"complex": [repr(value.real), repr(value.imag)]}
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in KINDS:
        arrays.append(np.ascontiguousarray(value).reshape(value.shape))
        return {"array": len(arrays) - 1, "scalar": isinstance(value, np.generic)}
    if type(value) in (list, tuple):
        packed = [_pack(part, arrays, keep, depth + 1) for part in value]
        return packed if type(value) is list else {"tuple": packed}
    if type(value) is dict:
        return {"dict": [[_pack(part, arrays, keep, depth + 1) for part in pair] for pair in value.items()]}
    if keep is None:
        raise WireError(f"a {type(value).__name__} cannot be sent: only numbers, texts, arrays, lists, tuples and dicts")
    return keep(value)


def read_message(stream: Readable, found: Callable[[dict[str, Any]], Any] | None = None) -> Any:
    """The next value.

    Args:
        found: given what stands for an object, returns the object.

    Raises:
        WireError: it is no message.
        EOFError: the stream is at its end.
    """
    size = LENGTH.unpack(_exactly(stream, LENGTH.size))[0]
    if not LENGTH.size <= size <= MOST:
        raise WireError(f"a message says that it has {size:,} bytes")
    body = _exactly(stream, size)
    end = LENGTH.size + LENGTH.unpack(body[: LENGTH.size])[0]
    if end > MOST_JSON:
        raise WireError(f"a value has {end / 2**20:.0f} MiB beside its arrays, more than {MOST_JSON // 2**20}")
    try:
        head = json.loads(body[LENGTH.size : end])
        return _unpack(head["value"], _arrays(head["arrays"], body, end), found, 0)
    except WireError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever somebody has sent
        raise WireError(f"what has arrived is no message: {type(error).__name__}") from None


def _arrays(described: Any, body: bytes, place: int) -> list[Any]:
    arrays = []
    for about in described:
        dtype, shape = np.dtype(str(about["dtype"])), tuple(int(n) for n in about["shape"])
        count = math.prod(shape)
        if dtype.kind not in KINDS or min(shape, default=0) < 0 or place + count * dtype.itemsize > len(body):
            raise WireError("a message describes an array that is not in it")
        arrays.append(np.frombuffer(body, dtype, count, place).reshape(shape).copy())
        place += count * dtype.itemsize
    return arrays


def _unpack(value: Any, arrays: list[Any], found: Callable[[dict[str, Any]], Any] | None, depth: int) -> Any:
    if depth > DEEPEST + 2:
        raise WireError("a message is too deep")
    if isinstance(value, list):
        return [_unpack(part, arrays, found, depth + 1) for part in value]
    if not isinstance(value, dict):
        return value
    if "array" in value:
        array = arrays[value["array"]]
        return array[()] if value["scalar"] else array
    if "tuple" in value:
        return tuple(_unpack(part, arrays, found, depth + 1) for part in value["tuple"])
    if "dict" in value:
        if len(value["dict"]) > MOST_PAIRS:
            raise WireError(f"a dict has {len(value['dict']):,} pairs, more than {MOST_PAIRS:,}")
        return {_unpack(k, arrays, found, depth + 1): _unpack(v, arrays, found, depth + 1) for k, v in value["dict"]}
    if "float" in value:
        return float(value["float"])
    if "complex" in value:
        return complex(*(float(part) for part in value["complex"]))
    if found is None:
        raise WireError("a message speaks of an object, and there is none")
    return found(value)


def _exactly(stream: Readable, count: int) -> bytes:
    parts, missing = [], count
    while missing:
        part = stream.read(min(missing, 2**20))
        if not part:
            raise EOFError
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
