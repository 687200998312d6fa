"""Pictures that the project draws itself, as SVG: networks from their modules, graphs of operations."""

from minicnn.draw.architecture import Drawing, architecture
from minicnn.draw.graph import Graph, graph

__all__ = ["Drawing", "Graph", "architecture", "graph"]
