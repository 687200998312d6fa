"""Activations: the same function of every element. The arithmetic is in `minicnn.kernels`, file `activation.py`."""

from typing import Any

from minicnn.autograd import KernelFunction, Tensor, as_tensor
from minicnn.ops import checks


class ReLU(KernelFunction):
    """y = max(x, 0): dx = dy where x > 0, else 0."""

    op = "relu"


class LeakyReLU(KernelFunction):
    """y = x where x > 0, else a x: dx = dy there, a dy elsewhere, with a = negative_slope."""

    op = "leaky_relu"


class ReLU6(KernelFunction):
    """y = min(max(x, 0), 6): dx = dy where 0 < x < 6, else 0."""

    op = "relu6"


class Sigmoid(KernelFunction):
    """y = 1 / (1 + e^-x): dx = dy y (1 - y)."""

    op = "sigmoid"


class Tanh(KernelFunction):
    """y = tanh x: dx = dy (1 - y²)."""

    op = "tanh"


class SiLU(KernelFunction):
    """y = x s with s = 1 / (1 + e^-x): dx = dy s (1 + x (1 - s))."""

    op = "silu"


class Hardswish(KernelFunction):
    """y = x min(max(x + 3, 0), 6) / 6: dx = dy (2 x + 3) / 6 where |x| < 3, dy above, 0 below."""

    op = "hardswish"


def relu(x: Tensor) -> Tensor:
    """Rectified linear unit: y = max(x, 0).

    The slope is 1 above 0 and 0 below, so that a gradient passes any number of layers undiminished where units are on,
    and stops where they are off. At 0, the kink, it is taken as 0.

    Shapes:
        x: any; the result has the same.

    Raises:
        DtypeError: x holds integers.

    Source:
        Nair & Hinton 2010, "Rectified linear units improve restricted Boltzmann machines"; Krizhevsky et al. 2012, sec. 3.1.

    Example:
        >>> relu(Tensor([-1.0, 0.0, 2.0])).tolist()
        [0.0, 0.0, 2.0]
    """
    return _apply(ReLU, x)


def leaky_relu(x: Tensor, negative_slope: float = 0.01) -> Tensor:
    """ReLU that leaks: y = x where x > 0, else negative_slope x. A unit that is off still learns.

    Shapes:
        x: any; the result has the same.

    Raises:
        DtypeError: x holds integers.
        ArgumentError: the slope is no finite number.

    Source:
        Maas et al. 2013, "Rectifier nonlinearities improve neural network acoustic models", sec. 2.

    Example:
        >>> leaky_relu(Tensor([-2.0, 2.0]), negative_slope=0.5).tolist()
        [-1.0, 2.0]
    """
    return _apply(LeakyReLU, x, negative_slope=checks.number(negative_slope, "leaky_relu: negative_slope"))


def relu6(x: Tensor) -> Tensor:
    """ReLU that saturates at 6: y = min(max(x, 0), 6). The bounded range suits arithmetic of low precision.

    Shapes:
        x: any; the result has the same.

    Raises:
        DtypeError: x holds integers.

    Source:
        Krizhevsky 2010, "Convolutional deep belief networks on CIFAR-10"; Sandler et al. 2018 (MobileNetV2), sec. 3.

    Example:
        >>> relu6(Tensor([-1.0, 2.0, 8.0])).tolist()
        [0.0, 2.0, 6.0]
    """
    return _apply(ReLU6, x)


def sigmoid(x: Tensor) -> Tensor:
    """Logistic function: y = 1 / (1 + exp(-x)), between 0 and 1.

    The slope y (1 - y) is at most 1/4, and nearly 0 for |x| > 5: gradients vanish through many layers.

    Shapes:
        x: any; the result has the same.

    Raises:
        DtypeError: x holds integers.

    Source:
        Rumelhart, Hinton & Williams 1986, "Learning representations by back-propagating errors", eq. 2.

    Example:
        >>> sigmoid(Tensor([-1000.0, 0.0, 1000.0])).tolist()
        [0.0, 0.5, 1.0]
    """
    return _apply(Sigmoid, x)


def tanh(x: Tensor) -> Tensor:
    """Hyperbolic tangent, between -1 and 1: y = 2 sigmoid(2 x) - 1. Slope 1 - y².

    Shapes:
        x: any; the result has the same.

    Raises:
        DtypeError: x holds integers.

    Source:
        LeCun et al. 1998, "Efficient BackProp", sec. 4.4: why a function around 0 trains faster than the sigmoid.

    Example:
        >>> tanh(Tensor([-50.0, 0.0, 50.0])).tolist()
        [-1.0, 0.0, 1.0]
    """
    return _apply(Tanh, x)


def silu(x: Tensor) -> Tensor:
    """Sigmoid-weighted linear unit, also called swish: y = x sigmoid(x). A smooth ReLU with a dip below 0.

    Shapes:
        x: any; the result has the same.

    Raises:
        DtypeError: x holds integers.

    Source:
        Elfwing et al. 2017, "Sigmoid-weighted linear units", eq. 5; Ramachandran et al. 2017; used by EfficientNet.

    Example:
        >>> silu(Tensor([-1000.0, 0.0, 1000.0])).tolist()
        [-0.0, 0.0, 1000.0]
    """
    return _apply(SiLU, x)


def hardswish(x: Tensor) -> Tensor:
    """SiLU with straight pieces in place of the exponential: y = x relu6(x + 3) / 6.

    Shapes:
        x: any; the result has the same.

    Raises:
        DtypeError: x holds integers.

    Source:
        Howard et al. 2019, "Searching for MobileNetV3", sec. 5.2.

    Example:
        >>> hardswish(Tensor([-3.0, 0.0, 3.0])).tolist()
        [-0.0, 0.0, 3.0]
    """
    return _apply(Hardswish, x)


def _apply(function: type[KernelFunction], x: Tensor, **attributes: Any) -> Tensor:
    x = as_tensor(x)
    checks.floating(function.op, x=x)
    return function.apply(x, **attributes)
