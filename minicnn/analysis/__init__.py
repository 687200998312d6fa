"""What can be said about a network: its layers, sizes and costs, what it sees, and how it stands beside others."""

from minicnn.analysis.receptive_field import ReceptiveField, Support, measure_receptive_field, receptive_field
from minicnn.analysis.stages import Stage
from minicnn.analysis.summary import Layer, Summary, summarize

__all__ = [
    "Layer",
    "ReceptiveField",
    "Stage",
    "Summary",
    "Support",
    "measure_receptive_field",
    "receptive_field",
    "summarize",
]
