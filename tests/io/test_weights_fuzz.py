"""Files that have been cut off, or some of whose bytes are wrong: arrays or one sentence, soon, and nothing else."""

import io
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from minicnn.errors import CheckpointError
from minicnn.io import load_weights
from tests.io.torch_samples import FILES, expected

MEMORY = 150_000_000  # bytes: what MOST_READ and MOST_UNPACKED allow, and the copy that becomes float32


def npz():
    file = io.BytesIO()
    np.savez_compressed(file, **expected())
    return file.getvalue()


SAMPLES = {
    "zip": (FILES / "zip.pth").read_bytes(),
    "legacy": (FILES / "legacy.pth").read_bytes(),
    "safetensors": save({name: np.array(array, order="C") for name, array in expected().items() if array.dtype.kind != "c"}),
    "npz": npz(),
}
few_examples = settings(max_examples=150, deadline=None, derandomize=True, database=None)


def check(folder, data):
    """Load `data` as a file: arrays of numbers come out, or one sentence."""
    path = folder / "a"
    path.write_bytes(data)
    tracemalloc.start()
    arrays, said = {}, f"{path} is right"
    try:
        arrays = load_weights(path)
    except CheckpointError as error:
        said = str(error)
    finally:
        assert tracemalloc.get_traced_memory()[1] < MEMORY
        tracemalloc.stop()
    assert said.startswith(f"{path} ")
    assert said.isprintable()
    assert all(array.dtype.kind in "fiubc" and array.dtype.isnative for array in arrays.values())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@pytest.mark.parametrize("form", SAMPLES)
def test_files_that_were_cut_off(form, folder):
    whole = SAMPLES[form]
    steps = range(0, len(whole), max(1, len(whole) // 150))
    for size in [*steps, *range(len(whole) - 40, len(whole))]:
        check(folder, whole[:size])
        with pytest.raises(CheckpointError):
            load_weights(folder / "a")


@pytest.mark.parametrize("form", SAMPLES)
def test_files_with_wrong_bytes(form, folder):
    whole = SAMPLES[form]

    @few_examples
    @given(st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(1, 255)), min_size=1, max_size=4))
    def examples(flips):
        data = bytearray(whole)
        for place, change in flips:
            data[place] ^= change
        check(folder, bytes(data))

    examples()


@pytest.mark.parametrize("form", SAMPLES)
def test_files_with_pieces_put_in_or_left_out(form, folder):
    whole = SAMPLES[form]
    place = st.integers(0, len(whole))
    rubbish = st.binary(max_size=12) | st.sampled_from([b"\xff" * 8, bytes(8), b"cos\nsystem\n", b"(", b"R", b".", b"\x95" + b"\xff" * 8])

    @few_examples
    @given(place, place, rubbish)
    def examples(first, last, piece):
        check(folder, whole[: min(first, last)] + piece + whole[max(first, last) :] if abs(first - last) < 200 else whole[:first] + piece + whole[first:])

    examples()


@pytest.mark.parametrize("beginning", [b"", b"\x80\x02", b"PK\x03\x04", b"\x10\0\0\0\0\0\0\0{", SAMPLES["legacy"][:15]])
def test_files_of_chance(beginning, folder):
    @few_examples
    @given(st.binary(max_size=300))
    def examples(rest):
        check(folder, beginning + rest)

    examples()
