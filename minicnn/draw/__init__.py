"""Pictures that the project draws itself, as SVG: networks from their modules, cells from their strings, graphs of operations."""

from minicnn.draw.architecture import Drawing, architecture
from minicnn.draw.cells import Cells, cells
from minicnn.draw.graph import Graph, graph

__all__ = ["Cells", "Drawing", "Graph", "architecture", "cells", "graph"]
