"""ImageNet: how photographs are prepared for networks that were trained on it, and the names of its classes.

Weights and preparation belong together: with another mean, size or crop a network still says plausible things, and is worse.
`models.weight_files` says which belongs to which. A photograph is read by `io.read_picture`.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from importlib import resources

from minicnn.data.transforms import CenterCrop, Compose, Normalize, Resize, ToFloat
from minicnn.errors import DataError

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of red, green and blue in ImageNet's photographs, scaled to 0..1
MARGIN = 32  # pixels that the authors of EfficientNet-Lite leave out at the shorter side, half on either end


def preprocessing(
    size: int = 224,
    resize: int = 256,
    interpolation: str = "bilinear",
    mean: Sequence[float] = MEAN,
    std: Sequence[float] = STD,
) -> Compose:
    """As for the weights of torchvision: resize, cut out the middle, scale to 0..1, normalise.

    Args:
        size: height and width of the result.
        resize: of the shorter side, before the middle is cut out.
        interpolation: "bilinear" or "bicubic".
        mean: of red, green and blue.
        std: likewise.

    Returns:
        A transform of bytes (3, H, W) to float32 (3, size, size), equal to torchvision's on images of Pillow, bit for bit.

    Example:
        >>> import numpy as np
        >>> preprocessing()
        Resize(shorter side 256, bilinear), CenterCrop(224x224), ToFloat(), Normalize(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
        >>> preprocessing()(np.zeros((3, 300, 400), np.uint8), np.random.default_rng()).shape
        (3, 224, 224)
    """
    return Compose(Resize(resize, interpolation), CenterCrop(size), ToFloat(), Normalize(mean, std))


def lite_preprocessing(size: int = 224) -> Compose:
    """As for the weights of EfficientNet-Lite: cut out the middle, the shorter side times size/(size + 32), resize it, (x - 127)/128.

    Args:
        size: height and width of the result.

    Returns:
        A transform of bytes (3, H, W) to float32 (3, size, size).

    Example:
        >>> lite_preprocessing(224)
        CenterCrop(fraction=7/8), Resize(224x224, bicubic), Normalize(mean=127, std=128)
    """
    return Compose(CenterCrop(fraction=Fraction(size, size + MARGIN)), Resize((size, size), "bicubic"), Normalize(127, 128))


@cache
def class_names() -> tuple[str, ...]:
    """The names of the 1,000 classes, in the order of a network's outputs.

    Raises:
        DataError: the file with the names is missing or damaged.

    Example:
        >>> class_names()[281]
        'tabby'
    """
    try:
        names = resources.files("minicnn.data.files").joinpath("imagenet_classes.txt").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"minicnn/data/files/imagenet_classes.txt cannot be read ({error}); install minicnn again") from None
    if len(names) != 1000:
        raise DataError(f"minicnn/data/files/imagenet_classes.txt has {len(names)} names, not 1,000; install minicnn again")
    return tuple(names)
