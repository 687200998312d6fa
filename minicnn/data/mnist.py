"""MNIST and Fashion-MNIST: 70,000 grey images of 28x28 pixels each, digits and clothes."""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from minicnn import checks
from minicnn.data.dataset import ArrayDataset
from minicnn.data.published import Report, data_folder, require
from minicnn.errors import DataError
from minicnn.io.remote_file import RemoteFile
from minicnn.kernels.types import Array

if TYPE_CHECKING:
    from minicnn.io.download import Open

MOST = 100_000_000  # bytes of a file when it is not compressed; the largest has 47 million
BYTES = 0x08  # the type of the elements, in the header of an IDX file


class MNIST(ArrayDataset):
    """Handwritten digits: 60,000 images to train on, 10,000 to test with. Sample i is (image, label).

    Args:
        train: the training images; otherwise the test images.
        folder: where the files are; by default in the folder of datasets (`data_folder`).
        download: bring the files that are not there.
        report: told how a download goes on: `report(file, count)`, so many bytes of a file are there.
        open_url: `open_url(request, timeout=seconds)` gives a response, as `urllib.request.urlopen` does; by default over HTTPS only.

    Attributes:
        images: (N, 1, 28, 28) uint8, ink 255. `transforms.ToFloat` and `Normalize(mean, std)` make of them what networks like.
        labels: (N,) int64.
        mean, std: of the training pixels, in 0 .. 1.

    Raises:
        ArgumentError: `train` is not True or False.
        DataError: a file is missing, damaged, or holds something else.
        DownloadError: a file cannot be had.

    Source:
        Y. LeCun, L. Bottou, Y. Bengio, P. Haffner 1998, "Gradient-based learning applied to document recognition", sec. III.A.
    """

    classes: tuple[str, ...] = tuple("0123456789")
    mean, std = 0.1307, 0.3081
    subfolder = "mnist"
    urls: tuple[str, ...] = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")
    digests = (
        "f68b3c2dcbeaaa9fbdd348bbdeb94873", "d53e105ee54ea40749a09fcbcd1e9432",
        "9fb629c4189551a2d022fa330f9573f3", "ec29112dd5afa0611ce80d1b7f02629c",
    )  # fmt: skip
    sizes = 9_912_422, 28_881, 1_648_877, 4_542

    def __init__(
        self, train: bool = True, folder: str | os.PathLike[str] | None = None, *, download: bool = False, report: Report | None = None, open_url: Open | None = None
    ) -> None:
        name = type(self).__name__
        files = self.files()[slice(0, 2) if checks.flag(train, f"{name}: train") else slice(2, 4)]
        images, labels = require(name, files, data_folder(folder) / self.subfolder, fetch=download, report=report, open_url=open_url)
        self.images = read_idx(images)[:, None]
        self.labels = read_idx(labels).astype(np.int64)
        if self.images.ndim != 4 or self.labels.shape != (len(self.images),) or (self.labels >= len(self.classes)).any():
            raise DataError(f"{name}: {images} and {labels} do not belong together")
        super().__init__(self.images, self.labels)

    @classmethod
    def files(cls) -> list[RemoteFile]:
        """Images and labels to train on, images and labels to test with."""
        names = [f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
        together = zip(names, cls.sizes, cls.digests, strict=True)
        return [RemoteFile(name, tuple(url + name for url in cls.urls), size, digest, "md5") for name, size, digest in together]


class FashionMNIST(MNIST):
    """Clothes in the form of `MNIST`, and harder to tell apart.

    Raises:
        ArgumentError: `train` is not True or False.
        DataError: a file is missing, damaged, or holds something else.
        DownloadError: a file cannot be had.

    Source:
        H. Xiao, K. Rasul, R. Vollgraf 2017, "Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms".
    """

    classes = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
    mean, std = 0.2860, 0.3530
    subfolder = "fashion-mnist"
    urls = ("https://storage.googleapis.com/tensorflow/tf-keras-datasets/",)
    digests = (
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d", "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79", "bb300cfdad3c16e7a12a480ee83cd310",
    )  # fmt: skip
    sizes = 26_421_880, 29_515, 4_422_102, 5_148


def read_idx(path: Path) -> Array:
    """An array of bytes from a file in MNIST's own format, compressed by gzip.

    Two bytes 0, the type of the elements (8: bytes), the number of axes, the size of each in four bytes, the largest first; then the elements.

    Raises:
        DataError: the file is of another kind, damaged, or cut off.
    """
    try:
        with gzip.open(path) as file:
            data = file.read(MOST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}") from None
    ndim = data[3] if len(data) > 3 else 0
    shape = tuple(int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(ndim))
    if data[:3] != bytes((0, 0, BYTES)) or not 1 <= ndim <= 3 or len(data) != 4 + 4 * ndim + math.prod(shape):
        raise DataError(f"{path} is no IDX file of bytes, or it was cut off")
    return np.frombuffer(data, np.uint8, offset=4 + 4 * ndim).reshape(shape).copy()
