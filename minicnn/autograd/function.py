"""A node of the graph: one operation that was applied, able to carry a gradient back."""

from __future__ import annotations

import weakref
from typing import Any, ClassVar

import numpy as np

from minicnn import cuda
from minicnn.autograd import observer
from minicnn.autograd.anomaly import anomaly_enabled, call_site, check_finite
from minicnn.autograd.grad_mode import is_grad_enabled
from minicnn.autograd.guard import guards
from minicnn.autograd.tensor import Tensor, as_tensor
from minicnn.backend import get_backend
from minicnn.errors import AutogradError, DtypeError, ShapeError
from minicnn.kernels.array.module import array_module
from minicnn.kernels.cuda.precision import precision, restore_precision, set_precision
from minicnn.kernels.types import Array, Kernel
from minicnn.place import in_one_place, require_place

SMALL = 16  # results of up to so many elements are kept (in anomaly mode all), so that a picture of the graph can show them


class Function:
    """A differentiable operation. Subclasses say how to compute it and how a gradient flows back through it.

    `forward(*arrays, **attributes)` gets plain arrays and returns one. What backward will need is put aside with
    `self.save(...)`. `backward(dy)` returns one gradient per input, or None where `self.needs` says that nobody asks.

    Attributes:
        needs: for each input, whether its gradient is wanted.
        edges: for each input, where its gradient goes: the function that computed it, the tensor itself if it is a leaf,
            or None.
        saved: the arrays that were put aside.
        input_shapes: for each input, its shape.

    Example:
        >>> class Square(Function):
        ...     def forward(self, x):
        ...         self.save(x)
        ...         return x * x
        ...     def backward(self, dy):
        ...         (x,) = self.saved
        ...         return (2 * x * dy,)
        >>> x = Tensor([3.0], requires_grad=True)
        >>> Square.apply(x).backward()
        >>> x.grad.item()
        6.0
    """

    gives_new_arrays: ClassVar[bool] = False  # what backward returns belongs to nobody else
    is_view: ClassVar[bool] = False  # the result may look at the memory of the first input
    result_may_overflow: ClassVar[bool] = False  # backward() may start from it although it is Inf or NaN: what it does then is up to who called it
    outlives_backward: ClassVar[bool] = False  # several graphs share it; it keeps nothing, and is not freed with the first of them

    needs: tuple[bool, ...]
    edges: tuple[Function | Tensor | None, ...]
    saved: Any = ()
    attributes: dict[str, Any]
    freed = False
    retained: Tensor | None = None  # the result, if its gradient is to be kept
    made_at = ""  # the user's line, in anomaly mode
    made_in = ("", "")  # path and class of the module that applied it, inside `minicnn.profile`

    @classmethod
    def apply(cls, *inputs: Any, **attributes: Any) -> Tensor:
        """Compute the operation and, if a gradient may be asked for, remember how."""
        return cls()(*inputs, **attributes)

    def __call__(self, *inputs: Any, **attributes: Any) -> Tensor:
        tensors = tuple(None if value is None else as_tensor(value) for value in inputs)
        recording = is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors)
        self.needs = tuple(recording and t is not None and t.requires_grad for t in tensors)
        self.attributes = attributes
        with np.errstate(all="ignore"):  # anomaly mode and backward() report NaN and Inf, and say more
            arrays = in_one_place(self.name, tuple(None if t is None else t.data for t in tensors))
            watching = observer.active
            try:
                y = Tensor.wrap(self.forward(*arrays, **attributes) if watching is None else watching.forward(self, arrays, attributes))
            except Exception as error:  # on a GPU, whose memory may be full, say
                if (said := cuda.explained(error, self.name)) is None:
                    raise
                raise said from error
        if self.is_view and tensors[0] is not None and array_module(y.data).may_share_memory(y.data, tensors[0].data):
            y.version = tensors[0].version
        if anomaly_enabled():
            self.made_at = call_site()
            check_finite(y.data, f"{self.name} {self.made_at}: its result", [t for t in tensors if t is not None])
        if recording:
            self._record(tensors, y)
        return y

    def forward(self, *arrays: Any, **attributes: Any) -> Array:
        """The operation on arrays."""
        raise NotImplementedError(f"{self.name} has no forward")

    def backward(self, dy: Array) -> tuple[Array | None, ...]:
        """The gradients of the inputs, from the gradient `dy` of the result."""
        raise NotImplementedError(f"{self.name} has no backward: it cannot be differentiated")

    def save(self, *arrays: Array | None) -> None:
        """Put arrays aside for backward, which finds them in `self.saved`. In-place edits of them will be noticed."""
        self.saved = arrays

    @property
    def name(self) -> str:
        """What messages call the operation."""
        return type(self).__name__

    def _record(self, inputs: tuple[Tensor | None, ...], y: Tensor) -> None:
        self.edges = tuple(None if t is None or not t.requires_grad else t.creator or t for t in inputs)
        self.input_shapes = tuple(() if t is None else t.shape for t in inputs)
        self._input_types = tuple(None if t is None else t.dtype for t in inputs)
        self._guards = guards(self.saved, inputs, y)
        self.shape, self.dtype = y.shape, y.dtype
        self.output = weakref.ref(y)
        self.value = y.data if y.size <= SMALL or anomaly_enabled() else None
        y.requires_grad, y.creator = True, self

    def pull_back(self, dy: Array) -> tuple[Array | None, ...]:
        """`backward`, with everything checked that can silently go wrong; frees the node.

        Raises:
            AutogradError: something that backward needs was edited in place, or the number of gradients is wrong.
            ShapeError, DtypeError: a gradient does not match its input.
        """
        for guard in self._guards:
            guard.check(self.name)
        with np.errstate(all="ignore"):
            watching = observer.active
            try:
                gradients = self.backward(dy) if watching is None else watching.backward(self, dy)
            except Exception as error:
                if (said := cuda.explained(error, f"backward of {self.name}")) is None:
                    raise
                raise said from error
        self._check(gradients)
        if anomaly_enabled():
            for gradient in gradients:
                if gradient is not None:
                    check_finite(gradient, f"backward of {self.name} {self.made_at}: the gradient that it returned", [])
        return gradients

    def free(self) -> None:
        """Drop everything that was kept for backward."""
        self.__dict__.clear()
        self.freed = True

    def _check(self, gradients: Any) -> None:
        if not isinstance(gradients, tuple) or len(gradients) != len(self.needs):
            given = f"{len(gradients)} gradient(s)" if isinstance(gradients, tuple) else type(gradients).__name__
            raise AutogradError(f"backward of {self.name} must return a tuple of {len(self.needs)} gradients, one per input; it returned {given}")
        expected = zip(gradients, self.needs, self.input_shapes, self._input_types, strict=True)
        for i, (gradient, needed, shape, dtype) in enumerate(expected):
            if not needed:
                continue
            if gradient is None:
                raise AutogradError(f"backward of {self.name} returned None for input {i}, whose gradient is needed")
            if not hasattr(gradient, "dtype"):
                raise AutogradError(f"backward of {self.name}: the gradient of input {i} must be an array, not {type(gradient).__name__}")
            if gradient.shape != shape:
                raise ShapeError(f"backward of {self.name}: the gradient of input {i} has shape {gradient.shape}, but the input has {shape}")
            if gradient.dtype != dtype:
                raise DtypeError(f"backward of {self.name}: the gradient of input {i} is {gradient.dtype}, but the input is {dtype}")


class KernelFunction(Function):
    """An operation that a pair of kernels computes: the forward and backward of the active backend.

    `op` names the pair. A forward kernel may hand out `extra_results` besides y (batch norm: the batch's mean and
    variance), as a tuple; only y is differentiated, the others are in `self.extra`.
    """

    op: ClassVar[str]
    extra_results: ClassVar[int] = 0

    kernel: Kernel
    precision: str  # of the forward's products, and so of the backward's
    extra: tuple[Array, ...] = ()

    def forward(self, *arrays: Array | None, **attributes: Any) -> Array:
        backend = get_backend()
        require_place(self.op, arrays, backend)
        self.kernel, self.precision = backend.kernel(self.op), precision()
        result = self.kernel.forward(*arrays, **attributes)
        if not isinstance(result, tuple) or len(result) != 2:
            raise self._wrong_forward("(y, saved), the result and what backward needs", result)
        y, self.saved = result
        if self.extra_results:
            if not isinstance(y, tuple) or len(y) != 1 + self.extra_results:
                raise self._wrong_forward(f"((y, and {self.extra_results} more), saved)", y)
            y, *extra = y
            self.extra = tuple(extra)
        dtype = next(array.dtype for array in arrays if array is not None)
        if not hasattr(y, "dtype") or y.dtype != dtype:
            raise self._wrong_forward(f"an array of {dtype}, as its input is", y)
        return y

    @property
    def gives_new_arrays(self) -> bool:  # type: ignore[override]
        """The kernels of that folder return nothing that they were given, and no array twice."""
        return self.kernel.source == "cuda"

    def _wrong_forward(self, expected: str, returned: Any) -> AutogradError:
        given = f"an array of {returned.dtype}" if hasattr(returned, "dtype") else type(returned).__name__
        given += f" of {len(returned)}" if isinstance(returned, tuple) else ""
        return AutogradError(f"forward of {self.op} (backend {self.kernel.source}) must return {expected}; it returned {given}")

    def backward(self, dy: Array) -> tuple[Array | None, ...]:
        if precision() == self.precision:
            return self.kernel.backward(dy, self.saved, needs=self.needs)
        before = set_precision(self.precision)
        try:
            return self.kernel.backward(dy, self.saved, needs=self.needs)
        finally:
            restore_precision(before)
