"""Both forms of PyTorch's files: every type and layout comes back, and whatever does not fit together is refused."""

import struct
import subprocess
import sys
import warnings
import zipfile

import numpy as np
import pytest

from minicnn.errors import CheckpointError
from minicnn.io import load_weights
from tests.io import torch_samples
from tests.io.pickles import archive, items, legacy, mapping, name, program, storage, tensor, value
from tests.io.torch_samples import FILES, FORMS, expected


@pytest.fixture
def load(tmp_path):
    def load(data):
        path = tmp_path / "a.pth"
        path.write_bytes(data)
        return load_weights(path)

    return load


def assert_equal(arrays, others):
    assert arrays.keys() == others.keys()
    for key, array in arrays.items():
        np.testing.assert_array_equal(array, others[key], err_msg=key, strict=True)
        assert array.dtype.isnative
        assert array.flags.c_contiguous
        assert array.flags.writeable


@pytest.mark.parametrize("form", FORMS)
def test_every_type_and_layout_comes_back(form):
    assert_equal(load_weights(FILES / form), expected())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_what_the_installed_pytorch_writes_comes_back(form, protocol, tmp_path):
    torch = pytest.importorskip("torch")
    torch.save(torch_samples.make(torch), tmp_path / form, pickle_protocol=protocol, **FORMS[form])
    assert_equal(load_weights(tmp_path / form), expected())


@pytest.mark.parametrize("form", FORMS)
def test_a_whole_network_is_refused_by_its_class(form, tmp_path):
    torch = pytest.importorskip("torch")
    network = torch.nn.Sequential(torch.nn.Linear(2, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns that the source of some class cannot be found
        torch.save({"model": network}, tmp_path / form, **FORMS[form])
    with pytest.raises(CheckpointError, match=r"torch\.nn\.modules\.container\.Sequential, .*code can rebuild.*|whole network, perhaps") as caught:
        load_weights(tmp_path / form)
    assert "save model.state_dict() with torch.save" in str(caught.value)


def test_numbers_without_a_type_in_numpy_are_refused(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save({"w": torch.zeros(2).to(torch.float8_e5m2)}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match=r"numbers of the type torch\.float8_e5m2, which NumPy does not have: convert them"):
        load_weights(tmp_path / "a.pth")


@pytest.mark.parametrize("function", ["_rebuild_tensor", "_rebuild_tensor_v2"])
@pytest.mark.parametrize("form", [legacy, archive])
def test_files_put_together_by_hand(form, function, load):
    contents = program(mapping(w=tensor(function=function), t=tensor(size=(3, 2), strides=(1, 3), function=function)))
    grid = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert_equal(load(form(contents)), {"w": grid, "t": grid.T})


def test_any_folder_and_either_byte_order(load):
    contents, numbers = program(mapping(w=tensor())), np.arange(6, dtype=np.float32).reshape(2, 3)
    for folder in ("archive/", "", "deep/er/"):
        assert_equal(load(archive(contents, folder=folder)), {"w": numbers})
    assert_equal(load(archive(contents, byteorder=None)), {"w": numbers})
    assert_equal(load(archive(contents, {"0": struct.pack(">6f", *range(6))}, byteorder=b"big")), {"w": numbers})
    with pytest.raises(CheckpointError, match="its byte order is neither little nor big"):
        load(archive(contents, byteorder=b"middle"))


def test_an_old_file_whose_storages_are_parts_of_others(load):
    part = items(value("view"), value(2), value(3))
    contents = program(mapping(w=tensor(storage(part=part), offset=1, size=(2,), strides=(1,))))
    assert_equal(load(legacy(contents)), {"w": np.float32([3, 4])})
    with pytest.raises(CheckpointError, match="a part of its numbers goes beyond their end"):
        load(legacy(program(mapping(w=tensor(storage(part=items(value("view"), value(4), value(3))))))))
    for wrong in (value(()), value(3), value((1, 2))):
        with pytest.raises(CheckpointError, match="does not say which part of its numbers is meant"):
            load(legacy(program(mapping(w=tensor(storage(part=wrong))))))
    with pytest.raises(CheckpointError, match="goes beyond the end of its numbers"):
        load(legacy(program(mapping(w=tensor(storage(part=part), size=(4,), strides=(1,))))))


BEYOND = "a tensor in it goes beyond the end of its numbers"
NO_COUNT = "a size, an offset or a stride in it is no count"
HUGE = 2**61


@pytest.mark.parametrize("form", [legacy, archive])
@pytest.mark.parametrize(
    ("contents", "sentence"),
    [
        (tensor(offset=1), BEYOND),
        (tensor(size=(2, 4)), BEYOND),
        (tensor(strides=(4, 1)), BEYOND),
        (tensor(offset=HUGE), BEYOND),
        (tensor(size=(HUGE, HUGE), strides=(0, 0)), BEYOND),
        (tensor(size=(HUGE, HUGE, 0), strides=(1, 1, 1)), BEYOND),
        (tensor(size=(3,), strides=(HUGE,)), BEYOND),
        (tensor(offset=-1), NO_COUNT),
        (tensor(size=(-1, 3)), NO_COUNT),
        (tensor(strides=(3, -1)), NO_COUNT),
        (tensor(offset=2**70), NO_COUNT),
        (tensor(offset=True), NO_COUNT),
        (tensor(offset=1.0), NO_COUNT),
        (tensor(size=("2", 3)), NO_COUNT),
        (tensor(storage(count=-6)), NO_COUNT),
        (tensor(storage(count="6")), NO_COUNT),
        (tensor(size=(6,)), "has no storage, no size, or no strides"),
        (tensor(size=6, strides=1), "has no storage, no size, or no strides"),
        (tensor(size=33 * (1,), strides=33 * (1,)), "has no storage, no size, or no strides"),
        (tensor(value("0")), "has no storage, no size, or no strides"),
        (tensor(storage(key=5)), "by a key that is no short text"),
        (tensor(items(value("storage"), value("f4"), value("0"), value("cpu"), value(6)) + b"Q"), "does not say of which type its numbers are"),
        (items(tensor(), tensor()), "holds no state dict"),
        (tensor(size=(10**8,), strides=(0,)), r"has \d+ bytes, but its tensors would take 400,000,000: refused"),
        (tensor(storage("gone")), "the numbers gone are missing|list of storages does not fit"),
        (tensor(storage(count=7), offset=1), "28 bytes of numbers should be there, and are 24|7 numbers should be there, and are 6"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_refused(form, contents, sentence, load):
    with pytest.raises(CheckpointError, match=sentence):
        load(form(program(mapping(w=contents))))


def test_a_tensor_alone_has_no_name(load):
    for form in (legacy, archive):
        with pytest.raises(CheckpointError, match="holds a single tensor without a name, not a state dict"):
            load(form(program(tensor())))


def test_steps_that_are_never_made_may_be_anything(load):
    arrays = load(archive(program(mapping(w=tensor(size=(1, 3), strides=(HUGE, 1)), e=tensor(size=(4, 0), strides=(HUGE, HUGE))))))
    assert_equal(arrays, {"w": np.float32([[0, 1, 2]]), "e": np.zeros((4, 0), np.float32)})


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (legacy(program(mapping(w=tensor())), keys=["0", "1"]), "its list of storages does not fit its contents"),
        (legacy(program(mapping(w=tensor())), keys=7), "its list of storages does not fit its contents"),
        (legacy(program(mapping(w=tensor())), {"0": (2**63 - 1, b"")}), "was cut off"),
        (legacy(program(mapping(w=tensor())))[:-1], r"was cut off: it has \d+ bytes, and should have \d+"),
        (legacy(program(mapping(w=tensor())))[:-24], r"was cut off: it has \d+ bytes, and should have \d+"),
        (legacy(program(mapping(w=tensor())))[:-28], "was cut off: it ends at byte"),
        (legacy(program(mapping(w=tensor())))[:-60], "is damaged or was cut off: its list of contents cannot be read to the end"),
        (legacy(program(mapping(w=tensor(), v=tensor(storage(kind=("torch", "DoubleStorage")))))), "the same numbers are of two types"),
    ],
)  # fmt: skip
def test_old_files_that_are_damaged(data, sentence, load):
    with pytest.raises(CheckpointError, match=sentence):
        load(data)


def twice(data):
    """The archive with its last entry's name changed to that of the entry before."""
    return data.replace(b"archive/data/1", b"archive/data/0")


def encrypted(data):
    """The archive with the flag of encryption in its directory."""
    place = data.index(b"PK\x01\x02")
    return data[: place + 8] + b"\x01" + data[place + 9 :]


GOOD = program(mapping(w=tensor()))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (archive(GOOD, {"0": bytes(24), "1": bytes(24)}), ""),
        (twice(archive(GOOD, {"0": bytes(24), "1": bytes(24)})), "its archive has two entries archive/data/0"),
        (encrypted(archive(GOOD)), "has a compressed or encrypted entry archive/data.pkl: torch.save never writes one"),
        (archive(GOOD, compression=zipfile.ZIP_DEFLATED), "has a compressed or encrypted entry"),
        (archive(GOOD, {"0": bytes(20)}), "24 bytes of numbers should be there, and are 20"),
        (archive(GOOD, {}), "the numbers 0 are missing"),
        (archive(GOOD, code__net__py=b"def forward(self): ...", constants_pkl=b""), "is a TorchScript archive, a program rather than weights"),
        (archive(GOOD, other__data_pkl=GOOD), "its archive has 2 entries called data.pkl"),
        (archive(GOOD)[:-1], "is damaged, or was cut off while it was copied"),
        (archive(GOOD)[:200], "is damaged, or was cut off while it was copied"),
        (archive(GOOD).replace(b"PK\x03\x04", b"PK\x03\x05").replace(b"PK\x03\x05", b"PK\x03\x04", 1), "is not where the archive says"),
        (archive(b""), "its list of contents cannot be read to the end"),
        (archive(GOOD[:-1]), "its list of contents cannot be read to the end"),
    ],
)  # fmt: skip
def test_archives_that_are_damaged_or_of_another_kind(data, sentence, load):
    if sentence:
        with pytest.raises(CheckpointError, match=sentence):
            load(data)
    else:
        assert load(data)["w"].shape == (2, 3)


def test_unused_names_of_types_are_allowed(load):
    assert load(archive(program(mapping(w=tensor(), kind=name("torch", "bfloat16"), storage=name("torch", "HalfStorage")))))["w"].shape == (2, 3)


def test_nothing_is_imported_by_the_names_in_a_file():
    code = f"import sys\nfrom minicnn.io import load_weights\nfor form in {list(FORMS)}: load_weights({str(FILES)!r} + '/' + form)\nprint('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
