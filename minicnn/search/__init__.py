"""Architecture search: the spaces that are searched, the strategies that search them, the children that are trained for rewards; and the rule that scales a network."""

from minicnn.search.cell_space import OPERATIONS, CellSpace
from minicnn.search.chain_space import ChainSpace
from minicnn.search.child import Budget, Child, train_child
from minicnn.search.controller import Controller
from minicnn.search.enas import enas
from minicnn.search.evolution import Evolution
from minicnn.search.families import FAMILIES, Family
from minicnn.search.found import Found
from minicnn.search.grid import Ranked, Ratios, grid_search, scaling_grid
from minicnn.search.growth import Blocks, Steps, Times
from minicnn.search.images import SearchImages, search_images
from minicnn.search.loop import search
from minicnn.search.over_network import OverNetwork
from minicnn.search.plan import Plan
from minicnn.search.pool import Pool
from minicnn.search.ppo import PPO
from minicnn.search.random_search import RandomSearch
from minicnn.search.reinforce import Reinforce
from minicnn.search.scaling import Scaled, scale
from minicnn.search.space import Decision, Space
from minicnn.search.strategy import Sample, Strategy

__all__ = [
    # What is searched.
    "Space",
    "Decision",
    "ChainSpace",
    "CellSpace",
    "OPERATIONS",
    # Who proposes.
    "Strategy",
    "Sample",
    "RandomSearch",
    "Evolution",
    "Reinforce",
    "PPO",
    "Controller",
    # The search, and what it finds.
    "search",
    "enas",
    "OverNetwork",
    "Plan",
    "Found",
    # Children.
    "Budget",
    "Child",
    "train_child",
    "SearchImages",
    "search_images",
    "Pool",
    # Compound scaling.
    "scale",
    "Scaled",
    "FAMILIES",
    "Family",
    "Blocks",
    "Steps",
    "Times",
    "Ratios",
    "Ranked",
    "grid_search",
    "scaling_grid",
]
