"""AlexNet's change of the light: along the directions in which the colours of photographs differ most."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minicnn import checks
from minicnn.data.transforms.pixels import as_numbers, check_pixels, like
from minicnn.errors import ArgumentError, ShapeError
from minicnn.kernels.types import Array

# Of ImageNet, as in fb.resnet.torch, from which most programs have them. A column is an eigenvector.
EIGENVALUES = (0.2175, 0.0188, 0.0045)
EIGENVECTORS = ((-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203))


class PCALighting:
    """Add one colour to all pixels: p1 a1 l1 + p2 a2 l2 + p3 a3 l3.

    p and l are eigenvectors and eigenvalues of the covariance of red, green and blue over all pixels of a dataset, and each a is drawn from a normal
    distribution once for the image. The first direction is nearly that from black to white, so mostly the light becomes stronger or weaker.

    An eigenvalue is a variance: it depends on the square of the unit. Here the unit is white = 1, for bytes too, to which 255 times the colour is added. Bytes stay bytes,
    rounded and kept in 0 .. 255; floating-point images are taken to have white = 1, keep their type, and may leave 0 .. 1.

    ImageNet's eigenvalues are those that everybody uses. Their sum, 0.24, should be that of the three variances, which is 0.15 with the usual standard deviations
    (`data.imagenet.STD`); how they were computed is not on record. So `fit`, which takes the paper at its word, gives changes that are somewhat smaller.

    Args:
        std: of the three random numbers a.
        eigenvalues: l, of shape (3,); by default ImageNet's.
        eigenvectors: p, of shape (3, 3), one in each column.

    Raises:
        ArgumentError: `std` or an eigenvalue is below 0.
        ShapeError: eigenvalues or eigenvectors are of another shape; or, while it is called, the image has not three channels.
        DtypeError: its values are neither bytes, float32 nor float64.

    Source:
        Krizhevsky et al. 2012, "ImageNet Classification with Deep Convolutional Neural Networks", sec. 4.1.

    Example:
        >>> PCALighting(std=0.5)(np.full((3, 1, 1), 128, np.uint8), np.random.default_rng(1)).ravel().tolist()
        [124, 122, 121]
    """

    def __init__(self, std: float = 0.1, eigenvalues: Any = EIGENVALUES, eigenvectors: Any = EIGENVECTORS) -> None:
        self.std = checks.number(std, "PCALighting: std", 0)
        self.eigenvalues, self.eigenvectors = np.asarray(eigenvalues, np.float64), np.asarray(eigenvectors, np.float64)
        if self.eigenvalues.shape != (3,) or self.eigenvectors.shape != (3, 3):
            raise ShapeError(f"PCALighting: needs 3 eigenvalues and 3x3 eigenvectors, not {self.eigenvalues.shape} and {self.eigenvectors.shape}")
        if not bool((self.eigenvalues >= 0).all()):
            raise ArgumentError(f"PCALighting: eigenvalues of a covariance are 0 or above, not {self.eigenvalues.tolist()}")

    @classmethod
    def fit(cls, images: Iterable[Array], std: float = 0.1) -> PCALighting:
        """With the eigenvalues and eigenvectors of these images (3, H, W), bytes or numbers 0 .. 1, which may differ in size.

        Raises:
            ArgumentError: there are no pixels.

        Example:
            >>> grey = np.random.default_rng(0).random((4, 1, 8, 8)).repeat(3, axis=1)
            >>> np.abs(PCALighting.fit(grey).eigenvectors[:, 0]).round(3).tolist()
            [0.577, 0.577, 0.577]
        """
        count, total, squares = 0, np.zeros(3), np.zeros((3, 3))
        for image in images:
            pixels = image.reshape(len(image), -1).astype(np.float64) / check_pixels("PCALighting.fit", image, channels=3)
            count, total, squares = count + pixels.shape[1], total + pixels.sum(axis=1), squares + pixels @ pixels.T
        if count == 0:
            raise ArgumentError("PCALighting.fit: needs images with at least one pixel")
        mean = total / count
        eigenvalues, eigenvectors = np.linalg.eigh(squares / count - np.outer(mean, mean))
        return cls(std, np.maximum(eigenvalues[::-1], 0), eigenvectors[:, ::-1])

    def __call__(self, image: Array, rng: np.random.Generator) -> Array:
        white = check_pixels("PCALighting", image, channels=3)
        colour = self.eigenvectors @ (rng.normal(0, self.std, 3) * self.eigenvalues)
        pixels = as_numbers(image)
        return like(image, pixels + (white * colour).astype(pixels.dtype)[:, None, None])

    def __repr__(self) -> str:
        return f"PCALighting(std={self.std:g}, eigenvalues=({', '.join(f'{x:.4g}' for x in self.eigenvalues)}))"
