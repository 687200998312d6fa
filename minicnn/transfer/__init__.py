"""What a trained network has learnt, put to another use: its features, the pictures that are near each other in them, and a new head for another task."""

from minicnn.transfer.advice import Advice, advise, measured_similarity
from minicnn.transfer.features import extract, features
from minicnn.transfer.freeze import freeze, freeze_all_but, unfreeze
from minicnn.transfer.groups import parameter_groups
from minicnn.transfer.head import head_path, replace_head
from minicnn.transfer.linear import LinearProbe, probe_stages, stage_paths
from minicnn.transfer.neighbours import Neighbours, neighbours
from minicnn.transfer.strategies import STRATEGIES, apply_strategy

__all__ = [
    "STRATEGIES",
    "Advice",
    "LinearProbe",
    "Neighbours",
    "advise",
    "apply_strategy",
    "extract",
    "features",
    "freeze",
    "freeze_all_but",
    "head_path",
    "measured_similarity",
    "neighbours",
    "parameter_groups",
    "probe_stages",
    "replace_head",
    "stage_paths",
    "unfreeze",
]
