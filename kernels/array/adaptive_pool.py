"""Adaptive pooling in whole-array arithmetic: one axis at a time.

A bin is a rectangle: rows of bin p times columns of bin q. So the mean over it is the mean over its rows of the means
over its columns, and the same holds for the maximum. That takes P + Q steps instead of P Q.
"""

from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array, Needs, Saved, Window


def adaptive_avg_pool2d_forward(x: Array, *, output_size: Window) -> tuple[Array, Saved]:
    """Means over the columns of each bin, then over its rows.

    Shapes:
        x (N, C, H, W); in between (N, C, H, Q); y (N, C, P, Q) with (P, Q) = output_size.
    """
    y = _means(_means(x, 3, output_size[1]), 2, output_size[0])
    return y, x.shape


def adaptive_avg_pool2d_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """The two means, undone in reverse order: each hands every member of a bin its share."""
    _, _, H, W = saved
    return (_spread(_spread(dy, 2, H), 3, W) if needs[0] else None,)


def adaptive_max_pool2d_forward(x: Array, *, output_size: Window) -> tuple[Array, Saved]:
    """Maxima over the columns of each bin, then over its rows; both remember where the maximum was.

    The first row that holds the maximum wins, and in it the first column: the first pixel in row-major order.

    Shapes:
        x (N, C, H, W); in between (N, C, H, Q); y (N, C, P, Q) with (P, Q) = output_size.
    """
    middle, columns = _maxima(x, 3, output_size[1])
    y, rows = _maxima(middle, 2, output_size[0])
    return y, (x.shape, rows, columns)


def adaptive_max_pool2d_backward(dy: Array, saved: Saved, *, needs: Needs) -> tuple[Array | None, ...]:
    """Back to the row that won, and from there to the column that won in it."""
    (_, _, H, W), rows, columns = saved
    return (_to_winners(_to_winners(dy, rows, 2, H), columns, 3, W) if needs[0] else None,)


def _means(x: Array, axis: int, bins: int) -> Array:
    xp = array_module(x)
    return xp.stack([x[_bin(axis, p, x.shape[axis], bins)].mean(axis=axis) for p in range(bins)], axis=axis)


def _spread(dy: Array, axis: int, size: int) -> Array:
    """The transpose of `_means`."""
    dx = _zeros(dy, axis, size)
    for p in range(dy.shape[axis]):
        part = dx[_bin(axis, p, size, dy.shape[axis])]
        part += dy[_one(axis, p)] / part.shape[axis]
    return dx


def _maxima(x: Array, axis: int, bins: int) -> tuple[Array, Array]:
    """The largest of each bin along an axis, and its position on that axis."""
    xp = array_module(x)
    parts = [_bin(axis, p, x.shape[axis], bins) for p in range(bins)]
    winner = xp.stack([x[part].argmax(axis=axis) + part[axis].start for part in parts], axis=axis)
    return xp.take_along_axis(x, winner, axis), winner


def _to_winners(dy: Array, winner: Array, axis: int, size: int) -> Array:
    """The transpose of `_maxima`."""
    xp = array_module(dy)
    dx = _zeros(dy, axis, size)
    for p in range(dy.shape[axis]):
        part = dx[_bin(axis, p, size, dy.shape[axis])]
        position = _bin(axis, p, size, dy.shape[axis])[axis].start + xp.arange(part.shape[axis])
        won = winner[_one(axis, p)] == position.reshape(-1, *(1,) * (3 - axis))
        part += xp.where(won, dy[_one(axis, p)], dy.dtype.type(0))
    return dx


def _bin(axis: int, p: int, size: int, bins: int) -> tuple[slice, ...]:
    """The index of bin p of an axis: from floor(p size / bins) up to ceil((p + 1) size / bins)."""
    return (slice(None),) * axis + (slice(p * size // bins, -(-(p + 1) * size // bins)),)


def _one(axis: int, p: int) -> tuple[slice, ...]:
    return (slice(None),) * axis + (slice(p, p + 1),)


def _zeros(dy: Array, axis: int, size: int) -> Array:
    """Zeros like `dy`, but with `size` entries along an axis."""
    shape = [*dy.shape]
    shape[axis] = size
    return array_module(dy).zeros(shape, dy.dtype)
