"""CIFAR-10 and CIFAR-100: 60,000 colour photographs of 32x32 pixels, of 10 and of 100 classes."""

from __future__ import annotations

import io
import os
import tarfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn import checks
from minicnn.data.dataset import ArrayDataset
from minicnn.data.published import Report, data_folder, require
from minicnn.errors import CheckpointError, DataError
from minicnn.io.remote_file import RemoteFile
from minicnn.kernels.types import Array

if TYPE_CHECKING:
    from minicnn.io.download import Open

SITE = "https://www.cs.toronto.edu/~kriz/"
SIDE = 32
MOST = 200_000_000  # bytes of one file in the archive; they have 31 to 155 million


class CIFAR10(ArrayDataset):
    """Photographs of ten kinds of animals and vehicles: 50,000 to train on, 10,000 to test with. Sample i is (image, label).

    The archive is read where it is: nothing is unpacked, and the pickles in it are not run (`minicnn/io/unpickler.py`).

    Args:
        train: the training images; otherwise the test images.
        folder: where the archive is; by default in the folder of datasets (`data_folder`).
        download: bring it if it is not there.
        report: told how a download goes on: `report(file, count)`, so many bytes of a file are there.
        open_url: `open_url(request, timeout=seconds)` gives a response, as `urllib.request.urlopen` does; by default over HTTPS only.

    Attributes:
        images: (N, 3, 32, 32) uint8. `transforms.ToFloat` and `Normalize(mean, std)` make of them what networks like.
        labels: (N,) int64.
        classes: their names.
        mean, std: of the training pixels of each channel, in 0 .. 1.

    Raises:
        ArgumentError: `train` is not True or False.
        DataError: the archive is missing, damaged, or holds something else.
        DownloadError: it cannot be had.

    Source:
        A. Krizhevsky 2009, "Learning Multiple Layers of Features from Tiny Images", chapter 3.
    """

    archive = RemoteFile("cifar-10-python.tar.gz", (f"{SITE}cifar-10-python.tar.gz",), 170_498_071, "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce")
    parts: tuple[tuple[str, ...], tuple[str, ...]] = (tuple(f"data_batch_{i}" for i in range(1, 6)), ("test_batch",))
    names = "batches.meta", "label_names"  # the file with the names of the classes, and the entry in it
    label = "labels"
    mean, std = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)

    def __init__(
        self, train: bool = True, folder: str | os.PathLike[str] | None = None, *, download: bool = False, report: Report | None = None, open_url: Open | None = None
    ) -> None:
        name = type(self).__name__
        wanted = self.parts[0 if checks.flag(train, f"{name}: train") else 1]
        (path,) = require(name, [self.archive], data_folder(folder), fetch=download, report=report, open_url=open_url)
        found = read_archive(path, {*wanted, self.names[0]})
        given = found[self.names[0]].get(self.names[1])
        self.classes = tuple(map(str, given if isinstance(given, list) else ()))
        batches = [self._batch(f"{name}: {path}: {part}", found[part]) for part in wanted]
        self.images = np.concatenate([images for images, _ in batches])
        self.labels = np.concatenate([labels for _, labels in batches])
        super().__init__(self.images, self.labels)

    def _batch(self, where: str, contents: dict[str, Any]) -> tuple[Array, Array]:
        """Images and labels: a row for each image has its red, then its green, then its blue pixels."""
        rows, labels = contents.get("data"), contents.get(self.label)
        if not isinstance(rows, np.ndarray) or rows.dtype != np.uint8 or rows.ndim != 2 or rows.shape[1] != 3 * SIDE**2:
            raise DataError(f"{where} has no images of {SIDE}x{SIDE} pixels")
        if not isinstance(labels, list) or len(labels) != len(rows) or not all(type(n) is int and 0 <= n < len(self.classes) for n in labels):
            raise DataError(f"{where} has not one label below {len(self.classes)} for each of its {len(rows)} images")
        return rows.reshape(-1, 3, SIDE, SIDE), np.array(labels, np.int64)


class CIFAR100(CIFAR10):
    """A hundred kinds of things, with 500 photographs to train on and 100 to test with of each; otherwise like `CIFAR10`.

    Raises:
        ArgumentError: `train` is not True or False.
        DataError: the archive is missing, damaged, or holds something else.
        DownloadError: it cannot be had.

    Source:
        A. Krizhevsky 2009, "Learning Multiple Layers of Features from Tiny Images", chapter 3.
    """

    archive = RemoteFile("cifar-100-python.tar.gz", (f"{SITE}cifar-100-python.tar.gz",), 169_001_437, "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7")
    parts = ("train",), ("test",)
    names = "meta", "fine_label_names"
    label = "fine_labels"
    mean, std = (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)


def read_archive(path: Path, names: set[str]) -> dict[str, dict[str, Any]]:
    """What the pickles of these names in a .tar.gz describe. They are read from the archive; nothing of it is written anywhere.

    Raises:
        DataError: the archive cannot be read, lacks one of them, or one of them is damaged or asks for what no images need.
    """
    found: dict[str, dict[str, Any]] = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                name = member.name.rpartition("/")[2]
                if name in names and name not in found and member.isfile() and member.size <= MOST:
                    file = archive.extractfile(member)
                    assert file is not None
                    found[name] = _contents(f"{path}: {name}", file.read())
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}") from None
    if missing := sorted(names - found.keys()):
        raise DataError(f"{path} lacks {', '.join(missing)}: is it another archive?")
    return found


def _contents(where: str, data: bytes) -> dict[str, Any]:
    from minicnn.io.file import FileBytes  # Python's own module for pickles takes long to import
    from minicnn.io.numpy_pickle import unpickle_arrays

    try:
        return unpickle_arrays(FileBytes(io.BytesIO(data)))
    except CheckpointError as error:
        raise DataError(f"{where} {error}") from None
