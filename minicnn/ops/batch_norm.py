"""Batch normalisation."""

from typing import Any

from minicnn.autograd import KernelFunction, Tensor, as_tensor
from minicnn.errors import ArgumentError, DtypeError, ShapeError
from minicnn.kernels.types import Array
from minicnn.ops import checks


class BatchNorm(KernelFunction):
    """y = gamma z + beta, z = (x - mean) / s per channel, s = sqrt(var + eps); dgamma = Σ dy z, dbeta = Σ dy.

    In training dx = gamma / s · (dy - mean(dy) - z mean(dy z)), for the mean and s move with x; else dx = gamma dy / s.
    """

    op = "batch_norm"
    extra_results = 2


class BatchNormReLU(KernelFunction):
    """A batch norm and the ReLU behind it: y = min(max(y, 0), ceiling), dx as without it, of dy where 0 < y < ceiling and 0 elsewhere."""

    op = "batch_norm_relu"
    extra_results = 2


class BatchNormAddReLU(KernelFunction):
    """The end of a residual block: y = min(max(batch_norm(x) + z, 0), ceiling). dz = dy where 0 < y < ceiling, else 0; dx as in a batch norm, of dz."""

    op = "batch_norm_add_relu"
    extra_results = 2


def batch_norm(
    x: Tensor,
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    *,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
    ceiling: float | None = None,
    residual: Tensor | None = None,
) -> Tensor:
    """Give every channel mean 0 and variance 1, then a learned scale and shift.

        y = gamma (x - mean) / sqrt(var + eps) + beta

    In training, mean and var are those of the M = N H W values that the batch has in a channel (var divided by M), and
    the running statistics, if given, move towards them:

        running_mean = (1 - momentum) running_mean + momentum mean
        running_var  = (1 - momentum) running_var  + momentum var M / (M - 1)

    (The last factor makes the variance an unbiased estimate of that of all images.) In evaluation, mean and var are the
    running ones, so that the result for an image does not depend on the others of its batch.

    Args:
        x: (N, C), (N, C, L) or (N, C, H, W).
        gamma: scale of each channel (C,), or None for 1.
        beta: shift of each channel (C,), or None for 0.
        running_mean: (C,), updated in training; None to keep no running statistics.
        running_var: likewise.
        training: use the statistics of this batch, rather than the running ones.
        momentum: weight of this batch in the running statistics.
        eps: keeps the square root away from zero.
        ceiling: clip the result to 0..ceiling, which is a ReLU with infinity and a ReLU6 with 6; None does not clip.
        residual: of x's shape; add it before the result is clipped, as at the end of a residual block.

    Returns:
        A tensor like x.

    Raises:
        ShapeError: x has no channel axis or is empty, another argument does not have one entry per channel, `residual` is not
            like x, or in training a channel has a single value, whose variance is zero.
        DtypeError: inputs of different element types, or integers. Beside an x of 16 bits, everything that belongs to a channel is float32.
        ArgumentError: `eps` or `momentum` is out of range, running statistics are missing, or a residual has no ceiling.

    Source:
        Ioffe & Szegedy 2015, "Batch normalization: accelerating deep network training by reducing internal covariate
        shift", algorithms 1 and 2.

    Example:
        >>> x = Tensor([[1.0, 10.0], [3.0, 50.0]])
        >>> batch_norm(x, training=True).numpy().round(3).tolist()
        [[-1.0, -1.0], [1.0, 1.0]]
    """
    x, gamma = as_tensor(x), None if gamma is None else as_tensor(gamma)
    beta = None if beta is None else as_tensor(beta)
    training, eps = checks.flag(training, "batch_norm: training"), checks.positive(eps, "batch_norm: eps")
    momentum = checks.fraction(momentum, "batch_norm: momentum", include_one=True)
    checks.axes("batch_norm", x, max(x.ndim, 2), "(N, C, ...)")
    _check_running(running_mean, running_var, training)
    checks.floating_with_parameters("batch_norm", x, gamma=gamma, beta=beta, running_mean=running_mean, running_var=running_var)
    checks.per_channel("batch_norm", x, gamma=gamma, beta=beta, running_mean=running_mean, running_var=running_var)
    node, added, attributes = _joined(x, ceiling, residual)
    if not training:
        return node(x, gamma, beta, *added, running_mean, running_var, training=False, eps=eps, **attributes)
    _check_values(x)
    y = node(x, gamma, beta, *added, None, None, training=True, eps=eps, **attributes)
    if running_mean is not None and running_var is not None:
        M = x.size // x.shape[1]
        moved = _move_running(node, running_mean.data, running_var.data, momentum, M / (M - 1))
        running_mean.data, running_var.data = moved  # new arrays, never edits: the graph of an earlier evaluation may still read the old ones
    return y


def _joined(x: Tensor, ceiling: float | None, residual: Tensor | None) -> tuple[KernelFunction, tuple[Tensor, ...], dict[str, Any]]:
    """The node that computes the norm with what is behind it, its additional input, and its additional attribute."""
    if ceiling is None and residual is not None:
        raise ArgumentError("batch_norm: a residual is added before a ReLU: give ceiling=math.inf, too, or add it afterwards with +")
    if ceiling is None:
        return BatchNorm(), (), {}
    attributes = {"ceiling": checks.ceiling(ceiling, "batch_norm: ceiling")}
    if residual is None:
        return BatchNormReLU(), (), attributes
    z = as_tensor(residual)
    checks.floating("batch_norm", x=x, residual=z)
    if z.shape != x.shape:
        raise ShapeError(f"batch_norm: residual must be like x, which it is added to: x is {x.shape}, residual {z.shape}")
    return BatchNormAddReLU(), (z,), attributes


def _move_running(node: KernelFunction, mean: Array, var: Array, momentum: float, unbiased: float) -> tuple[Array, Array]:
    """The running statistics after a batch. On a GPU in one launch, where whole-array arithmetic would take seven."""
    if node.kernel.source == "cuda":
        from minicnn.kernels.cuda.batch_norm import move_running
    else:
        from minicnn.kernels.array.batch_norm import move_running
    return move_running(mean, var, *node.extra, momentum=momentum, unbiased=unbiased)


def _check_running(running_mean: object, running_var: object, training: bool) -> None:
    for name, given in (("running_mean", running_mean), ("running_var", running_var)):
        if given is not None and not isinstance(given, Tensor):
            kind = type(given).__name__
            raise DtypeError(f"batch_norm: {name} must be a Tensor, which training can update, not {kind}")
    if (running_mean is None) != (running_var is None):
        raise ArgumentError("batch_norm: running_mean and running_var belong together: give both or neither")
    if running_mean is None and not training:
        raise ArgumentError("batch_norm: evaluation (training=False) needs running_mean and running_var: give both")


def _check_values(x: Tensor) -> None:
    if x.size == x.shape[1]:
        where = "" if x.ndim == 2 else f" at {'x'.join(map(str, x.shape[2:]))}"
        raise ShapeError(
            f"batch_norm: in training each channel needs more than one value: x is {x.shape}, a batch of 1{where}, and the variance "
            "of one value is zero, so that every output would be beta whatever the input. Use a batch of 2 or more (is the "
            "last, incomplete one the culprit? DataLoader(..., drop_last=True)), larger images, or eval()"
        )
