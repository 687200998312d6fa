"""Architectures found by search, and the rule that scales a network."""

from minicnn.search.cell_space import OPERATIONS, CellSpace
from minicnn.search.chain_space import ChainSpace
from minicnn.search.families import FAMILIES, Family
from minicnn.search.grid import Ranked, Ratios, grid_search, scaling_grid
from minicnn.search.growth import Blocks, Steps, Times
from minicnn.search.scaling import Scaled, scale
from minicnn.search.space import Decision, Space

__all__ = [
    # Spaces of architectures.
    "CellSpace",
    "ChainSpace",
    "Decision",
    "OPERATIONS",
    "Space",
    # Compound scaling.
    "FAMILIES",
    "Blocks",
    "Family",
    "Ranked",
    "Ratios",
    "Scaled",
    "Steps",
    "Times",
    "grid_search",
    "scale",
    "scaling_grid",
]
