"""Pairs of cells, a normal and a reduction cell, as a search space (Zoph et al. 2018)."""

from collections.abc import Sequence

from minicnn.checks import integer
from minicnn.errors import ArgumentError, listing, nearest
from minicnn.models.nasnet_cell import Step, Wiring, unread
from minicnn.models.searched_cells import OPERATIONS as LONG
from minicnn.models.searched_cells import SHORT, read_cells, write_cells
from minicnn.search.space import Decision, Space, checked

OPERATIONS = tuple(LONG)
"""All 13 operations of the paper, by their short names."""

FIVE = ("id", "sep3", "sep5", "avg3", "max3")
"""The operations that ENAS searches among (Pham et al. 2018)."""


class CellSpace(Space):
    """All pairs of a normal and a reduction cell of so many blocks. See `minicnn.models.SearchedCells` for what the cells are.

    A controller says of each block in turn which two states it reads and then which two operations it puts on them: the blocks of the
    normal cell first, then those of the reduction cell. Block i has i + 2 states to choose from. Results are always added, and the states
    that no block reads are the output. Many sequences of choices describe the same cell, with the two sides of a block swapped, for one.

    A mutation makes a block read another state or apply another operation, either as likely, as in regularised evolution (Real et al. 2019).

    Args:
        blocks: of each cell.
        operations: to choose from, by their short names; `OPERATIONS` for all of the paper.

    Raises:
        ArgumentError: `blocks` is no integer from 1, or an operation is unknown or given twice, or there is none.

    Source:
        Zoph et al. 2018, "Learning transferable architectures for scalable image recognition", sec. 3.1 and fig. 3 (arXiv:1707.07012);
        Real et al. 2019, "Regularized evolution for image classifier architecture search", sec. 3.1 (arXiv:1802.01548); the operations are
        those of Pham et al. 2018, "Efficient neural architecture search via parameter sharing" (arXiv:1802.03268).

    Example:
        >>> space = CellSpace(blocks=1)
        >>> [decision.kind for decision in space.decisions]
        ['state', 'state', 'operation', 'operation', 'state', 'state', 'operation', 'operation']
        >>> space.string([0, 1, 1, 0, 0, 1, 4, 4])
        'cells sep3:0+id:1 / max3:0+max3:1'
        >>> CellSpace().size == (5 ** 10 * (2 * 3 * 4 * 5 * 6) ** 2) ** 2
        True
    """

    def __init__(self, blocks: int = 5, operations: Sequence[str] = FIVE) -> None:
        self.blocks, self.operations = integer(blocks, "CellSpace: blocks"), _known(operations)
        self.name = f"cells of {self.blocks} block{'s' * (self.blocks > 1)}"
        operation = Decision("operation", self.operations)
        states = [Decision("state", tuple(map(str, range(i + 2)))) for i in range(self.blocks)]
        self.decisions = tuple(decision for state in states * 2 for decision in (state, state, operation, operation))

    def string(self, choices: Sequence[int]) -> str:
        """The cells that the choices lead to.

        Raises:
            ArgumentError: there are not as many choices as decisions, or one is out of range.
        """
        given = iter(checked(self, choices))
        steps: list[Step] = []
        for a, b, left, right in zip(given, given, given, given, strict=True):
            steps.append((LONG[self.operations[left]], a, LONG[self.operations[right]], b))
        cells = tuple(steps[: self.blocks]), tuple(steps[self.blocks :])
        normal, reduction = (Wiring(cell, unread(cell), stride) for stride, cell in enumerate(cells, 1))
        return write_cells(normal, reduction)

    def choices(self, string: str) -> tuple[int, ...]:
        """The choices that lead to a pair of cells.

        Raises:
            ArgumentError: the string has a mistake in it, or its cells are not in this space.
        """
        found: list[int] = []
        for kind, cell in zip(("normal", "reduction"), read_cells(string), strict=True):
            if len(cell.steps) != self.blocks:
                raise ArgumentError(f"{self.name}: the {kind} cell has {len(cell.steps)}, and so is not in this space: {string}")
            if cell.outputs != unread(cell.steps):
                output = "=" + "+".join(map(str, cell.outputs))
                raise ArgumentError(f"{self.name}: the {kind} cell's output, {output!r}, is not in this space: here it is what no block reads, so leave it out")
            for left, a, right, b in cell.steps:
                found += [a, b, self._place(kind, SHORT[left]), self._place(kind, SHORT[right])]
        return tuple(found)

    def _place(self, kind: str, operation: str) -> int:
        if operation not in self.operations:
            raise ArgumentError(f"{self.name}: the {kind} cell's operation {operation!r} is not in this space: here there are {listing(self.operations, 13)}")
        return self.operations.index(operation)


def _known(operations: Sequence[str]) -> tuple[str, ...]:
    for operation in operations:
        if operation not in OPERATIONS:
            raise ArgumentError(f"CellSpace: unknown operation {operation!r}: {nearest(str(operation), OPERATIONS)}")
    if not operations or len(set(operations)) < len(operations):
        raise ArgumentError(f"CellSpace: each operation must be given once, and there must be one at least, not {operations!r}")
    return tuple(operations)
