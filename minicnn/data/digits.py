"""The UCI handwritten digits, which come with the package."""

from importlib import resources

import numpy as np

from minicnn.data.dataset import ArrayDataset
from minicnn.data.transforms.resize import resize
from minicnn.errors import DataError
from minicnn.kernels.types import Array
from minicnn.ops import checks


class Digits(ArrayDataset):
    """Handwritten digits: 1,437 images to train on, 360 held out. Sample i is (image, label).

    Images are (1, size, size), float32: the 8x8 originals with values v in 0..16, bilinearly enlarged and
    normalised to (v / 16 - mean) / std, where mean = 0.3058 and std = 0.3762 are those of all training
    pixels. Labels are integers 0..9.

    The held-out images are the same in every run and version: every fifth, after sorting by digit, so that
    each digit has its share. They are by the same 13 writers as the training images.

    Args:
        train: the training images; otherwise those held out.
        size: height and width.

    Attributes:
        images: (N, 1, size, size) float32.
        labels: (N,) int64.
        background: the value of a pixel without ink.

    Raises:
        ArgumentError: `size` is no integer >= 1, or `train` is not True or False.
        DataError: the file with the images is missing or damaged.

    Source:
        E. Alpaydin, C. Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine Learning
        Repository, doi 10.24432/C50P49, CC BY 4.0. The test set, of which scikit-learn has the same copy.

    Example:
        >>> digits = Digits(train=False)
        >>> image, label = digits[0]
        >>> len(digits), image.shape, int(label)
        (360, (1, 32, 32), 0)
    """

    classes = tuple("0123456789")
    mean, std = 0.3058, 0.3762
    background = -mean / std

    def __init__(self, train: bool = True, size: int = 32) -> None:
        pixels, labels = _load("train" if checks.flag(train, "Digits: train") else "test")
        self.images = (resize(pixels[:, None] / np.float32(16), checks.pair(size, "Digits: size")) - self.mean) / self.std
        self.labels = labels.astype(np.int64)
        super().__init__(self.images, self.labels)


def _load(part: str) -> tuple[Array, Array]:
    try:
        with resources.files("minicnn.data.files").joinpath("digits.npz").open("rb") as file, np.load(file) as arrays:
            return arrays[f"{part}_images"], arrays[f"{part}_labels"]
    except Exception as error:
        raise DataError(
            f"Digits: minicnn/data/files/digits.npz is missing or damaged ({type(error).__name__}: {error}); install minicnn again"
        ) from error
