"""Dropout of elements, of channels, and of whole samples' branches.

Operations have no mode: whether this is training must be said, here as in `batch_norm`, by the keyword `training`.
"""

from minicnn.autograd import KernelFunction, Tensor, as_tensor
from minicnn.backend import draw_seed
from minicnn.errors import ShapeError
from minicnn.ops import checks


class Dropout(KernelFunction):
    """y = m x / (1 - p) with a mask m of 0 and 1: dx = dy m / (1 - p)."""

    op = "dropout"


def dropout(x: Tensor, p: float = 0.5, *, training: bool) -> Tensor:
    """Set each element to zero with probability p and divide the others by 1 - p.

    A unit that cannot rely on any other one being there must be useful by itself. The division keeps the expected value,
    so that in evaluation nothing is left to do. The mask follows from `minicnn.manual_seed`, and is the same on every
    backend.

    Args:
        x: any shape.
        p: probability to be dropped, from 0 to 1; with 1 all is zero.
        training: if false, x itself is returned.

    Raises:
        DtypeError: x holds integers.
        ArgumentError: p is out of range.

    Source:
        Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting", sec. 4 and 10.

    Example:
        >>> import minicnn
        >>> minicnn.manual_seed(0)
        >>> sorted(set(dropout(minicnn.ones(100), p=0.5, training=True).tolist()))
        [0.0, 2.0]
    """
    x = as_tensor(x)
    return _apply("dropout", x, p, training, mask_axes=x.ndim)


def dropout2d(x: Tensor, p: float = 0.5, *, training: bool) -> Tensor:
    """Spatial dropout: set whole channels of an image to zero with probability p and divide the others by 1 - p.

    Neighbouring pixels say nearly the same, so that a single dropped pixel is no loss; a dropped channel is.

    Args:
        x: images (N, C, H, W).
        p: probability to be dropped, from 0 to 1.
        training: if false, x itself is returned.

    Raises:
        ShapeError: x does not have 4 axes.
        DtypeError: x holds integers.
        ArgumentError: p is out of range.

    Source:
        Tompson et al. 2015, "Efficient object localization using convolutional networks", sec. 3.2.

    Example:
        >>> import minicnn
        >>> minicnn.manual_seed(0)
        >>> dropout2d(minicnn.ones(1, 4, 1, 2), p=0.5, training=True).tolist()      # four channels of two pixels
        [[[[2.0, 2.0]], [[0.0, 0.0]], [[2.0, 2.0]], [[0.0, 0.0]]]]
    """
    x = as_tensor(x)
    checks.axes("dropout2d", x, 4, "(N, C, H, W)")
    return _apply("dropout2d", x, p, training, mask_axes=2)


def drop_path(x: Tensor, p: float = 0.5, *, training: bool) -> Tensor:
    """Stochastic depth: set a whole sample to zero with probability p and divide the others by 1 - p.

    On the branch of a residual block, `x + drop_path(branch(x), p, training=True)`, a sample whose branch is dropped skips the block.

    Args:
        x: samples on the first axis, (N, ...).
        p: probability to be dropped, from 0 to 1.
        training: if false, x itself is returned.

    Raises:
        ShapeError: x has no axis.
        DtypeError: x holds integers.
        ArgumentError: p is out of range.

    Source:
        Huang et al. 2016, "Deep networks with stochastic depth", sec. 3; the branches that survive are scaled up in
        training here, where the paper scales all down in evaluation.

    Example:
        >>> import minicnn
        >>> minicnn.manual_seed(0)
        >>> drop_path(minicnn.ones(4, 2), p=0.5, training=True).tolist()            # four samples of two numbers
        [[2.0, 2.0], [0.0, 0.0], [2.0, 2.0], [0.0, 0.0]]
    """
    x = as_tensor(x)
    if x.ndim == 0:
        raise ShapeError("drop_path: input must have a batch axis, (N, ...); x is a single number")
    return _apply("drop_path", x, p, training, mask_axes=1)


def _apply(name: str, x: Tensor, p: float, training: bool, mask_axes: int) -> Tensor:
    p = checks.fraction(p, f"{name}: p", include_one=True)
    checks.floating(name, x=x)
    if not checks.flag(training, f"{name}: training") or p == 0:
        return x
    return Dropout.apply(x, p=p, seed=draw_seed(), mask_axes=mask_axes)
