"""Initial weights: rules that keep the size of signals and gradients the same from layer to layer.

A rule draws an array of a given shape from the process's generator (`minicnn.manual_seed`), in float32. `fan_in` is the
number of inputs of one output, C/G kh kw for a convolution; `fan_out` the number of outputs of one input.
"""

import math
from collections.abc import Sequence

import numpy as np

from minicnn.backend import generator, get_backend
from minicnn.errors import ArgumentError, ShapeError
from minicnn.kernels.shapes import without_values
from minicnn.kernels.types import Array


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight (O, I, ...).

    Raises:
        ShapeError: the shape has fewer than two axes.

    Example:
        >>> fans((64, 3, 7, 7))
        (147, 3136)
    """
    if len(shape) < 2:
        raise ShapeError(f"fan-in and fan-out need a weight with at least two axes (O, I, ...), not {tuple(shape)}")
    taps = math.prod(shape[2:])
    return shape[1] * taps, shape[0] * taps


def _fan(shape: Sequence[int], mode: str) -> int:
    if mode not in ("fan_in", "fan_out"):
        raise ArgumentError(f"mode must be one of 'fan_in', 'fan_out', not {mode!r}")
    return fans(shape)[mode == "fan_out"]


def normal(shape: Sequence[int], std: float = 1.0, mean: float = 0.0) -> Array:
    """Normal distribution.

    Example:
        >>> normal((64, 3, 7, 7), std=0.01).shape
        (64, 3, 7, 7)
    """
    if not get_backend().has_values:
        return without_values(tuple(shape))
    weights = generator().standard_normal(shape, np.float32)
    weights *= np.float32(std)
    weights += np.float32(mean)
    return weights


def uniform(shape: Sequence[int], low: float = 0.0, high: float = 1.0) -> Array:
    """Uniform distribution between `low` and `high`.

    Example:
        >>> weights = uniform((64, 3, 7, 7), -0.5, 0.5)
        >>> bool(-0.5 <= weights.min() and weights.max() < 0.5)
        True
    """
    if not get_backend().has_values:
        return without_values(tuple(shape))
    weights = generator().random(shape, np.float32)
    weights *= np.float32(high - low)
    weights += np.float32(low)
    return weights


def zeros(shape: Sequence[int]) -> Array:
    """All zero: biases; the last batch norm of a residual branch, which makes the block start as the identity.

    Example:
        >>> zeros((3,)).tolist()
        [0.0, 0.0, 0.0]
    """
    return np.zeros(shape, np.float32)


def ones(shape: Sequence[int]) -> Array:
    """All one: the scale of a normalisation.

    Example:
        >>> ones((3,)).tolist()
        [1.0, 1.0, 1.0]
    """
    return np.ones(shape, np.float32)


def he_normal(shape: Sequence[int], mode: str = "fan_in") -> Array:
    """Variance 2 / fan, for layers before a ReLU, which halves the variance.

    Raises:
        ShapeError: the shape has fewer than two axes.
        ArgumentError: `mode` is neither "fan_in" nor "fan_out".

    Source:
        He et al. 2015, "Delving deep into rectifiers", eq. 10; `fan_out`: eq. 14.

    Example:
        >>> bool(abs(he_normal((64, 3, 7, 7)).var() / (2 / 147) - 1) < 0.1)
        True
    """
    return normal(shape, math.sqrt(2.0 / _fan(shape, mode)))


def he_uniform(shape: Sequence[int], mode: str = "fan_in") -> Array:
    """As `he_normal`, uniform in ± sqrt(6 / fan).

    Raises:
        ShapeError: the shape has fewer than two axes.
        ArgumentError: `mode` is neither "fan_in" nor "fan_out".

    Source:
        He et al. 2015, "Delving deep into rectifiers", eq. 10; `fan_out`: eq. 14.

    Example:
        >>> round(float(abs(he_uniform((64, 3, 7, 7))).max()), 2)        # sqrt(6 / 147)
        0.2
    """
    bound = math.sqrt(6.0 / _fan(shape, mode))
    return uniform(shape, -bound, bound)


def xavier_normal(shape: Sequence[int], gain: float = 1.0) -> Array:
    """Variance 2 / (fan_in + fan_out), for tanh and linear layers.

    Raises:
        ShapeError: the shape has fewer than two axes.

    Source:
        Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks", eq. 12.

    Example:
        >>> bool(abs(xavier_normal((64, 3, 7, 7)).var() / (2 / (147 + 3136)) - 1) < 0.1)
        True
    """
    return normal(shape, gain * math.sqrt(2.0 / sum(fans(shape))))


def xavier_uniform(shape: Sequence[int], gain: float = 1.0) -> Array:
    """As `xavier_normal`, uniform in ± sqrt(6 / (fan_in + fan_out)).

    Raises:
        ShapeError: the shape has fewer than two axes.

    Source:
        Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks", eq. 16.

    Example:
        >>> round(float(abs(xavier_uniform((64, 3, 7, 7))).max()), 2)        # sqrt(6 / (147 + 3136))
        0.04
    """
    bound = gain * math.sqrt(6.0 / sum(fans(shape)))
    return uniform(shape, -bound, bound)


def lecun_normal(shape: Sequence[int]) -> Array:
    """Variance 1 / fan_in.

    Raises:
        ShapeError: the shape has fewer than two axes.

    Source:
        LeCun et al. 1998, "Efficient BackProp", eq. 16.

    Example:
        >>> bool(abs(lecun_normal((64, 3, 7, 7)).var() / (1 / 147) - 1) < 0.1)
        True
    """
    return normal(shape, math.sqrt(1.0 / fans(shape)[0]))


def lecun_uniform(shape: Sequence[int]) -> Array:
    """As `lecun_normal`, uniform in ± sqrt(3 / fan_in).

    Raises:
        ShapeError: the shape has fewer than two axes.

    Source:
        LeCun et al. 1998, "Efficient BackProp", eq. 16.

    Example:
        >>> round(float(abs(lecun_uniform((64, 3, 7, 7))).max()), 2)        # sqrt(3 / 147)
        0.14
    """
    bound = math.sqrt(3.0 / fans(shape)[0])
    return uniform(shape, -bound, bound)
