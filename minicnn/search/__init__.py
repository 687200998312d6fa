"""Architectures found by search, and the rule that scales a network."""

from minicnn.search.families import FAMILIES, Family
from minicnn.search.grid import Ranked, Ratios, grid_search, scaling_grid
from minicnn.search.growth import Blocks, Steps, Times
from minicnn.search.scaling import Scaled, scale

__all__ = [
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
