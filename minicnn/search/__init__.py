"""Architecture search: the spaces that are searched."""

from minicnn.search.cell_space import OPERATIONS, CellSpace
from minicnn.search.chain_space import ChainSpace
from minicnn.search.space import Decision, Space

__all__ = ["OPERATIONS", "CellSpace", "ChainSpace", "Decision", "Space"]
