"""Messages between two processes: everything arrives as it was sent, and nothing else does anything."""

import io
import json
import math
import struct

import numpy as np
import pytest

from minicnn.course.sandbox import wire
from minicnn.course.sandbox.wire import WireError, read_message, write_message


def through(value):
    stream = io.BytesIO()
    write_message(stream, value)
    stream.seek(0)
    found = read_message(stream)
    assert stream.read() == b""
    return found


@pytest.mark.parametrize("value", [None, True, -3, 10**30, 0.1, math.inf, -math.inf, 2 + 3j, "ä\0\n", [], [1, [2, (3,)]], {"a": (1, None), 2: [], (1, 2): {"array": 0}}, {"object": 1}])
def test_plain_values(value):
    assert through(value) == value
    assert type(through(value)) is type(value)


@pytest.mark.parametrize("array", [np.arange(6.0).reshape(2, 3), np.array(5, np.int8), np.zeros((0, 3), bool), np.array([1 + 2j]), np.arange(12, dtype=">i4").reshape(3, 4).T, np.array([np.nan, -0.0], np.float32)])
def test_arrays(array):
    found = through({"x": array})["x"]
    np.testing.assert_array_equal(found, array, strict=True)
    found[...] = 1  # a copy of one's own


def test_numbers_of_numpy():
    assert math.isnan(through(float("nan")))
    assert type(through(np.float32(3))) is np.float32


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", np.array([object()]), np.array(["text"]), [print]])
def test_what_cannot_be_sent(value):
    with pytest.raises(WireError, match="cannot be sent: only numbers, texts, arrays"):
        write_message(io.BytesIO(), value)


def test_too_deep_and_too_large(monkeypatch):
    deep = []
    for _ in range(100):
        deep = [deep]
    with pytest.raises(WireError, match="more than 40 deep"):
        write_message(io.BytesIO(), deep)
    monkeypatch.setattr(wire, "MOST", 1000)
    with pytest.raises(WireError, match="is larger than"):
        write_message(io.BytesIO(), np.zeros(1000))


def message(head, rest=b""):
    head = head if isinstance(head, bytes) else json.dumps(head).encode()
    body = struct.pack(">I", len(head)) + head + rest
    return struct.pack(">I", len(body)) + body


@pytest.mark.parametrize("text", [
    struct.pack(">I", 2**32 - 1), struct.pack(">I", 0), message(b"no JSON"), message([1]), message({"value": 1}), message({"value": {"array": 0}, "arrays": []}),
    message({"value": {"array": 0, "scalar": False}, "arrays": [{"dtype": "<f8", "shape": [10**9]}]}), message({"value": {"array": 0, "scalar": False}, "arrays": [{"dtype": "<f8", "shape": [-1]}]}, b"x" * 8),
    message({"value": {"array": 0, "scalar": False}, "arrays": [{"dtype": "|O", "shape": [1]}]}, b"x" * 8), message({"value": {"strange": 1}, "arrays": []}), message({"value": {"dict": [[[1], 2]]}, "arrays": []}),
    message(b'{"value": [' + b"[]," * 1_500_000 + b'[]], "arrays": []}'), message(b'{"value": ' + b"[" * 5000 + b"]" * 5000 + b', "arrays": []}'),
], ids=range(13))  # fmt: skip
def test_what_is_no_message(text):
    with pytest.raises(WireError):
        read_message(io.BytesIO(text))


def test_a_stream_that_ends():
    whole = io.BytesIO()
    write_message(whole, [1, np.arange(3)])
    for length in range(len(whole.getvalue())):
        with pytest.raises(EOFError):
            read_message(io.BytesIO(whole.getvalue()[:length]))
