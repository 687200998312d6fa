"""Networks of two cells, a normal and a reduction cell, which a string describes (Zoph et al. 2018)."""

import re
from itertools import pairwise

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.checks import fraction, integer
from minicnn.errors import ArgumentError, nearest
from minicnn.models.nasnet_cell import Cell, Step, Wiring, norm, unread
from minicnn.models.pretrained import Weights, load_pretrained
from minicnn.ops import relu

OPERATIONS = {
    "id": "identity", "c1x3": "conv 1x3 3x1", "c1x7": "conv 1x7 7x1", "dil3": "dilated 3x3", "avg3": "average 3x3",
    "max3": "max 3x3", "max5": "max 5x5", "max7": "max 7x7", "conv1": "conv 1x1", "conv3": "conv 3x3",
    "sep3": "separable 3x3", "sep5": "separable 5x5", "sep7": "separable 7x7",
}  # fmt: skip
"""The 13 operations of the paper by their names in strings, and what the tables of `nasnet_cell` call them."""

NASNET_A = (
    "cells sep5:0+sep3:1 sep5:1+sep3:1 avg3:0+id:1 avg3:1+avg3:1 sep3:0+id:0 =1+2+3+4+5+6"
    " / sep5:0+sep7:1 max3:0+sep7:1 avg3:0+sep5:1 id:3+avg3:2 sep3:2+max3:0 =3+4+5+6"
)
"""The cells of NASNet-A. Both put out a state that is read, too, as the authors' code does."""

BLOCK = re.compile(r"(\w+):(\d+)\+(\w+):(\d+)")
SHORT = {name: short for short, name in OPERATIONS.items()}


def read_cells(string: str) -> tuple[Wiring, Wiring]:
    """The normal and the reduction cell of a string such as `NASNET_A`.

    Raises:
        ArgumentError: it does not describe two cells, or a block is malformed, has an unknown operation, or reads a state that is not made
            before it; or the output has a state that there is not, twice, or of another size.

    Example:
        >>> normal, reduction = read_cells("cells sep3:0+id:1 / max3:0+max3:1")
        >>> normal.steps, normal.outputs
        ((('separable 3x3', 0, 'identity', 1),), (2,))
    """
    kind, *tokens = string.lower().replace("/", " / ").split() or [""]
    if kind != "cells":
        raise ArgumentError(f"two cells begin with the word cells, as in 'cells sep3:0+id:1 / max3:0+max3:1', not with {kind!r}")
    if tokens.count("/") != 1:
        raise ArgumentError(f"one / separates the normal cell from the reduction cell, and here there are {tokens.count('/')}: {string}")
    middle = tokens.index("/")
    return _read_cell("normal", tokens[:middle], stride=1), _read_cell("reduction", tokens[middle + 1 :], stride=2)


def _read_cell(kind: str, tokens: list[str], stride: int) -> Wiring:
    given = tokens.pop() if tokens and tokens[-1].startswith("=") else ""
    if not tokens:
        raise ArgumentError(f"the {kind} cell is empty: write a block or more, each two operations with the states that they read, as in 'sep3:0+id:1'")
    steps = tuple(_read_block(f"the {kind} cell's state {state}, {token!r}", token, state) for state, token in enumerate(tokens, 2))
    return Wiring(steps, _read_outputs(f"the {kind} cell's output, {given!r}", given, len(steps) + 1, 0 if stride == 1 else 2) if given else unread(steps), stride)


def _read_block(place: str, token: str, state: int) -> Step:
    found = BLOCK.fullmatch(token)
    if not found:
        raise ArgumentError(f"{place}, is no block: write two operations, each with the state that it reads, as in 'sep3:0+id:1'")
    for name, read in (found.groups()[:2], found.groups()[2:]):
        if name not in OPERATIONS:
            raise ArgumentError(f"{place}, has the unknown operation {name!r}: {nearest(name, OPERATIONS)}")
        if int(read) >= state:
            raise ArgumentError(f"{place}, cannot read state {int(read)}: the states before it are 0 to {state - 1}")
    left, a, right, b = found.groups()
    return OPERATIONS[left], int(a), OPERATIONS[right], int(b)


def _read_outputs(place: str, token: str, last: int, first: int) -> tuple[int, ...]:
    if not re.fullmatch(r"=\d+(\+\d+)*", token):
        raise ArgumentError(f"{place}, is no list of states: write = and their numbers, as in '=2+3'")
    states = [int(number) for number in token[1:].split("+")]
    for state in states:
        if not first <= state <= last:
            inputs = "; 0 and 1 are twice as large" if state < first else ""
            raise ArgumentError(f"{place}, cannot have state {state}: the states of its size are {first} to {last}{inputs}")
        if states.count(state) > 1:
            raise ArgumentError(f"{place}, has state {state} twice: write it once")
    return tuple(sorted(states))


def write_cells(normal: Wiring, reduction: Wiring) -> str:
    """The string of two cells: what `read_cells` reads. The output is written only where it is not what no block reads.

    Example:
        >>> write_cells(*read_cells(NASNET_A)) == NASNET_A
        True
    """
    return f"cells {_write_cell(normal)} / {_write_cell(reduction)}"


def _write_cell(cell: Wiring) -> str:
    blocks = [f"{SHORT[left]}:{a}+{SHORT[right]}:{b}" for left, a, right, b in cell.steps]
    output = [] if cell.outputs == unread(cell.steps) else ["=" + "+".join(map(str, cell.outputs))]
    return " ".join(blocks + output)


def stacked(network: str, cells: int, filters: int, stages: int) -> list[tuple[int, str, int]]:
    """Of each cell of a network, in order: its stride, how the output of the cell before that is made to fit, and the channels of a hidden state.

    In each stage are `cells` normal cells, and between two stages there is a reduction cell, with which the channels become twice as many.

    Raises:
        ArgumentError: a number is out of range, or `filters` is odd; says so of the `network`.

    Example:
        >>> stacked("Net", cells=1, filters=4, stages=2)
        [(1, 'project', 4), (2, 'project', 8), (1, 'halve', 8)]
    """
    if integer(filters, f"{network}: filters") % 2:
        raise ArgumentError(f"{network}: filters must be even, for half of them come from every second pixel behind a reduction, not {filters}")
    strides = (([1] * integer(cells, f"{network}: cells") + [2]) * integer(stages, f"{network}: stages"))[:-1]
    places, channels = [], filters
    for before, stride in pairwise([1, *strides]):  # the cell before has halved the image, or not
        channels *= stride
        places.append((stride, "halve" if before == 2 else "project", channels))
    return places


class SearchedCells(nn.Module):
    """A network for small images, stacked of two cells that a string describes.

        cells sep3:0+id:1 avg3:2+sep5:0 / max3:0+sep3:1 id:2+avg3:1

        image ── conv 3x3, BN ── normal cells ── reduction cell ── normal cells ── reduction cell ── normal cells ── ReLU, average ── linear

    What was new: the search does not look for a network, but for two cells, which are small enough to be searched, and which can be stacked
    higher and made wider afterwards: `cells` and `filters` are what is turned up when a string goes to a larger task.

    - The blocks of the normal cell, a slash, the blocks of the reduction cell. A block is two operations, each with the state that it
      reads, and makes a new state of their sum: the first makes state 2, the second state 3, and so on.
    - State 0 is the output of the cell before, state 1 that of the cell before that, each made to fit: see `nasnet_cell.Cell`.
    - The operations: id; 1x1 and 3x3 convolutions conv1, conv3; 1x3 and then 3x1 c1x3, and c1x7 likewise; dil3, a 3x3 convolution with
      dilation 2; sep3, sep5, sep7, separable and applied twice; avg3; max3, max5, max7. ReLU comes first, batch norm last.
    - The output is all new states that no block reads, concatenated. Behind =, other states may be named: =1+2+3.
    - In the reduction cell, what reads state 0 or 1 has stride 2; id is a 1x1 convolution there. Behind it, there are twice as many filters.

    The paper's controller also chose whether the two results are added or concatenated; in its best cells all are added, and so they are here.

    Args:
        string: the cells, as above.
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        cells: normal cells in each stage.
        filters: channels of a hidden state in the first stage, an even number; each later stage has twice as many.
        stem: channels of the first convolution; None for three times the filters.
        stages: how many; there is a reduction cell between each two.
        drop_path: probability that a sample does without the result of an operation of the last cell, in training; it grows from cell to cell.
        weights: a file of weights, or None to start from random ones.

    Attributes:
        string: the cells in their usual spelling.
        features: all cells in order.

    Raises:
        ArgumentError: the string has a mistake in it, which the message quotes; or `filters` is odd, or another number out of range.

    Source:
        Zoph, Vasudevan, Shlens & Le 2018, "Learning transferable architectures for scalable image recognition", sec. 3 and fig. 2 to 4
        (arXiv:1707.07012).

    Example:
        >>> import minicnn
        >>> net = SearchedCells("cells sep3:0+id:1 avg3:2+sep5:0 / max3:0+sep3:1 id:2+avg3:1", num_classes=10, cells=1, filters=4)
        >>> net(minicnn.ones(2, 1, 28, 28)).shape
        (2, 10)
    """

    def __init__(
        self, string: str, num_classes: int = 10, in_channels: int = 1, *, cells: int = 2, filters: int = 16, stem: int | None = None,
        stages: int = 3, drop_path: float = 0.0, weights: Weights = None,
    ) -> None:  # fmt: skip
        super().__init__()
        normal, reduction = read_cells(string)
        self.string, self.input_shape = write_cells(normal, reduction), (in_channels, 32, 32)
        places = stacked("SearchedCells", cells, filters, stages)
        stem = 3 * filters if stem is None else integer(stem, "SearchedCells: stem")
        drop_path = fraction(drop_path, "SearchedCells: drop_path", include_one=True)
        self.stem = nn.Sequential({"conv": nn.Conv2d(in_channels, stem, 3, padding=1, bias=False), "bn": norm(stem)})
        self.features = nn.ModuleList()
        before, last = stem, stem  # channels of the outputs of the last two cells
        for i, (stride, previous, channels) in enumerate(places, 1):
            cell = Cell(last, before, channels, previous=previous, drop_path=drop_path * i / len(places), wiring=normal if stride == 1 else reduction)
            self.features.append(cell)
            before, last = last, cell.out_channels
        self.global_pool = nn.GlobalAvgPool2d()
        self.classifier = nn.Linear(last, num_classes)
        load_pretrained(self, weights)

    def forward(self, image: Tensor) -> Tensor:
        """(N, in_channels, H, W) to scores (N, num_classes)."""
        last = self.stem(image)
        before = last
        for cell in self.features:
            before, last = last, cell(last, before)
        return self.classifier(self.global_pool(relu(last)).flatten(1))
