"""The linear (fully connected) layer."""

import math

from minicnn.autograd import KernelFunction, Tensor, as_tensor
from minicnn.errors import ShapeError
from minicnn.ops import checks
from minicnn.ops.autocast import cast


class Linear(KernelFunction):
    """y = x Wᵀ + b: dx = dy W, dW = dyᵀ x, db = Σ dy over the rows."""

    op = "linear"


def linear(x: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
    """Each output is an inner product of the input with one row of weights: y = x Wᵀ + b.

        y[..., o] = b[o] + sum over d of  w[o, d] x[..., d]

    Args:
        x: vectors of features (..., D).
        w: one row of weights per output (O, D).
        b: one bias per output (O,), or None.

    Returns:
        (..., O).

    Raises:
        ShapeError: x has the wrong number of features or is empty, w is not a matrix, or b does not fit.
        DtypeError: inputs of different element types, or integers.

    Source:
        Rumelhart, Hinton & Williams 1986, "Learning representations by back-propagating errors", eq. 1.

    Example:
        >>> import minicnn
        >>> linear(minicnn.ones(8, 400), minicnn.ones(120, 400)).shape
        (8, 120)
    """
    x, w, b = cast("linear", as_tensor(x), as_tensor(w), None if b is None else as_tensor(b))
    if w.ndim != 2 or w.size == 0:
        raise ShapeError(f"linear: the weight must be a matrix (O, D), not empty; w is {w.shape}")
    O, D = w.shape
    if x.ndim == 0:
        raise ShapeError(f"linear: input must have at least one axis, (..., {D}); x is a single number")
    checks.not_empty("linear", x)
    checks.floating("linear", x=x, w=w, b=b)
    if x.shape[-1] != D:
        fits = x.ndim > 2 and math.prod(x.shape[1:]) == D
        hint = f"; {' x '.join(map(str, x.shape[1:]))} = {D}, so flatten it first: x.flatten(1), or nn.Flatten()" if fits else ""
        raise ShapeError(f"linear: input has {x.shape[-1]} features, expected {D}; x is {x.shape}{hint}")
    if b is not None and b.shape != (O,):
        raise ShapeError(f"linear: the bias must have shape ({O},), one entry per output; b is {b.shape}")
    return Linear.apply(x, w, b)
