"""Architecture search: the spaces that are searched."""

from minicnn.search.chain_space import ChainSpace
from minicnn.search.space import Decision, Space

__all__ = ["ChainSpace", "Decision", "Space"]
