"""What can be said about a network: its layers, sizes and costs."""

from minicnn.analysis.stages import Stage
from minicnn.analysis.summary import Layer, Summary, summarize

__all__ = ["Layer", "Stage", "Summary", "summarize"]
