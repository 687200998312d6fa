"""Arrays in pickles: as Python 2 and 3 write them; and what else a pickle may ask for is refused."""

import io
import pickle
import struct

import numpy as np
import pytest

from minicnn.errors import CheckpointError
from minicnn.io.file import FileBytes
from minicnn.io.numpy_pickle import unpickle_arrays


def read(data):
    return unpickle_arrays(FileBytes(io.BytesIO(data)))


def python2(data, shape, code=b"u1", order=b"|", entry=b"data", fortran=False):
    """A dict with one array, instruction by instruction as Python 2 wrote CIFAR's: texts are bytes."""

    def text(value):
        return b"T" + struct.pack("<I", len(value)) + value

    numbers = b"(" + b"".join(b"J" + struct.pack("<i", n) for n in shape) + b"t"
    kind = b"cnumpy\ndtype\n(" + text(code) + b"K\x00K\x01tR(K\x03" + text(order) + b"NNN" + b"J\xff\xff\xff\xff" * 2 + b"K\x00tb"
    made = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00t" + text(b"b") + b"tR"
    state = b"(K\x01" + numbers + kind + (b"\x88" if fortran else b"\x89") + text(data) + b"tb"
    return b"\x80\x02}" + text(entry) + made + state + b"s."


ARRAYS = {
    "data": np.arange(24, dtype=np.uint8).reshape(4, 6),
    "columns first": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "empty": np.zeros((0, 3), np.int64),
    "large": np.arange(5, dtype=">i4"),
}


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_as_python_3_writes_them(protocol):
    found = read(pickle.dumps({**ARRAYS, "labels": [3, 1], "name": "batch 1"}, protocol))
    assert (found["labels"], found["name"]) == ([3, 1], "batch 1")
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype.newbyteorder("=")


def test_as_python_2_wrote_them():
    data = bytes(range(250, 256)) + bytes(6)
    np.testing.assert_array_equal(read(python2(data, (3, 4)))["data"], np.frombuffer(data, np.uint8).reshape(3, 4))
    np.testing.assert_array_equal(read(python2(data, (3, 4), fortran=True))["data"], np.frombuffer(data, np.uint8).reshape(4, 3).T)
    np.testing.assert_array_equal(read(python2(b"\x01\x00\x02\x00", (2,), b"i2", b"<"))["data"], [1, 2])


def test_the_same_bytes_are_not_used_again_and_again():
    """A pickle of 100 KB that asks for a thousand copies of the text in it."""
    text = b"X" + struct.pack("<I", 100_000) + b"x" * 100_000
    again = b"h\x00h\x01h\x02\x86R0" * 1000
    with pytest.raises(CheckpointError, match="the same bytes again and again"):
        read(b"\x80\x02c_codecs\nencode\nq\x00" + text + b"q\x01U\x06latin1q\x02" + again + b"}.")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (python2(bytes(11), (3, 4)), r"an array of shape \(3, 4\) has 11 bytes"),
        (pickle.dumps({"a": [np.zeros(3, np.uint8)]}, 4), "holds an array inside of a list or a dict: refused"),
        (pickle.dumps({"a": np.dtype("u1")}, 4), "holds an array inside"),
        (pickle.dumps({"a": np.zeros((0, 2**41), np.uint8)}, 4), r"an array of shape \(0, 2199023255552\) has 0 bytes"),
        (b"\x80\x02}U\x01ac_codecs\nencode\nX\x03\x00\x00\x00\xe2\x82\xacU\x06latin1\x86Rs.", "bytes are written in no known way"),
        (python2(b"", (-1, 0)), "the state of an array makes no sense"),
        (python2(bytes(8), (1,), b"O8"), "elements O8, which are no numbers: refused"),
        (python2(b"", (0,)).replace(b"_reconstruct\n", b"_reconstruct2\n"), r"would run numpy.core.multiarray._reconstruct2 when opened: refused"),
        (pickle.dumps({"data": print}), "asks for builtins.print"),
        (pickle.dumps([1, 2]), "is a pickle, but not of a dict"),
        (b"\x80\x02}U\x01acnumpy.core.multiarray\n_reconstruct\n)Rs.", "an array has no values"),
        (b"\x80\x02}U\x01aU\x01bQs.", "refers to objects outside of the file: refused"),
        (b"\x80\x02}U\x01ac_codecs\nencode\nU\x01bU\x05utf16\x86Rs.", "bytes are written in no known way"),
        (python2(bytes(12), (3, 4))[:-10], "is damaged or was cut off"),
    ],
)
def test_what_is_refused(data, sentence):
    with pytest.raises(CheckpointError, match=sentence):
        read(data)
