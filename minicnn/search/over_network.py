"""The over-network: all networks of a space of cells in one, which share their weights (Pham et al. 2018)."""

from __future__ import annotations

from collections.abc import Sequence

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.models.nasnet_cell import Cell, Wiring, make_operation, norm
from minicnn.models.searched_cells import OPERATIONS, SHORT, read_cells, stacked
from minicnn.ops import concatenate, relu


class SharedCell(Cell):
    """A cell at one place of the network, with the weights of every operation that may stand in it.

    There are weights of their own for each block, side, state that is read, and operation; a wiring says which are used. All new states are put out; those
    that the wiring reads are zeros in the output, so that what reads the output needs weights of one shape only.

    Args:
        in_channels, previous_channels, channels, previous: see `Cell`.
        blocks: how many.
        operations: by their short names.
        stride: 1 for a normal cell, 2 for a reduction cell.
    """

    def __init__(
        self, in_channels: int, previous_channels: int, channels: int, *, previous: str, blocks: int, operations: Sequence[str], stride: int
    ) -> None:
        outputs = tuple(range(2, blocks + 2))
        super().__init__(in_channels, previous_channels, channels, previous=previous, wiring=Wiring((), outputs, stride))
        for i in range(blocks):
            for side in ("left", "right"):
                for state in range(i + 2):
                    for name in operations:
                        module = make_operation(OPERATIONS[name], channels, channels, stride if state < 2 else 1)
                        setattr(self, _name(i, side, state, name), module)

    def forward(self, x: Tensor, previous: Tensor, wiring: Wiring | None = None) -> Tensor:
        """(N, in_channels, H, W) and the output of the cell before that, to (N, blocks · channels, H/stride, W/stride), rounded up."""
        assert wiring is not None
        states = [self.conv_1x1(x), self.fit(previous)]
        for i, (left, a, right, b) in enumerate(wiring.steps):
            states.append(self._shared(i, "left", a, left, states[a]) + self._shared(i, "right", b, right, states[b]))
        return concatenate([state if i in wiring.outputs else state * 0 for i, state in enumerate(states) if i > 1], axis=1)

    def _shared(self, i: int, side: str, state: int, operation: str, x: Tensor) -> Tensor:
        y: Tensor = getattr(self, _name(i, side, state, SHORT[operation]))(x)
        return y


def _name(block: int, side: str, state: int, operation: str) -> str:
    return f"block_{block}_{side}_{state}_{operation}"


class OverNetwork(nn.Module):
    """A network like `models.SearchedCells` for all strings of a space of cells: which of its weights are used, the string says.

    Args:
        blocks: of each cell.
        operations: by their short names.
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        cells: normal cells in each stage.
        filters: channels of a hidden state in the first stage, an even number.
        stages: how many, with a reduction cell between each two.

    Raises:
        ArgumentError: a number is out of range, or `filters` is odd.

    Source:
        Pham, Guan, Zoph, Le & Dean 2018, "Efficient neural architecture search via parameter sharing", sec. 2.1 and 2.4.

    Example:
        >>> import minicnn
        >>> net = OverNetwork(1, ("id", "sep3"), cells=1, filters=4)
        >>> net(minicnn.ones(2, 1, 8, 8), "cells sep3:0+id:1 / sep3:0+sep3:1").shape
        (2, 10)
    """

    def __init__(
        self, blocks: int, operations: Sequence[str], num_classes: int = 10, in_channels: int = 1, *, cells: int = 1, filters: int = 8, stages: int = 3
    ) -> None:
        super().__init__()
        places = stacked("OverNetwork", cells, filters, stages)
        stem = 3 * filters
        self.stem = nn.Sequential({"conv": nn.Conv2d(in_channels, stem, 3, padding=1, bias=False), "bn": norm(stem)})
        self.strides = [stride for stride, _, _ in places]
        self.features = nn.ModuleList()
        before, last = stem, stem
        for stride, previous, channels in places:
            self.features.append(SharedCell(last, before, channels, previous=previous, blocks=blocks, operations=operations, stride=stride))
            before, last = last, blocks * channels
        self.global_pool = nn.GlobalAvgPool2d()
        self.classifier = nn.Linear(last, num_classes)

    def forward(self, image: Tensor, string: str) -> Tensor:
        """(N, in_channels, H, W) to the scores (N, num_classes) of the network that the string describes."""
        normal, reduction = read_cells(string)
        last = self.stem(image)
        before = last
        for stride, cell in zip(self.strides, self.features, strict=True):
            before, last = last, cell(last, before, normal if stride == 1 else reduction)
        return self.classifier(self.global_pool(relu(last)).flatten(1))
