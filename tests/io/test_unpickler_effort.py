"""Pickles that push the same thing again and again, to be copied or compared: neither time nor memory grows beyond the file."""

import io
import time
import tracemalloc

import pytest

from minicnn.errors import CheckpointError
from minicnn.io import load_weights
from minicnn.io.file import FileBytes
from minicnn.io.torch_tensor import NAMES
from minicnn.io.torch_tensor import storage as read_storage
from minicnn.io.unpickler import unpickle
from tests.io.pickles import archive, call, items, mapping, name, program, storage, tensor, value


def text(letters):
    return b"X" + len(letters).to_bytes(4, "little") + letters.encode()  # unlike `value`, without a place in the memo


SIZE, ORDERED, REBUILD = name("torch", "Size"), name("collections", "OrderedDict"), name("torch._utils", "_rebuild_tensor")
LONG = b"](" + 20_000 * b"N" + b"e\x85q\x000"  # 0: the arguments (one list,)
PAIRS = b"](" + b"".join(text(f"{i:x}") + b"N\x86" for i in range(1000)) + b"e\x85q\x000"
ONES = b"(" + 32 * b"K\x01" + b"t"
EQUAL = text(3_000_000 * "x") + b"q\x010" + text(3_000_000 * "x") + b"q\x020"  # 1 and 2: equal texts
AGAIN_AND_AGAIN = {
    "sizes": LONG + 10_000 * (SIZE + b"h\x00R"),
    "sizes that are allowed": ONES + b"\x85q\x000" + SIZE + b"q\x010" + 300_000 * b"h\x01h\x00R",
    "dicts": PAIRS + 5000 * (ORDERED + b"h\x00R"),
    "tensors": b"(" + storage() + b"K\x00" + ONES + ONES + b"tq\x000" + REBUILD + b"q\x010" + 100_000 * b"h\x01h\x00R",
    "equal names": EQUAL + b"}" + 50_000 * b"h\x01Nsh\x02Ns",
    "equal names in pairs": EQUAL + ORDERED + b"](" + 50_000 * b"h\x01N\x86h\x02N\x86" + b"e\x85R",
    "equal keys of storages": EQUAL + 10_000 * (items(text("storage"), name("torch", "FloatStorage"), b"h\x01", b"N", b"K\x06") + b"Q0"),
    "names that are not known": EQUAL + 20_000 * b"h\x01h\x02\x930",
    "numbers that collide in the memo": b"N" + b"".join(b"p%d\n" % (n * (2**61 - 1)) for n in range(30_000)),
}


@pytest.mark.parametrize("bomb", AGAIN_AND_AGAIN)
def test_what_was_written_once_is_not_worked_on_again_and_again(bomb, tmp_path):
    path = tmp_path / "hostile.pth"
    path.write_bytes(archive(program(AGAIN_AND_AGAIN[bomb])))
    started = time.process_time()
    with pytest.raises(CheckpointError):
        load_weights(path)
    assert time.process_time() - started < 2


@pytest.mark.parametrize("bomb", ["sizes", "sizes that are allowed", "dicts", "tensors"])
def test_what_was_written_once_is_not_kept_again_and_again(bomb, tmp_path):
    (tmp_path / "hostile.pth").write_bytes(archive(program(AGAIN_AND_AGAIN[bomb])))
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match=r"copies the same list again and again|has too many axes"):
            load_weights(tmp_path / "hostile.pth")
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()


def test_copies_that_pytorch_makes_are_allowed():
    pairs = b"](" + b"".join(items(text(f"w{i}"), tensor(function="_rebuild_tensor_v2")) for i in range(40)) + b"e"
    contents = program(mapping(size=call(SIZE, value(32 * (1,))), empty=call(SIZE), state_dict=call(ORDERED, pairs)))
    back = unpickle(FileBytes(io.BytesIO(contents)), NAMES, read_storage)
    assert back["size"] == 32 * (1,)
    assert back["empty"] == ()
    assert len(back["state_dict"]) == 40
