"""Pickles that want to run something, or to take all memory: refused in one sentence, and nothing has been run."""

import contextlib
import copyreg
import io
import os
import pickle
import tracemalloc

import pytest

from minicnn.errors import CheckpointError
from minicnn.io import load_weights
from minicnn.io import unpickler as module
from minicnn.io.file import FileBytes
from minicnn.io.torch_tensor import NAMES
from minicnn.io.unpickler import unpickle
from tests.io.pickles import archive, call, items, legacy, mapping, name, program, storage, tensor, value

FORMS = {"legacy": legacy, "zip": archive, "bare": lambda contents: contents}


@pytest.fixture(params=FORMS)
def load(request, tmp_path):
    """Put a pickle into a file of weights of this form, and load it."""

    def load(contents):
        path = tmp_path / "hostile.pth"
        path.write_bytes(FORMS[request.param](contents))
        return load_weights(path)

    return load


@pytest.fixture
def marker(tmp_path):
    """A file that exists only if something was run."""
    path = tmp_path / "executed"
    yield path
    assert not path.exists()


def attacks(marker):
    """Pickles that leave the marker when Python's own reader opens them, and what they call."""
    touch = f"touch {marker}"
    python = f"open({str(marker)!r}, 'w').close()"
    system = os.system.__module__  # "posix", or "nt" on Windows
    return {
        "os.system": program(call(name("os", "system"), value(touch))),
        f"{system}.system": program(call(name(system, "system"), value(touch))),
        "builtins.eval": program(call(name("builtins", "eval"), value(python))),
        "builtins.exec": program(mapping(state_dict=call(name("builtins", "exec"), value(python)))),
        "subprocess.call": program(call(name("subprocess", "call"), value(touch.split()))),
        "subprocess.getoutput": program(value("subprocess"), value("getoutput"), b"\x93", items(value(touch)), b"R"),
        "functools.partial": program(
            call(name("functools", "partial"), name("os", "system"), value(touch)), items(), b"R"
        ),
        "builtins.getattr": program(
            call(name("builtins", "getattr"), call(name("builtins", "__import__"), value("os")), value("system")), items(value(touch)), b"R"
        ),
        "builtins.map": program(
            call(name("builtins", "list"), call(name("builtins", "map"), name("os", "system"), value([touch])))
        ),
        "os.mkdir": b"(S" + repr(str(marker)).encode() + b"\nios\nmkdir\n.",  # INST, of protocol 0
        "os.makedirs": program(b"(", name("os", "makedirs"), value(str(marker)), b"o"),  # OBJ
        "pathlib.Path.touch": program(  # STACK_GLOBAL walks along the dots
            value("pathlib"), value("Path.touch"), b"\x93", items(call(name("pathlib", "PosixPath"), value(str(marker)))), b"R"
        ),
    }


ATTACKS = sorted(attacks("marker"))


@pytest.mark.skipif(os.name == "nt", reason="the commands are those of a POSIX shell")
@pytest.mark.parametrize("attack", ATTACKS)
def test_the_attacks_are_real(attack, tmp_path):
    marker = tmp_path / "executed"
    with contextlib.suppress(Exception):
        pickle.loads(attacks(marker)[attack])
    assert marker.exists()


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_an_attack_would_run_is_named_and_not_run(attack, load, marker):
    first = {"builtins.getattr": "builtins.__import__", "pathlib.Path.touch": "pathlib.PosixPath"}.get(attack, attack)
    with pytest.raises(CheckpointError, match=rf"hostile\.pth would run {first} when opened: refused; if it is a file of weights"):
        load(attacks(marker)[attack])


@pytest.mark.parametrize(
    "function",
    [
        ("torch", "load"), ("torch.hub", "load"), ("torch.storage", "_load_from_bytes"), ("torch._utils", "_rebuild_qtensor"),
        ("torch._utils._rebuild_tensor_v2", "__globals__"), ("torch", "_utils._rebuild_tensor_v2.__globals__.get"),
        ("collections", "OrderedDict.fromkeys"), ("collections OrderedDict", ""), ("collections", "namedtuple"), ("torch", "Size.__new__"),
        ("numpy.core.multiarray", "_reconstruct"), ("numpy.core.multiarray", "scalar"), ("_codecs", "encode"), ("pickle", "loads"),
        ("operator", "attrgetter"), ("builtins", "type"), ("builtins", "print"), ("copyreg", "_reconstructor"), ("minicnn.io", "load_weights"),
    ],
)  # fmt: skip
def test_only_the_names_of_the_table_are_known(function, load):
    for way in (name(*function), value(function[0]) + value(function[1]) + b"\x93"):
        with pytest.raises(CheckpointError, match=r"would run .* when opened: refused"):
            load(program(call(way, value("x"))))


def test_a_name_is_refused_even_if_it_is_not_used(load):
    for contents in (name("os", "system"), name("os", "system") + b"0" + mapping(w=tensor()), mapping(w=tensor(), f=name("os", "system"))):
        with pytest.raises(CheckpointError, match=r"asks for os\.system, which no file of weights needs: refused"):
            load(program(contents))


def test_the_table_holds_nothing_of_python():
    for allowed in NAMES.values():
        if isinstance(allowed, module.Allowed):
            assert allowed.call.__module__ == "minicnn.io.torch_tensor"


@pytest.mark.parametrize(
    ("contents", "sentence"),
    [
        (name("subprocess", "Popen") + value(("ls",)) + b"\x81", r"holds an object of the class subprocess\.Popen, which only that class's"),
        (name("my.nets", "Net") + b")\x81}b", r"the class my\.nets\.Net, .* save model\.state_dict\(\) with torch\.save"),
        (name("torch.nn.modules.container", "Sequential") + b")}\x92", r"the class torch\.nn\.modules\.container\.Sequential"),
        (name("collections", "OrderedDict") + b")\x81", "is damaged: it makes an object of something that is no class"),
        (value([]) + value({"__class__": 1}) + b"b", "sets attributes of something that can have none, which PyTorch never does: refused"),
        (tensor() + value({"storage": 1}) + b"b", "sets attributes of something that can have none"),
        (name("collections", "OrderedDict") + value({"call": 1}) + b"b", "sets attributes of something that can have none"),
        (value({}) + value([1]) + b"b", "sets attributes of something that can have none"),
        (call(value(3), value(4)), "is damaged: it calls something that is no function"),
        (call(name("torch", "FloatStorage"), value(4)), "is damaged: it calls something that is no function"),
        (b"(icollections\nOrderedDict\n", "uses the pickle instruction INST, which PyTorch never writes: refused"),
        (b"(" + name("collections", "OrderedDict") + b"o", "uses the pickle instruction OBJ, which PyTorch never writes: refused"),
        (call(name("torch", "Size"), value(33 * (1,))), "a size in it is none, or has too many axes"),
        (call(name("torch", "Size"), value(5)), "a size in it is none, or has too many axes"),
        (b"Np2000000\n", "stores a value under a number beyond 2,000,000, which PyTorch never does: refused"),
        (b"Np-1\n", "stores a value under a number beyond 2,000,000"),
        (mapping(**{1001 * "x": tensor()}), "has a name of 1,001 characters, which no weights have: refused"),
        (storage(key=1001 * "0"), "refers to numbers by a key that is no short text"),
        (b"P0\n", "uses the pickle instruction PERSID, which PyTorch never writes: refused"),
        (b"\x97", "the pickle instruction NEXT_BUFFER"),
        (value({}) + b"\x98", "the pickle instruction READONLY_BUFFER"),
        (items(value("module"), name("my.nets", "Net"), value("net.py"), value("import os")) + b"Q", "refers to something that is no tensor: a whole"),
        (value(7) + b"Q", "refers to something that is no tensor"),
        (storage(kind=("torch", "QInt8Storage")), r"numbers of the type torch\.QInt8Storage, which NumPy does not have"),
        (storage(kind=("os", "system")), r"numbers of the type os\.system, which NumPy does not have"),
        (call(name("os\x1b[2J" + 200 * "x", "system")), r"would run os\?\[2Jx{94}\.\.\. when"),
    ],
)  # fmt: skip
def test_what_else_is_refused(contents, sentence, load):
    with pytest.raises(CheckpointError, match=sentence) as caught:
        load(program(contents))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(("opcode", "width"), [("EXT1", 1), ("EXT2", 2), ("EXT4", 4)])
def test_names_by_number_are_refused(opcode, width, load, marker, monkeypatch):
    code = {"EXT1": b"\x82", "EXT2": b"\x83", "EXT4": b"\x84"}[opcode]
    copyreg.add_extension("os", "mkdir", 77)
    try:
        with pytest.raises(CheckpointError, match=f"uses the pickle instruction {opcode}, which PyTorch never writes"):
            load(program(code + (77).to_bytes(width, "little"), items(value(str(marker))), b"R"))
    finally:
        copyreg.remove_extension("os", "mkdir", 77)


LENGTHS = {
    "memo far out": b"Nr\xff\xff\xff\xff",
    "memo far out by text": b"Np99999999999999999999\n",
    "text of 1 EB": b"\x8d" + (2**60).to_bytes(8, "little") + b"abc",
    "bytes of 2 GB": b"B" + (2**31).to_bytes(4, "little") + b"abc",
    "integer of 2 GB": b"\x8b" + (2**31 - 1).to_bytes(4, "little"),
    "integer of negative size": b"\x8b" + (2**32 - 5).to_bytes(4, "little"),
    "integer with 1 MB of digits": b"L" + 1_000_000 * b"7" + b"L\n",
    "integer of 1 MB": mapping(w=tensor(size=(1, 1), strides=(1, 1), offset=1)).replace(
        value((1, 1)), items(b"\x8b" + (1_000_000).to_bytes(4, "little") + 1_000_000 * b"\x7f", value(1)), 1
    ),
    "frame of 1 EB": b"\x95" + (2**60).to_bytes(8, "little") + b"N",
    "laughs": b"Nq\x000" + 60 * (b"(" + 10 * b"h\x00" + b"lq\x000") + mapping(state_dict=b"h\x00"),
}


@pytest.mark.parametrize("bomb", LENGTHS)
def test_a_length_that_is_only_claimed_takes_no_memory(bomb, load):
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError):
            load(program(LENGTHS[bomb]))
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


DEEP = b")" + 150_000 * b"\x85"  # ((((...),),),): to hash, compare or show it overflows the stack of C and ends Python
AGAIN = DEEP + b"q\x00"
DEPTHS = {
    "dict key": b"}" + DEEP + b"Ns",
    "dict keys": b"}(" + DEEP + b"Nu",
    "pairs": call(name("collections", "OrderedDict"), b"]](" + DEEP + b"Nea"),
    "state dict": mapping(state_dict=DEEP),
    "tensor": mapping(w=call(name("torch._utils", "_rebuild_tensor"), AGAIN, b"h\x00h\x00h\x00")),
    "size": mapping(w=call(name("torch._utils", "_rebuild_tensor"), storage(), value(0), AGAIN, b"h\x00")),
    "reference": DEEP + b"Q",
    "parts of a reference": b"(" + AGAIN + b"h\x00h\x00h\x00h\x00tQ",
    "key of a reference": items(value("storage"), name("torch", "FloatStorage"), DEEP, value("cpu"), value(6)) + b"Q",
    "type of a reference": items(value("storage"), DEEP, value("0"), value("cpu"), value(6)) + b"Q",
    "module": DEEP + value("system") + b"\x93",
    "function": value("os") + DEEP + b"\x93",
    "called": DEEP + b")R",
    "arguments": name("collections", "OrderedDict") + DEEP + b"R",
    "attributes": b"}" + DEEP + b"b",
    "object": DEEP + b")\x81",
    "marks": 150_000 * b"(",
    "dicts": 150_000 * b"}",
    "lists": 150_000 * b"]" + 149_999 * b"a",
    "numbers that collide as keys": b"}(" + b"".join(b"\x8a\x0a" + (n * (2**61 - 1)).to_bytes(10, "little") + b"N" for n in range(30_000)) + b"u",
}


@pytest.mark.parametrize("bomb", DEPTHS)
def test_nesting_ends_neither_python_nor_patience(bomb, tmp_path):
    path = tmp_path / "hostile.pth"
    path.write_bytes(archive(program(DEPTHS[bomb])))
    with pytest.raises(CheckpointError):
        load_weights(path)


@pytest.mark.parametrize("bomb", ["magic", "version", "keys"])
def test_nesting_in_the_other_pickles_of_an_old_file(bomb, tmp_path):
    path, deep = tmp_path / "hostile.pth", program(DEEP)
    whole = legacy(program(mapping(w=tensor())))
    start = {"magic": 0, "version": whole.index(b".") + 1, "keys": whole.index(pickle.dumps(["0"], 2))}[bomb]
    path.write_bytes(whole[:start] + deep + whole[start:])
    with pytest.raises(CheckpointError, match=r"none that torch\.save has written|of another version|list of storages does not fit"):
        load_weights(path)


def test_a_pickle_without_end_is_broken_off(monkeypatch, load):
    monkeypatch.setattr(module, "LIMIT", 1000)
    with pytest.raises(CheckpointError, match=r"a list of contents of more than 1,000 instructions, which no network needs"):
        load(program(1000 * b"N"))


@pytest.mark.parametrize("protocol", range(6))
def test_plain_data_comes_back_in_every_protocol(protocol):
    data = {"a": [1, -2, 2**70, 2.5, None, True, False], "b": ("", "Σ", (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)), "c": {"d": {}}, "e": []}
    data["again"] = data["a"]
    file = FileBytes(io.BytesIO(pickle.dumps(data, protocol) + b"behind"))
    back = unpickle(file, {}, print)
    assert back == data
    assert back["again"] is back["a"]
    assert file.read(100) == b"behind"


def test_what_python_writes_as_sets_and_bytes_is_plain_data():
    data = {"s": {1, 2}, "f": frozenset([3]), "b": b"\x00\xff", "B": bytearray(b"12"), 5: "left out", None: "too"}
    file = FileBytes(io.BytesIO(pickle.dumps(data, 5)))
    assert unpickle(file, {}, print) == {"s": [1, 2], "f": (3,), "b": b"\x00\xff", "B": bytearray(b"12")}


@pytest.mark.parametrize(
    "contents",
    [b"0", b"t", b"\x85", b"\x86N", b"R", b"NR", b"b", b"Nb", b"a", b"Na", b"N(e", b"s", b"(u", b"N(Nu", b"(Nd", b"2", b"h\x07", b"q\x00", b"\x93",
     b"N\x93", b"\x94", b"(", b"", b"\xff", b"I\n", b"Fx\n", b"S'\\x\n", b"X\x02\x00\x00\x00\xff\xff", b"\x81", b"(o", b"Q", b"1"],
)  # fmt: skip
def test_nonsense_is_called_damaged(contents):
    with pytest.raises(CheckpointError, match=r"is damaged|refers to something|asks for"):
        unpickle(FileBytes(io.BytesIO(program(contents))), NAMES, lambda reference: reference)
