"""Recurrent cells: one step in time. A network of them is a loop in Python, and backward through time is the backward of that loop.

Parameters have PyTorch's names and order, so that a state dict of torch.nn.RNNCell or LSTMCell loads by name.
"""

import math

from minicnn import checks
from minicnn.autograd import Tensor, as_tensor
from minicnn.creation import zeros
from minicnn.errors import ShapeError
from minicnn.nn import init
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter
from minicnn.ops import chunk, linear, relu, sigmoid, tanh

NONLINEARITIES = {"tanh": tanh, "relu": relu}


class _Cell(Module):
    """What both cells have in common: two matrices, one for the input and one for the state, with a row for every number that a step computes."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool, gates: int) -> None:
        super().__init__()
        name = type(self).__name__
        self.input_size = checks.integer(input_size, f"{name}: input_size")
        self.hidden_size = checks.integer(hidden_size, f"{name}: hidden_size")
        has_bias, rows, bound = checks.flag(bias, f"{name}: bias"), gates * self.hidden_size, 1 / math.sqrt(self.hidden_size)
        self.weight_ih = Parameter(init.uniform((rows, self.input_size), -bound, bound))
        self.weight_hh = Parameter(init.uniform((rows, self.hidden_size), -bound, bound))
        self.bias_ih = Parameter(init.uniform((rows,), -bound, bound)) if has_bias else None
        self.bias_hh = Parameter(init.uniform((rows,), -bound, bound)) if has_bias else None

    def _summed(self, x: Tensor, h: Tensor) -> Tensor:
        """W_ih x + b_ih + W_hh h + b_hh: (N, gates · hidden_size)."""
        return linear(x, self.weight_ih, self.bias_ih) + linear(h, self.weight_hh, self.bias_hh)

    def _checked(self, x: Tensor) -> Tensor:
        """The input of one step, (N, input_size)."""
        x = as_tensor(x)
        if x.ndim != 2 or x.shape[1] != self.input_size:
            hint = "; a cell takes one step: loop over the time axis, x[:, t]" if x.ndim == 3 else ""
            raise ShapeError(f"input must be (N, {self.input_size}), the numbers of one time step; x is {x.shape}{hint}")
        return x

    def _state(self, x: Tensor, h: Tensor | None, name: str) -> Tensor:
        """The state (N, hidden_size) that was given, or zeros."""
        shape = (len(x), self.hidden_size)
        if h is None:
            return zeros(shape, dtype=x.dtype)
        h = as_tensor(h)
        if h.shape != shape:
            raise ShapeError(f"{name} must be (N, hidden_size) = {shape}, as x is {x.shape}; {name} is {h.shape}")
        return h


class RNNCell(_Cell):
    """One step of the simple recurrent network: h' = tanh(W_ih x + b_ih + W_hh h + b_hh).

    Args:
        nonlinearity: "tanh" or "relu".

    Attributes:
        weight_ih: (hidden_size, input_size), drawn uniformly within ± 1 / sqrt(hidden_size).
        weight_hh: (hidden_size, hidden_size), likewise.
        bias_ih, bias_hh: (hidden_size,) each, likewise; None unless `bias`. Two biases where one would do: PyTorch's state dicts have both.

    Raises:
        ArgumentError: a size is below 1 or no integer, or the nonlinearity is unknown.

    Source:
        Elman 1990, "Finding structure in time".

    Example:
        >>> import minicnn
        >>> cell, x, h = RNNCell(10, 20), minicnn.zeros(8, 5, 10), None
        >>> for t in range(5):
        ...     h = cell(x[:, t], h)
        >>> h.shape
        (8, 20)
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh") -> None:
        super().__init__(input_size, hidden_size, bias, gates=1)
        self.nonlinearity = checks.choice(nonlinearity, "RNNCell: nonlinearity", tuple(NONLINEARITIES))

    def forward(self, x: Tensor, h: Tensor | None = None) -> Tensor:
        """x (N, input_size) and h (N, hidden_size), or None for zeros, to h' (N, hidden_size)."""
        x = self._checked(x)
        return NONLINEARITIES[self.nonlinearity](self._summed(x, self._state(x, h, "h")))

    def extra_repr(self) -> str:
        return self.describe(self.input_size, self.hidden_size, bias=(self.bias_ih is not None, True), nonlinearity=(self.nonlinearity, "tanh"))


class LSTMCell(_Cell):
    """One step of long short-term memory.

        i, f, o = σ(W x + U h + b) with W, U, b of their own: write, keep, read
        g = tanh(W x + U h + b): what could be written
        c' = f · c + i · g
        h' = o · tanh(c')

    Attributes:
        weight_ih: (4 hidden_size, input_size), the rows of i, then f, g, o; drawn uniformly within ± 1 / sqrt(hidden_size).
        weight_hh: (4 hidden_size, hidden_size), likewise.
        bias_ih, bias_hh: (4 hidden_size,) each, likewise; None unless `bias`.

    Raises:
        ArgumentError: a size is below 1 or no integer.

    Source:
        Hochreiter & Schmidhuber 1997, "Long short-term memory"; the forget gate f: Gers, Schmidhuber & Cummins 2000, "Learning to forget".

    Example:
        >>> import minicnn
        >>> cell, x, state = LSTMCell(10, 20), minicnn.zeros(8, 5, 10), None
        >>> for t in range(5):
        ...     h, c = state = cell(x[:, t], state)
        >>> h.shape, c.shape
        ((8, 20), (8, 20))
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:
        super().__init__(input_size, hidden_size, bias, gates=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """x (N, input_size) and state (h, c), both (N, hidden_size), or None for zeros, to (h', c')."""
        x = self._checked(x)
        if state is not None and (not isinstance(state, tuple) or len(state) != 2):
            raise ShapeError("the state of an LSTM is a pair (h, c): pass what the last step returned, or None for zeros")
        h, c = (self._state(x, part, name) for part, name in zip(state or (None, None), "hc", strict=True))
        i, f, g, o = chunk(self._summed(x, h), 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(c), c

    def extra_repr(self) -> str:
        return self.describe(self.input_size, self.hidden_size, bias=(self.bias_ih is not None, True))
