"""Architecture search: the spaces that are searched, the strategies that search them, and the children that are trained for rewards."""

from minicnn.search.cell_space import OPERATIONS, CellSpace
from minicnn.search.chain_space import ChainSpace
from minicnn.search.child import Budget, Child, train_child
from minicnn.search.controller import Controller
from minicnn.search.enas import enas
from minicnn.search.evolution import Evolution
from minicnn.search.found import Found
from minicnn.search.images import SearchImages, search_images
from minicnn.search.loop import search
from minicnn.search.over_network import OverNetwork
from minicnn.search.plan import Plan
from minicnn.search.ppo import PPO
from minicnn.search.random_search import RandomSearch
from minicnn.search.reinforce import Reinforce
from minicnn.search.space import Decision, Space
from minicnn.search.strategy import Sample, Strategy
from minicnn.search.workers import Workers

__all__ = [
    "Space",
    "Decision",
    "ChainSpace",
    "CellSpace",
    "OPERATIONS",
    "Strategy",
    "Sample",
    "RandomSearch",
    "Evolution",
    "Reinforce",
    "PPO",
    "Controller",
    "search",
    "enas",
    "OverNetwork",
    "Plan",
    "Found",
    "Budget",
    "Child",
    "train_child",
    "SearchImages",
    "search_images",
    "Workers",
]
