"""Layer normalisation."""

from collections.abc import Sequence

from minicnn.autograd import KernelFunction, Tensor, as_tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.ops import checks
from minicnn.ops.autocast import cast


class LayerNorm(KernelFunction):
    """y = gamma z + beta, z = (x - mean) / s over a sample's last axes, s = sqrt(var + eps).

    With g = gamma dy and means over the same axes: dx = (g - mean(g) - z mean(g z)) / s; dgamma = Σ dy z, dbeta = Σ dy.
    """

    op = "layer_norm"


def layer_norm(
    x: Tensor,
    normalized_shape: int | Sequence[int],
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
    *,
    eps: float = 1e-5,
) -> Tensor:
    """Give the last axes of every sample mean 0 and variance 1, then each of their elements a learned scale and shift.

        y = gamma (x - mean) / sqrt(var + eps) + beta

    with mean and var over the last axes (var divided by their number of elements).

    Args:
        x: (..., *normalized_shape).
        normalized_shape: the sizes of the last axes; an integer for one axis.
        gamma: scale of each element, of shape `normalized_shape`, or None for 1.
        beta: shift of each element, likewise, or None for 0.
        eps: keeps the square root away from zero.

    Returns:
        A tensor like x.

    Raises:
        ShapeError: x does not end in `normalized_shape` or is empty, gamma or beta is of another shape, or there is a
            single value to normalise, whose variance is zero.
        DtypeError: inputs of different element types, or integers. Beside an x of 16 bits, gamma and beta are float32.
        ArgumentError: `normalized_shape` is no shape, or `eps` is not positive.

    Source:
        Ba, Kiros & Hinton 2016, "Layer normalization", eq. 3 and 4.

    Example:
        >>> layer_norm(Tensor([[1.0, 3.0], [10.0, 50.0]]), 2).numpy().round(3).tolist()
        [[-1.0, 1.0], [-1.0, 1.0]]
    """
    (x,), gamma = cast("layer_norm", as_tensor(x)), None if gamma is None else as_tensor(gamma)
    beta = None if beta is None else as_tensor(beta)
    last, eps = last_axes("layer_norm", normalized_shape), checks.positive(eps, "layer_norm: eps")
    checks.not_empty("layer_norm", x)
    if x.shape[-len(last) :] != last:
        hint = "; for the channels of images, move them to the end: x.transpose(0, 2, 3, 1)" if x.ndim == 4 else ""
        raise ShapeError(f"layer_norm: input must end in the axes {last} that are normalised; x is {x.shape}{hint}")
    for name, given in (("gamma", gamma), ("beta", beta)):
        if given is not None and given.shape != last:
            raise ShapeError(f"layer_norm: {name} must have the shape {last} of the normalised axes; {name} is {given.shape}")
    checks.floating_with_parameters("layer_norm", x, gamma=gamma, beta=beta)
    if set(last) == {1}:
        raise ShapeError(
            f"layer_norm: a single value is normalised, x is {x.shape}, and its variance is zero, so that every output "
            "would be beta whatever the input: normalise over more axes"
        )
    return LayerNorm.apply(x, gamma, beta, ndim=len(last), eps=eps)


def last_axes(place: str, normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    """The sizes of the axes that are normalised, as a tuple. `place` says in errors who asks.

    >>> last_axes("LayerNorm", 384), last_axes("LayerNorm", (16, 8, 8))
    ((384,), (16, 8, 8))
    """
    sizes = tuple(normalized_shape) if isinstance(normalized_shape, Sequence) else (normalized_shape,)
    if not sizes:
        raise ArgumentError(f"{place}: normalized_shape must name at least one axis: it is empty")
    return tuple(checks.integer(size, f"{place}: each size in normalized_shape") for size in sizes)
