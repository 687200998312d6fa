"""Automatic mixed precision: which operation computes in which element type.

Numbers of 16 bits take half of the memory and of the time to fetch them, and tensor cores multiply them many times faster. But they have few digits, and
float16 has little range. So inside `with minicnn.autocast("bf16")` (or "fp16") the products, in which nearly all of the work is, take 16-bit numbers,
what adds up many numbers or takes exponentials computes in float32, and everything else takes what it is given. Parameters stay float32, and so do their
gradients: a product sees a copy of its weights, and making that copy is an operation of the graph, whose backward converts the gradient.

Source:
    Micikevicius et al. 2018, "Mixed precision training"; Kalamkar et al. 2019, "A study of BFLOAT16 for deep learning training". The table is PyTorch's
    (torch.amp), but for mean, var and std, which keep 16 bits there, and 1 / x, which becomes float32 there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minicnn.autograd import Tensor, is_grad_enabled
from minicnn.backend import Backend, get_backend
from minicnn.capture import is_capturing
from minicnn.checks import bfloat16, is_16_bit
from minicnn.errors import ArgumentError, BackendError
from minicnn.kernels.cuda.precision import precision as products_in
from minicnn.kernels.cuda.precision import restore_precision, set_precision
from minicnn.kernels.types import Array
from minicnn.ops.dtype import AsType, astype

FEW_BITS = "few bits"  # float32 inputs become 16-bit ones
FLOAT32 = "float32"  # 16-bit inputs become float32 ones

TABLE = {
    # products and sums of them, on tensor cores
    "conv2d": FEW_BITS,
    "linear": FEW_BITS,
    "matmul": FEW_BITS,
    # losses
    "cross_entropy": FLOAT32,
    "mse_loss": FLOAT32,
    "l1_loss": FLOAT32,
    "smooth_l1_loss": FLOAT32,
    # exponentials, logarithms and powers
    "softmax": FLOAT32,
    "log_softmax": FLOAT32,
    "exp": FLOAT32,
    "log": FLOAT32,
    "power": FLOAT32,
    # norms over the numbers of one sample
    "layer_norm": FLOAT32,
    "group_norm": FLOAT32,
    "local_response_norm": FLOAT32,
    # sums
    "sum": FLOAT32,
    "mean": FLOAT32,
    "var": FLOAT32,
    "std": FLOAT32,
    "logsumexp": FLOAT32,
}
"""What an operation does with its floating-point inputs inside `autocast("bf16")` or `autocast("fp16")`.

All that are not listed compute in the type that they are given: activations, pooling, dropout, sums and products of two tensors, joins, shapes. Batch norm,
too: it takes 16-bit images, with float32 parameters and statistics. Where a 16-bit tensor meets a float32 one, in a sum or a join, the result is float32
(see `minicnn.ops.dtype`). float64 is never touched.
"""

PRECISIONS = ("fp32", "tf32", "bf16", "fp16")
_NAMES = {"float32": "fp32", "single": "fp32", "bfloat16": "bf16", "float16": "fp16", "half": "fp16"}  # what others call them
_TF32_AND_BF16 = 80  # tensor cores know them from this compute capability on (Ampere, 2020)


@contextmanager
def autocast(precision: str | None) -> Iterator[None]:
    """Inside, products are computed with fewer bits: `TABLE` says which operation computes in which type.

    Only the forward pass and the loss belong inside; the backward pass computes in the types of the forward pass by itself, wherever it is called. For this
    thread only; a block inside another one holds until its end. Also works as a decorator.

    A weight is converted once, however often it is used, as long as it does not change: a copy is kept until the outermost block ends.

    Args:
        precision: one of

            - "bf16": bfloat16, with the range of float32 and 8 bits of precision. Nothing else need be done.
            - "fp16": float16, with 11 bits of precision, but no number above 65504, and none of full precision below 6e-5: small gradients vanish
              unless the loss is scaled up, see `minicnn.GradScaler`.
            - "tf32": arrays stay float32; convolutions and linear layers multiply with 11 bits of precision.
            - "fp32" or None: switches it off, for a part inside that needs all digits.

    Raises:
        ArgumentError: another word.
        BackendError: the backend has no such kernels (`cupy` and `cudasim` have), or the GPU is too old for it.

    Example:
        >>> import minicnn
        >>> from minicnn import nn
        >>> layer = nn.Linear(8, 4)
        >>> with minicnn.use_backend("cudasim"), minicnn.autocast("bf16"):
        ...     y = layer(minicnn.ones(2, 8))
        ...     loss = minicnn.ops.mse_loss(y, minicnn.zeros(2, 4))
        >>> y.dtype, loss.dtype, layer.weight.dtype
        (dtype(bfloat16), dtype('float32'), dtype('float32'))
    """
    name = _checked(precision)
    outer = _block.get()
    dtype = bfloat16("autocast") if name == "bf16" else np.dtype(np.float16) if name == "fp16" else None
    inner = _Block(dtype, outer.copies if outer is not None and outer.dtype == dtype else {}) if dtype is not None else None
    block, products = _block.set(inner), set_precision("tf32" if name == "tf32" else "fp32")
    try:
        yield
    finally:
        restore_precision(products)
        _block.reset(block)


def computing_in() -> tuple[Any, str]:
    """The type of 16 bits that the block around casts to, or None; and what products of float32 numbers are computed in."""
    block = _block.get()
    return None if block is None else block.dtype, products_in()


def cast(operation: str, *tensors: Tensor | None) -> tuple[Any, ...]:
    """The inputs of an operation in the types that `TABLE` says. Operations call it before they look at their inputs."""
    block = _block.get()
    if block is None or not get_backend().has_values:
        return tensors
    if TABLE[operation] == FLOAT32:
        return tuple(astype(t, np.float32) if t is not None and is_16_bit(t.dtype) else t for t in tensors)
    return tuple(None if t is None else block.cast(t) for t in tensors)


class WeightCast(AsType):
    """A weight in another type. One copy may serve in several graphs, so that it is not freed with the first of them."""

    outlives_backward = True


@dataclass(slots=True)
class _Copy:
    """A weight in 16 bits, and of which state of the weight it is: the array and the count of its edits."""

    weight: Tensor
    data: Array
    edits: int
    copy: Tensor

    def is_current(self) -> bool:
        """The weight is as it was, and if its gradient is asked for now, the copy passes it on."""
        same = self.data is self.weight.data and self.edits == self.weight.version.count
        return same and (self.copy.requires_grad or not is_grad_enabled())


@dataclass(slots=True)
class _Block:
    """An autocast block: its type, and the copies of weights, which blocks of the same type inside it share."""

    dtype: np.dtype[Any]
    copies: dict[int, _Copy] = field(default_factory=dict)  # by identity, which a copy keeps alive

    def cast(self, x: Tensor) -> Tensor:
        if x.dtype == self.dtype or not (x.dtype == np.float32 or is_16_bit(x.dtype)):
            return x
        if not (x.is_leaf and x.requires_grad) or is_capturing():  # a graph converts each time it is launched: the weight will be another one
            return astype(x, self.dtype)
        kept = self.copies.get(id(x))
        if kept is None or not kept.is_current():
            kept = self.copies[id(x)] = _Copy(x, x.data, x.version.count, WeightCast.apply(x, dtype=self.dtype))
        return kept.copy


_block: ContextVar[_Block | None] = ContextVar("minicnn_autocast", default=None)


def _checked(precision: str | None) -> str:
    """The precision that is meant, after a check that it can be had here."""
    name = "fp32" if precision is None else precision
    if not isinstance(name, str) or name not in PRECISIONS:
        meant = _NAMES.get(str(name).lower())
        hint = f"; did you mean {meant!r}?" if meant else ""
        raise ArgumentError(f"autocast: the precision is 'bf16', 'fp16' or 'tf32', or None for float32, not {precision!r}{hint}")
    if name != "fp32":
        _require(name, get_backend())
    return name


def _require(name: str, backend: Backend) -> None:
    if not backend.has_16_bit:
        raise BackendError(
            f"autocast({name!r}): the backend {backend.name!r} computes in float32 and float64 only; tensor cores are on a GPU: "
            "minicnn.set_backend('cupy'), or 'cudasim' to try it without one"
        )
    if backend.name == "cupy" and name != "fp16" and int(backend.xp.cuda.Device().compute_capability) < _TF32_AND_BF16:
        raise BackendError(f"autocast({name!r}): the tensor cores of this GPU know float16 only, which is older: autocast('fp16')")

