"""Pickles put together instruction by instruction, and the files of PyTorch around them: without PyTorch, and with any mistake."""

import io
import pickle
import struct
import zipfile

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001


def program(*parts):
    """A whole pickle that makes one value."""
    return b"\x80\x04" + b"".join(parts) + b"."


def value(thing):
    """Instructions that push a number, a text, bytes, a list, ..."""
    return pickle.dumps(thing, 2)[2:-1]


def name(module, attribute):
    return f"c{module}\n{attribute}\n".encode()


def items(*parts):
    """A tuple of what the parts push."""
    return b"(" + b"".join(parts) + b"t"


def call(function, *arguments):
    return function + items(*arguments) + b"R"


def mapping(**entries):
    return b"}(" + b"".join(value(key) + pushed for key, pushed in entries.items()) + b"u"


def storage(key="0", count=6, kind=("torch", "FloatStorage"), part=None):
    rest = [] if part is None else [part]
    return items(value("storage"), name(*kind), value(key), value("cpu"), value(count), *rest) + b"Q"


def tensor(stored=None, offset=0, size=(2, 3), strides=(3, 1), function="_rebuild_tensor"):
    rest = [value(False), call(name("collections", "OrderedDict"))] if function.endswith("v2") else []
    return call(name("torch._utils", function), stored or storage(), value(offset), value(size), value(strides), *rest)


def legacy(contents, numbers=None, keys=None):
    """A file of before PyTorch 1.6; `numbers` are (count, bytes) by key."""
    numbers = {"0": (6, struct.pack("<6f", *range(6)))} if numbers is None else numbers
    sizes = {"protocol_version": VERSION, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    head = [pickle.dumps(thing, 2) for thing in (MAGIC, VERSION, sizes)]
    stored = [struct.pack("<q", count) + data for count, data in numbers.values()]
    return b"".join([*head, contents, pickle.dumps(list(numbers) if keys is None else keys, 2), *stored])


def archive(contents, numbers=None, folder="archive/", compression=zipfile.ZIP_STORED, byteorder=b"little", **others):
    """A file of PyTorch 1.6 or newer; `numbers` are bytes by key, `others` more entries of the archive."""
    numbers = {"0": struct.pack("<6f", *range(6))} if numbers is None else numbers
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", compression) as file:
        file.writestr(f"{folder}data.pkl", contents)
        if byteorder is not None:
            file.writestr(f"{folder}byteorder", byteorder)
        for key, data in numbers.items():
            file.writestr(f"{folder}data/{key}", data)
        for entry, data in others.items():
            file.writestr(folder + entry.replace("__", "/").replace("_pkl", ".pkl"), data)
    return whole.getvalue()
