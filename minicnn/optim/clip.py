"""Clipping of gradients."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from minicnn import checks
from minicnn.autograd import Tensor
from minicnn.backend import get_backend
from minicnn.errors import ArgumentError, NonFiniteError
from minicnn.kernels.array.module import array_module
from minicnn.kernels.cuda.gradients import clip
from minicnn.kernels.cuda.tensors import packed


def clip_grad_norm(
    parameters: Iterable[Tensor] | Iterable[tuple[str, Tensor]], max_norm: float, *, error_if_nonfinite: bool = True
) -> float:
    """Scale all gradients down by one factor if their common norm √(Σ g²) is above `max_norm`. Call it before `step()`.

    The factor is max_norm / (norm + 1e-6), as in PyTorch. Parameters without a gradient are passed over.

    Args:
        parameters: `model.parameters()`, or `model.named_parameters()` so that a message can name them.
        max_norm: above 0; `math.inf` only measures.
        error_if_nonfinite: if false, gradients of which one is NaN or Inf stay as they are: for a step that `GradScaler` will leave out.

    Returns:
        The norm before clipping: worth a place in the log.

    Raises:
        NonFiniteError: a gradient is NaN or Inf; says which.
        ArgumentError: `max_norm` is not above 0.

    Source:
        Pascanu et al. 2013, "On the difficulty of training recurrent neural networks", algorithm 1.

    Example:
        >>> w = Tensor([3.0, 4.0], requires_grad=True)
        >>> (w * w).sum().backward()
        >>> clip_grad_norm([w], max_norm=5.0)
        10.0
        >>> [round(value, 3) for value in w.grad.tolist()]
        [3.0, 4.0]
    """
    if checks.real(max_norm, "clip_grad_norm: max_norm") <= 0:
        raise ArgumentError(f"clip_grad_norm: max_norm must be above 0, not {max_norm!r}")
    named = (item if isinstance(item, tuple) else (f"parameter {i}", item) for i, item in enumerate(parameters))
    gradients = [(name, parameter.grad) for name, parameter in named if parameter.grad is not None]
    if gradients and _have_kernels(gradient for _, gradient in gradients):
        squares = _clip_at_once([gradient for _, gradient in gradients], max_norm)
    else:
        squares = _clip_each([gradient for _, gradient in gradients], max_norm)
    if not math.isfinite(squares) and error_if_nonfinite:
        raise _not_finite(gradients)
    return math.sqrt(squares)


def _have_kernels(gradients: Iterable[Tensor]) -> bool:
    """A few launches can treat them all."""
    backend = get_backend()
    return "cuda" in backend.sources and all(isinstance(g.data, backend.xp.ndarray) and packed(g.data) for g in gradients)


def _clip_each(gradients: list[Tensor], max_norm: float) -> float:
    """Clip them, if all are finite; the sum of their squares."""
    squares = sum(map(_sum_of_squares, gradients))
    if math.isfinite(squares) and (factor := max_norm / (math.sqrt(squares) + 1e-6)) < 1:
        for gradient in gradients:
            data = gradient.edit("clip_grad_norm")
            data *= factor
    return squares


def _clip_at_once(gradients: list[Tensor], max_norm: float) -> float:
    """The same on a GPU, which is waited for once: kernels take the norm, and multiply by the factor if it is finite."""
    return float(clip([gradient.edit("clip_grad_norm") for gradient in gradients], max_norm).item())


def _sum_of_squares(gradient: Tensor) -> float:
    """In float64, where the squares of finite float32 numbers are finite."""
    values = gradient.data.reshape(-1)
    if array_module(values) is np:  # converted piece by piece: a whole copy of VGG16's largest gradient would take 800 MB
        return float(np.einsum("i,i->", values, values, dtype=np.float64, casting="same_kind"))
    return float((values.astype(np.float64) ** 2).sum())


def _not_finite(gradients: list[tuple[str, Tensor]]) -> NonFiniteError:
    """What to say of the first gradient that is not finite."""
    name, gradient = next((named for named in gradients if not math.isfinite(_sum_of_squares(named[1]))), gradients[0])
    kind = "NaN" if bool(array_module(gradient.data).isnan(gradient.data).any()) else "Inf"
    return NonFiniteError(
        f"clip_grad_norm: the gradient of {name}, of shape {gradient.shape}, is {kind}: no scaling can mend it. Run this step "
        "inside `with minicnn.detect_anomaly():` to be told which operation it was; or, if a GradScaler will leave it out, pass error_if_nonfinite=False"
    )
