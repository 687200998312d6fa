"""A checkpoint: one .safetensors file with a network's weights and all that is needed to use it or to train on.

The arrays lie in the file by dotted name (`model.c1.weight`, `optimizer.arrays.0.momentum`), so that any program that reads
safetensors can list them. Everything else, from the name of the network to the random generator, is one JSON text in the
file's metadata, where `{"array": NAME}` stands for an array. Nothing in it is ever executed, unlike in a pickle.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minicnn import checks
from minicnn.errors import CheckpointError
from minicnn.io.arrays import without_bfloat16
from minicnn.io.atomic import write_atomically
from minicnn.io.file import require_file
from minicnn.kernels.types import Array

FORMAT = 1  # raised when a newer file could no longer be read by older code
KEY = "minicnn"  # the one entry of the file's metadata
_NEEDED = ("model", "network")


def save_checkpoint(path: str | os.PathLike[str], contents: Mapping[str, Any]) -> None:
    """Write a checkpoint. Until the new file is complete and on the disk, an old one of the same name stays as it is.

    Args:
        path: the file; its folder must exist.
        contents: nested dicts and lists of arrays, numbers, texts and None. Two entries are needed: `model`, a state dict,
            and `network`, with the `name` and `kwargs` for `minicnn.models.create`. If they are there, `dataset` is a
            text and `epoch` a count.

    Raises:
        CheckpointError: an entry is missing or of another type, or the file cannot be written.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "net.safetensors")
        >>> save_checkpoint(path, {"model": {"w": np.eye(2)}, "network": {"name": "LeNet5", "kwargs": {}}})
        >>> load_checkpoint(path)["model"]["w"].shape
        (2, 2)
    """
    from safetensors.numpy import save

    path = Path(path)
    missing = [name for name in _NEEDED if name not in contents]
    if missing:
        raise CheckpointError(f"a checkpoint needs the entries {' and '.join(_NEEDED)}; {', '.join(missing)} is missing")
    if flaw := _flaw(contents):
        raise CheckpointError(f"a checkpoint cannot be made of this: {flaw}")
    arrays: dict[str, Array] = {}
    text = json.dumps({"format": FORMAT, **{key: _pack(value, key, arrays) for key, value in contents.items()}})
    write_atomically(path, "checkpoint", [save(arrays, metadata={KEY: text})])


def load_checkpoint(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The contents of a checkpoint, as they were given to `save_checkpoint`.

    Raises:
        CheckpointError: the file is missing, cut off, no checkpoint of minicnn, or of a newer version.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "net.safetensors")
        >>> save_checkpoint(path, {"model": {"w": np.eye(2)}, "network": {"name": "LeNet5", "kwargs": {}}, "epoch": 3})
        >>> load_checkpoint(path)["epoch"]
        3
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    require_file(path, "checkpoint", CheckpointError)
    try:
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get(KEY)
            arrays = {name: without_bfloat16(file.get_tensor(name)) for name in file.keys()} if text else {}  # noqa: SIM118 - not a dict
    except SafetensorError as error:
        raise CheckpointError(f"{path} is not a checkpoint, or was cut off while it was copied ({error})") from None
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}") from None
    except (TypeError, AttributeError) as error:
        raise CheckpointError(f"{path} holds numbers of a type that NumPy does not have: {error}") from None
    if text is None:
        raise CheckpointError(f"{path} holds arrays but is no checkpoint: another program than minicnn wrote it")
    return _contents(path, text, arrays)


def _contents(path: Path, text: str, arrays: dict[str, Array]) -> dict[str, Any]:
    try:
        packed = json.loads(text)
        newer = packed.pop("format") > FORMAT
        contents = {key: _unpack(value, arrays) for key, value in packed.items()}
        flaw = None if newer else _flaw(contents)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        newer, flaw, contents = False, "its metadata is incomplete", {}
    if newer:
        raise CheckpointError(f"{path} was written by a newer version of minicnn, in a format that this one cannot read: update minicnn")
    if flaw:
        raise CheckpointError(f"{path} is a damaged checkpoint: {flaw}")
    return contents


def _flaw(contents: Mapping[str, Any]) -> str | None:
    """What is wrong with the entries that others rely on, if anything."""
    network, model = contents["network"], contents["model"]
    if not (isinstance(network, Mapping) and isinstance(network.get("name"), str) and isinstance(network.get("kwargs"), Mapping)):
        return "its entry network must have a name, which is a text, and kwargs, which are a dict"
    if not (isinstance(model, Mapping) and all(isinstance(array, np.ndarray) for array in model.values())):
        return "its entry model must be a dict of arrays"
    if not isinstance(contents.get("dataset", ""), str):
        return f"its entry dataset must be a name, not {contents['dataset']!r:.80}"
    epoch = contents.get("epoch", 0)
    return None if checks.is_integer(epoch) and epoch >= 0 else f"its entry epoch must be a count, not {epoch!r:.80}"


def _pack(value: Any, path: str, arrays: dict[str, Array]) -> Any:
    """`value` as JSON can hold it; arrays move to `arrays`, under their dotted path."""
    if isinstance(value, np.ndarray):
        arrays[path] = np.asarray(without_bfloat16(value), order="C")
        return {"array": path}
    if isinstance(value, Mapping):
        return {str(key): _pack(item, f"{path}.{key}", arrays) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_pack(item, f"{path}.{i}", arrays) for i, item in enumerate(value)]
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise CheckpointError(f"a checkpoint holds arrays, numbers and texts, but {path} is a {type(value).__name__}")


def _unpack(value: Any, arrays: dict[str, Array]) -> Any:
    if isinstance(value, dict):
        return arrays[value["array"]] if value.keys() == {"array"} else {key: _unpack(item, arrays) for key, item in value.items()}
    return [_unpack(item, arrays) for item in value] if isinstance(value, list) else value
