"""The batch normalisation layers."""

import warnings

import numpy as np

from minicnn.autograd import Tensor, as_tensor
from minicnn.backend import get_backend
from minicnn.errors import ShapeError
from minicnn.kernels.array.module import array_module
from minicnn.nn import init
from minicnn.nn.module import Module
from minicnn.nn.parameter import Buffer, Parameter
from minicnn.ops import checks
from minicnn.ops.batch_norm import batch_norm


class EvalBeforeTrainingWarning(UserWarning):
    """A batch normalisation is evaluated although its running statistics are still those it was made with."""


class BatchNorm(Module):
    """What `BatchNorm1d` and `BatchNorm2d` share; arguments and state are described there."""

    layouts: tuple[str, ...]  # the axes that an input may have

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        super().__init__()
        place = type(self).__name__
        C = checks.integer(num_features, f"{place}: num_features")
        self.num_features, self.eps = C, checks.positive(eps, f"{place}: eps")
        self.momentum = None if momentum is None else checks.fraction(momentum, f"{place}: momentum", include_one=True)
        self.track_running_stats = checks.flag(track_running_stats, f"{place}: track_running_stats")
        affine = checks.flag(affine, f"{place}: affine")
        self.weight = Parameter(init.ones((C,))) if affine else None
        self.bias = Parameter(init.zeros((C,))) if affine else None
        self.running_mean = Buffer(init.zeros((C,))) if track_running_stats else None
        self.running_var = Buffer(init.ones((C,))) if track_running_stats else None
        self.num_batches_tracked = Buffer(np.zeros((), np.int64)) if track_running_stats else None
        self._is_known = False  # whether the running statistics are more than the initial ones, or there has been a warning

    def forward(self, x: Tensor, ceiling: float | None = None, residual: Tensor | None = None) -> Tensor:
        """Normalise by the batch's own statistics in training mode, by the running ones in evaluation mode.

        With a `ceiling`, the result is clipped to 0..ceiling, after the addition of a `residual` if there is one: see `minicnn.nn.joined`.
        """
        x = as_tensor(x)
        self._check(x)
        training = self.training or not self.track_running_stats
        if not training:
            self._warn_if_untrained()
        y = batch_norm(
            x, self.weight, self.bias, self.running_mean, self.running_var,
            training=training, momentum=self._momentum(), eps=self.eps, ceiling=ceiling, residual=residual,
        )  # fmt: skip
        self._is_known |= training and get_backend().has_values
        if training and self.num_batches_tracked is not None:
            count = self.num_batches_tracked.data
            self.num_batches_tracked.data = array_module(count).asarray(count + 1)  # NumPy would make it a plain number
        return y

    def _momentum(self) -> float:
        """The weight of the next batch: with the weights 1, 1/2, 1/3, ... the average of all stays plain."""
        if self.momentum is None and self.num_batches_tracked is not None:
            return 1 / (int(self.num_batches_tracked) + 1)
        return self.momentum or 0.0

    def _check(self, x: Tensor) -> None:
        if x.ndim not in {layout.count(",") + 1 for layout in self.layouts}:
            other = {4: "; for images use BatchNorm2d", 2: "; for features (N, C) use BatchNorm1d"}.get(x.ndim, "")
            raise ShapeError(f"input must have the axes {' or '.join(self.layouts)}; x is {x.shape}{other}")
        check_channels(x, self.num_features)

    def _warn_if_untrained(self) -> None:
        """Weights from a file may come without a count of batches, so the values must be the initial ones, too.

        They are looked at once only: on a GPU, a look at values waits for all work before it.
        """
        if self._is_known or not get_backend().has_values:
            return
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self._is_known = True
        initial = not self.running_mean.data.any() and bool((self.running_var.data == 1).all())
        if initial and not int(self.num_batches_tracked):
            warnings.warn(
                f"{type(self).__name__} in eval mode has seen no batch: its running mean and variance are still 0 and 1, "
                "so that nothing is normalised. Train first, or load a state dict",
                EvalBeforeTrainingWarning,
                stacklevel=4,
            )

    def extra_repr(self) -> str:
        return self.describe(
            self.num_features,
            eps=(self.eps, 1e-5), momentum=(self.momentum, 0.1), affine=(self.weight is not None, True),
            track_running_stats=(self.track_running_stats, True),
        )  # fmt: skip


class BatchNorm1d(BatchNorm):
    """Batch normalisation of features (N, C) or sequences (N, C, L). Arguments and state as in `BatchNorm2d`. See `minicnn.ops.batch_norm`.

    Raises:
        ArgumentError: an argument is out of range.

    Example:
        >>> import minicnn
        >>> BatchNorm1d(4)(minicnn.zeros(8, 4)).shape
        (8, 4)
    """

    layouts = ("(N, C)", "(N, C, L)")


class BatchNorm2d(BatchNorm):
    """Batch normalisation of images (N, C, H, W). See `minicnn.ops.batch_norm` for the formula.

    Args:
        num_features: number of channels.
        eps: keeps the square root away from zero.
        momentum: weight of each new batch in the running statistics; None for the plain average of all batches so far.
        affine: learn a scale and a shift.
        track_running_stats: keep running statistics for evaluation; without, every batch is normalised by its own.

    Attributes:
        weight: (num_features,), the scale gamma, one at first; None unless `affine`.
        bias: (num_features,), the shift beta, zero at first; None unless `affine`.
        running_mean: (num_features,), zero at first; None unless `track_running_stats`.
        running_var: (num_features,), one at first; likewise.
        num_batches_tracked: the number of batches seen in training; likewise.

    Raises:
        ArgumentError: an argument is out of range.

    Example:
        >>> import minicnn
        >>> layer = BatchNorm2d(16)
        >>> layer(minicnn.zeros(8, 16, 5, 7)).shape
        (8, 16, 5, 7)
        >>> list(layer.state_dict())
        ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked']
    """

    layouts = ("(N, C, H, W)",)


def check_channels(x: Tensor, expected: int) -> None:
    """The input of a layer has the number of channels that it was made for."""
    if x.shape[1] != expected:
        last = x.ndim == 4 and x.shape[3] == expected
        hint = "; is x in the order (N, H, W, C)? then transpose(0, 3, 1, 2)" if last else ""
        raise ShapeError(f"input has {x.shape[1]} channels, expected {expected}; x is {x.shape}{hint}")
