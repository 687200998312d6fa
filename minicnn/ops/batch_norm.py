"""Batch normalisation."""

from minicnn.autograd import KernelFunction, Tensor, as_tensor
from minicnn.errors import ArgumentError, DtypeError, ShapeError
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

    Returns:
        A tensor like x.

    Raises:
        ShapeError: x has no channel axis or is empty, another argument does not have one entry per channel, or in
            training a channel has a single value, whose variance is zero.
        DtypeError: inputs of different element types, or integers.
        ArgumentError: `eps` or `momentum` is out of range, or running statistics are missing.

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
    checks.floating("batch_norm", x=x, gamma=gamma, beta=beta, running_mean=running_mean, running_var=running_var)
    checks.per_channel("batch_norm", x, gamma=gamma, beta=beta, running_mean=running_mean, running_var=running_var)
    node, attributes = (BatchNorm(), {}) if ceiling is None else (BatchNormReLU(), {"ceiling": checks.ceiling(ceiling, "batch_norm: ceiling")})
    if not training:
        return node(x, gamma, beta, running_mean, running_var, training=False, eps=eps, **attributes)
    _check_values(x)
    y = node(x, gamma, beta, None, None, training=True, eps=eps, **attributes)
    if running_mean is not None and running_var is not None:
        mean, var = node.extra
        M = x.size // x.shape[1]
        # New arrays, never edits: the graph of an earlier evaluation may still read the old ones.
        running_mean.data = (1 - momentum) * running_mean.data + momentum * mean
        running_var.data = (1 - momentum) * running_var.data + momentum * var * (M / (M - 1))
    return y


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
