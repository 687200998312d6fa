"""Cells that a search put together, from tables; the two of NASNet-A (Zoph et al. 2018). Its networks are in `nasnet.py`."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.checks import choice
from minicnn.ops import concatenate, pad, relu

Step: TypeAlias = tuple[str, int, str, int]
"""An operation and the hidden state that it reads, twice; the sum of both results is the next hidden state."""


def norm(channels: int) -> nn.BatchNorm2d:
    """A batch norm with TensorFlow's eps."""
    return nn.BatchNorm2d(channels, eps=1e-3)


class Projection(nn.Module):
    """ReLU, convolution, batch norm: in cells, the ReLU comes first. Usually the convolution is 1x1."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int = 1, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding="same", dilation=dilation, bias=False)
        self.bn = norm(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, out_channels, H/stride, W/stride), rounded up."""
        return self.bn(self.conv(relu(x)))


class RowThenColumn(nn.Module):
    """ReLU, a convolution 1 x size along the rows, one size x 1 along the columns, batch norm. Each has the stride in its own direction."""

    def __init__(self, in_channels: int, out_channels: int, size: int, stride: int) -> None:
        super().__init__()
        self.conv_row = nn.Conv2d(in_channels, out_channels, (1, size), (1, stride), padding="same", bias=False)
        self.conv_column = nn.Conv2d(out_channels, out_channels, (size, 1), (stride, 1), padding="same", bias=False)
        self.bn = norm(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, out_channels, H/stride, W/stride), rounded up."""
        return self.bn(self.conv_column(self.conv_row(relu(x))))


class SeparableConv(nn.Sequential):
    """A depthwise convolution, which has the stride, and a 1x1 convolution."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int) -> None:
        depthwise = nn.Conv2d(in_channels, in_channels, kernel_size, stride, padding="same", groups=in_channels, bias=False)
        super().__init__({"depthwise_conv2d": depthwise, "pointwise_conv2d": nn.Conv2d(in_channels, out_channels, 1, bias=False)})


class TwiceSeparable(nn.Module):
    """The operation "separable": ReLU, separable convolution, batch norm, and the same once more. Only the first has the stride."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int) -> None:
        super().__init__()
        self.separable_1 = SeparableConv(in_channels, out_channels, kernel_size, stride)
        self.bn_sep_1 = norm(out_channels)
        self.separable_2 = SeparableConv(out_channels, out_channels, kernel_size, 1)
        self.bn_sep_2 = norm(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, out_channels, H/stride, W/stride), rounded up."""
        x = self.bn_sep_1(self.separable_1(relu(x)))
        return self.bn_sep_2(self.separable_2(relu(x)))


def make_operation(name: str, in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """The module for a name in the tables of the cells. An identity with a stride is a 1x1 convolution.

    >>> make_operation("max 3x3", 44, 44, stride=2)
    MaxPool2d(kernel_size=3, stride=2, padding='same')
    """
    if name == "identity":
        return nn.Identity() if stride == 1 else Projection(in_channels, out_channels, stride=stride)
    kind, *windows = name.split()
    size = max(int(length) for length in windows[0].split("x"))
    if kind == "max":
        return nn.MaxPool2d(size, stride, padding="same")
    if kind == "average":
        return nn.AvgPool2d(size, stride, padding="same", count_include_pad=False)
    if kind == "separable":
        return TwiceSeparable(in_channels, out_channels, size, stride)
    if len(windows) == 2:
        return RowThenColumn(in_channels, out_channels, size, stride)
    return Projection(in_channels, out_channels, size, stride, dilation=2 if kind == "dilated" else 1)


class Wiring(NamedTuple):
    """The tables of a cell.

    Attributes:
        steps: for each new hidden state, the two operations and what they read.
        outputs: the states that are concatenated.
        stride: of the operations that read state 0 or 1.
    """

    steps: tuple[Step, ...]
    outputs: tuple[int, ...]
    stride: int


def unread(steps: Sequence[Step]) -> tuple[int, ...]:
    """The new hidden states that no step reads, which make a cell's output unless it says otherwise.

    >>> unread([("identity", 0, "max 3x3", 1), ("identity", 2, "identity", 1), ("identity", 0, "identity", 1)])
    (3, 4)
    """
    read = {state for _, a, _, b in steps for state in (a, b)}
    return tuple(state for state in range(2, len(steps) + 2) if state not in read)


class Cell(nn.Module):
    """A cell: it reads the outputs of the two cells before it, and makes new hidden states, usually five, each a sum of two operations' results.

        output of the cell before it ── ReLU, 1x1 conv, BN ──────────────► hidden state 0
        output of the cell before that ── made to fit ───────────────────► hidden state 1
        steps[0]: operation (a state) + operation (a state) ─────────────► hidden state 2
        ...
        steps[4]: operation (a state) + operation (a state) ─────────────► hidden state 6
        output: the states listed in `outputs`, concatenated

    A subclass brings the tables, or they are given as a `Wiring`. Operations that read state 0 or 1 have the cell's stride. A pixel of padding counts in no average.

    State 1 is made to fit in one of three ways:

    - "project": ReLU, 1x1 convolution, batch norm, as for state 0.
    - "halve": the output is from before a reduction and twice as large. After a ReLU, half of the channels come from every second pixel,
      the other half from their neighbours to the right and below, so that more than a quarter of the pixels is seen; one batch norm.
    - "keep": as it is, with its own number of channels. In the first cell of all, which reads the same image twice.

    Args:
        in_channels: of the output of the cell before.
        previous_channels: of the output of the cell before that.
        channels: of each hidden state.
        previous: how state 1 is made to fit.
        drop_path: probability that a sample does without the result of an operation, in training.
        wiring: the tables, unless the class has them.

    Source:
        Zoph et al. 2018, sec. 3 and fig. 4; names of parameters as in timm's and Cadene's conversions.

    Example:
        >>> import minicnn
        >>> x, previous = minicnn.ones(2, 88, 28, 28), minicnn.ones(2, 44, 56, 56)
        >>> NormalCell(88, 44, 44, previous="halve")(x, previous).shape
        (2, 264, 28, 28)
        >>> ReductionCell(264, 264, 88)(minicnn.ones(2, 264, 28, 28), minicnn.ones(2, 264, 28, 28)).shape
        (2, 352, 14, 14)
    """

    steps: tuple[Step, ...]
    outputs: tuple[int, ...]
    stride: int

    def __init__(
        self, in_channels: int, previous_channels: int, channels: int, *, previous: str = "project", drop_path: float = 0.0,
        wiring: Wiring | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if wiring is not None:
            self.steps, self.outputs, self.stride = wiring
        self.previous = choice(previous, f"{type(self).__name__}: previous", ("project", "halve", "keep"))
        self.out_channels = len(self.outputs) * channels
        self.conv_1x1 = Projection(in_channels, channels)
        if previous == "project":
            self.conv_prev_1x1 = Projection(previous_channels, channels)
        elif previous == "halve":
            self.path_1, self.path_2 = (
                nn.Sequential({"avgpool": nn.AvgPool2d(1, 2), "conv": nn.Conv2d(previous_channels, channels // 2, 1, bias=False)})
                for _ in range(2)
            )
            self.final_path_bn = norm(channels)
        of_state = [channels, previous_channels if previous == "keep" else channels, *[channels] * len(self.steps)]
        for i, (left, a, right, b) in enumerate(self.steps):
            for side, name, state in (("left", left, a), ("right", right, b)):
                stride = self.stride if state in (0, 1) else 1
                setattr(self, f"comb_iter_{i}_{side}", make_operation(name, of_state[state], channels, stride))
        self.drop_path = nn.DropPath(drop_path)

    def forward(self, x: Tensor, previous: Tensor) -> Tensor:
        """(N, in_channels, H, W) and the output of the cell before that, to (N, out_channels, H/stride, W/stride), rounded up."""
        states = [self.conv_1x1(x), self.fit(previous)]
        for i, (_, a, _, b) in enumerate(self.steps):
            states.append(self.operate(f"comb_iter_{i}_left", states[a]) + self.operate(f"comb_iter_{i}_right", states[b]))
        return concatenate([states[i] for i in self.outputs], axis=1)

    def fit(self, previous: Tensor) -> Tensor:
        """Hidden state 1."""
        if self.previous == "keep":
            return previous
        if self.previous == "project":
            return self.conv_prev_1x1(previous)
        x = relu(previous)
        neighbours = pad(x, (0, 1, 0, 1))[:, :, 1:, 1:]
        return self.final_path_bn(concatenate([self.path_1(x), self.path_2(neighbours)], axis=1))

    def operate(self, name: str, x: Tensor) -> Tensor:
        """The operation called `name`; an identity is never dropped."""
        operation = getattr(self, name)
        return x if isinstance(operation, nn.Identity) else self.drop_path(operation(x))


class NormalCell(Cell):
    """The cell that keeps the size of the image. The last but one step does add an average of state 1 to itself."""

    steps = (
        ("separable 5x5", 0, "separable 3x3", 1),
        ("separable 5x5", 1, "separable 3x3", 1),
        ("average 3x3", 0, "identity", 1),
        ("average 3x3", 1, "average 3x3", 1),
        ("separable 3x3", 0, "identity", 0),
    )
    outputs = (1, 2, 3, 4, 5, 6)
    stride = 1


class ReductionCell(Cell):
    """The cell that halves the image. Its last two steps read the sums of the first two, which are small already."""

    steps = (
        ("separable 5x5", 0, "separable 7x7", 1),
        ("max 3x3", 0, "separable 7x7", 1),
        ("average 3x3", 0, "separable 5x5", 1),
        ("identity", 3, "average 3x3", 2),
        ("separable 3x3", 2, "max 3x3", 0),
    )
    outputs = (3, 4, 5, 6)
    stride = 2
