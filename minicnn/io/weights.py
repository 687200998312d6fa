"""Files of weights: from whatever form to arrays by name, and back. Nothing in a file is ever executed.

Which form a file has is decided by its contents; its ending does not matter.
"""

import errno
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.checks import is_numeric
from minicnn.errors import CheckpointError
from minicnn.io.arrays import npz_bytes, read_npz, read_safetensors, safetensors_bytes
from minicnn.io.atomic import write_atomically
from minicnn.io.checkpoint import KEY
from minicnn.io.file import FileBytes, require_file
from minicnn.io.torch_file import DAMAGED_ZIP, Reader, open_legacy, open_zip
from minicnn.io.torch_tensor import StoredTensor
from minicnn.io.unpickler import is_key, printable
from minicnn.kernels.types import Array

WRAPPERS = ("state_dict", "model_state_dict", "model")  # entries under which training programs keep the state dict
PREFIXES = ("module.", "model.", "_orig_mod.")  # of DataParallel, of training programs, of torch.compile
MOST_READ = 64_000_000, 4  # tensors may take so many bytes, or so many times the size of their file
AVERAGES = "average.averages."  # what the names of averaged weights begin with in a checkpoint
ENDINGS = (".safetensors", ".npz")
NO_WEIGHTS = {  # what a file begins with that is none
    b"<!doctype": "a web page: the download has gone wrong",
    b"<html": "a web page: the download has gone wrong",
    b"version https://git-lfs": "a pointer of Git LFS: `git lfs pull` fetches the file itself",
}


def load_weights(path: str | os.PathLike[str]) -> dict[str, Array]:
    """The arrays in a file of weights, by their names in the state dict.

    Files: .safetensors, also minicnn's own checkpoints (the network's arrays only, and their averages over the steps where there are any); .npz; and what `torch.save` has written, whether it
    is called .pth, .pt, .th, .bin or .model, in the zip archives of PyTorch 1.6 and newer and in the older form. PyTorch is not needed.

    A state dict inside another dict is found under "state_dict", "model_state_dict" or "model"; entries that are not tensors (epochs,
    accuracies) are left out; and "module.", "model." or "_orig_mod." is cut off names if all have it. Half-precision numbers (float16,
    bfloat16) become float32.

    Nothing in the file is executed. A pickle may use the few names that tensors need, which are played by this package's own functions
    (`io.torch_tensor.NAMES`); if it asks for anything else, the file is refused, and the message says what it would have run.

    Args:
        path: the file.

    Raises:
        CheckpointError: the file is missing, damaged, cut off, of another kind, wants to run something, or claims to hold far more than
            its size allows.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "net.npz")
        >>> np.savez(path, **{"module.fc.weight": np.eye(2, dtype=np.float16)})
        >>> load_weights(path)
        {'fc.weight': array([[1., 0.],
               [0., 1.]], dtype=float32)}
    """
    path = Path(path)
    require_file(path, "file of weights", CheckpointError)
    try:
        with path.open("rb") as file:
            arrays = _plain_names(_read(FileBytes(file)))
    except CheckpointError as error:
        raise CheckpointError(f"{path} {error.message}") from None
    except OSError as error:
        raise CheckpointError(f"the file of weights {path} cannot be read: {error.strerror or error}") from None
    except MemoryError:
        raise CheckpointError(f"{path} needs more memory than there is") from None
    return {name: array.astype(np.float32) if array.dtype == np.float16 else array for name, array in arrays.items()}


def save_weights(path: str | os.PathLike[str], state: Mapping[str, Any]) -> None:
    """Write arrays by name into a .safetensors or .npz file. Until it is complete, an old file of the same name stays as it is.

    Args:
        path: the file; its ending says which of the two.
        state: a state dict.

    Raises:
        CheckpointError: the ending is another, an entry is no array of numbers, or the file cannot be written.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "net.safetensors")
        >>> save_weights(path, {"fc.bias": np.zeros(3)})
        >>> load_weights(path)
        {'fc.bias': array([0., 0., 0.])}
    """
    path = Path(path)
    if path.suffix.lower() not in ENDINGS:
        raise CheckpointError(f"{path} must end in {' or '.join(ENDINGS)}: other forms are read, but not written")
    arrays = {str(name): np.asarray(value) for name, value in state.items()}
    for name, array in arrays.items():
        if not is_numeric(array.dtype):
            raise CheckpointError(f"a file of weights holds arrays of numbers, but {name} is {array.dtype}")
    data = safetensors_bytes(arrays) if path.suffix.lower() == ".safetensors" else npz_bytes(arrays)
    write_atomically(path, "file of weights", [data])


def _read(file: FileBytes) -> dict[str, Array]:
    head = file.read(512)
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _read_zip(file)
    if head[8:9] == b"{":
        arrays, metadata = read_safetensors(file)
        return _of_checkpoint(arrays) if KEY in metadata else arrays
    for beginning, what in NO_WEIGHTS.items():
        if head.lstrip().lower().startswith(beginning):
            raise CheckpointError(f"is no file of weights but {what}")
    if head[257:262] == b"ustar":
        raise CheckpointError("is an archive of PyTorch before 0.1.2, or another .tar file: that form is not read")
    file.position = 0
    return _tensors(file, *open_legacy(file))


def _of_checkpoint(arrays: dict[str, Array]) -> dict[str, Array]:
    """The network's arrays; those that were averaged over the steps in place of the last ones, as in `models.load_model`."""
    averages = {f"model.{name.removeprefix(AVERAGES)}": array for name, array in arrays.items() if name.startswith(AVERAGES)}
    return {name: averages.get(name, array) for name, array in arrays.items() if name.startswith("model.")}


def _read_zip(file: FileBytes) -> dict[str, Array]:
    try:
        with zipfile.ZipFile(file.file) as archive:
            names = archive.namelist()
            if any(name.rpartition("/")[2] == "data.pkl" for name in names):
                return _tensors(file, *open_zip(file, archive))
            if names and all(name.endswith(".npy") for name in names):
                return read_npz(archive, file.size)
    except CheckpointError:
        raise
    except (*DAMAGED_ZIP, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # which an archive causes that points to before its beginning
            raise
        raise CheckpointError(f"is damaged, or was cut off while it was copied ({printable(str(error))})") from None
    raise CheckpointError("is a zip archive, but neither of PyTorch nor of NumPy: it has no data.pkl, and not only .npy files")


def _tensors(file: FileBytes, contents: Any, read: Reader) -> dict[str, Array]:
    """The tensors of the state dict in `contents`, read out of the file."""
    state = _state_dict(contents)
    total = sum(tensor.nbytes for tensor in state.values())
    if total > max(MOST_READ[0], MOST_READ[1] * file.size):
        raise CheckpointError(f"has {file.size:,} bytes, but its tensors would take {total:,}: refused")
    return {name: read(tensor) for name, tensor in state.items()}


def _state_dict(contents: Any) -> dict[str, StoredTensor]:
    if isinstance(contents, StoredTensor):
        raise CheckpointError("holds a single tensor without a name, not a state dict")
    if isinstance(contents, dict):
        for key in WRAPPERS:
            inner = contents.get(key)
            if isinstance(inner, dict) and any(isinstance(value, StoredTensor) for value in inner.values()):
                contents = inner
                break
        if state := {name: value for name, value in contents.items() if isinstance(value, StoredTensor)}:
            return state
    raise CheckpointError("holds no state dict: neither it nor one of its entries is a dict of tensors")


def _plain_names(arrays: dict[str, Array]) -> dict[str, Array]:
    """Without the prefixes that all names share."""
    for name in arrays:
        if is_key(name) and not name.isprintable():
            raise CheckpointError(f"is damaged: the name {printable(name)} holds signs that cannot be shown")
    while prefix := next((p for p in PREFIXES if arrays and all(len(name) > len(p) and name.startswith(p) for name in arrays)), None):
        arrays = {name.removeprefix(prefix): array for name, array in arrays.items()}
    return arrays
