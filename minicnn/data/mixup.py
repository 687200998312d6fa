"""mixup: batches of images that are each a mixture of two, with a loss that wants both labels in that proportion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minicnn import checks
from minicnn.autograd import Tensor, no_grad
from minicnn.errors import DtypeError, ShapeError
from minicnn.ops import cross_entropy


@dataclass(frozen=True)
class Mixed:
    """A mixed batch.

    Attributes:
        images: (N, C, H, W), share · x[i] + (1 - share) · x[j].
        labels: (N,), those of the images i.
        others: (N,), those of the images j.
        share: of the first images, in 0 .. 1.
    """

    images: Tensor
    labels: Tensor
    others: Tensor
    share: float

    def loss(self, scores: Tensor, *, label_smoothing: float = 0.0) -> Tensor:
        """share · L(scores, labels) + (1 - share) · L(scores, others), L being the cross-entropy.

        The same as the cross-entropy with the mixed label share · onehot(labels) + (1 - share) · onehot(others), for it is a sum over q[k], and linear in q.

        Args:
            scores: what the network says of `images`, before softmax (N, K).
            label_smoothing: as in `cross_entropy`.

        Source:
            Zhang et al. 2018, eq. 2, with eq. 1's label.
        """
        first = cross_entropy(scores, self.labels, label_smoothing=label_smoothing)
        second = cross_entropy(scores, self.others, label_smoothing=label_smoothing)
        return self.share * first + (1 - self.share) * second


def mixup(images: Tensor, labels: Tensor, rng: np.random.Generator, alpha: float = 0.2) -> Mixed:
    """Mix each image of a batch with another one of it.

        x = share · x[i] + (1 - share) · x[j],    y = share · y[i] + (1 - share) · y[j],    share ~ Beta(alpha, alpha)

    One share for the batch, j a random order of it. A small `alpha` gives shares near 0 or 1; with 0 nothing is mixed.

    Args:
        images: (N, C, H, W), float32 or float64, where labels are.
        labels: (N,), class numbers.
        rng: where the share and the order are drawn from, one draw of each a batch.
        alpha: from 0. The authors take 0.1 to 0.4 for ImageNet, and 1 for CIFAR-10.

    Raises:
        ArgumentError: `alpha` is below 0.
        ShapeError: there is not one label for each image.
        DtypeError: the images are integers, which cannot be mixed.

    Source:
        Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization", eq. 1 and sec. 3.1.

    Example:
        >>> images, labels = Tensor([[[[0.0]]], [[[10.0]]]]), Tensor([4, 7])
        >>> mixed = mixup(images, labels, np.random.default_rng(3), alpha=1)
        >>> round(mixed.share, 3), mixed.images.numpy().ravel().round(2), mixed.others.tolist()
        (0.266, array([7.34, 2.66], dtype=float32), [7, 4])
    """
    alpha = checks.number(alpha, "mixup: alpha", 0)
    if not checks.is_floating(images.dtype):
        raise DtypeError(f"mixup: images must be floating-point numbers, not {images.dtype}: ToFloat() in the loader's transform makes them")
    if labels.shape != images.shape[:1]:
        raise ShapeError(f"mixup: needs one class number for each image; images are {images.shape}, labels {labels.shape}")
    share = float(rng.beta(alpha, alpha)) if alpha else 1.0
    order = rng.permutation(len(labels))
    with no_grad():
        return Mixed(share * images + (1 - share) * images[order], labels, labels[order], share)
