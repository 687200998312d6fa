"""Makes minicnn/data/files/digits.npz from scikit-learn's copy of the UCI digits: python tools/make_digits.py

Needs scikit-learn, which minicnn does not depend on. The result is in the repository; run this again only to
check it.
"""

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

FILE = Path(__file__).resolve().parents[1] / "minicnn" / "data" / "files" / "digits.npz"
HELD_OUT_EVERY = 5


def digit_arrays() -> dict[str, np.ndarray[Any, Any]]:
    """The arrays of the file: images (N, 8, 8) with values 0..16 and labels (N,), for training and held out.

    All images are listed digit by digit, each digit's in the order of the UCI file, and every fifth of that
    list is held out, beginning with the first. So each digit has its share (35 to 37 of them), and no random
    generator is involved.
    """
    digits = load_digits()
    by_digit = np.argsort(digits.target, kind="stable")
    held_out = np.zeros(len(by_digit), bool)
    held_out[by_digit[::HELD_OUT_EVERY]] = True
    images, labels = digits.images.astype(np.uint8), digits.target.astype(np.uint8)
    return {
        "train_images": images[~held_out],
        "train_labels": labels[~held_out],
        "test_images": images[held_out],
        "test_labels": labels[held_out],
    }


if __name__ == "__main__":
    np.savez_compressed(FILE, **digit_arrays())
    print(f"{FILE}: {FILE.stat().st_size} bytes")
