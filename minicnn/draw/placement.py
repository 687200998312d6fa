"""Where the nodes of a graph go in a picture: rows from top to bottom, neighbours close together.

Sugiyama's method in its simplest form. A node's row is one below its lowest predecessor; an edge that crosses rows gets a
bend point in each of them, which takes part like a node, so that no edge runs behind a box; and a few sweeps move every
node and bend towards the mean of its neighbours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Point = tuple[float, int]


@dataclass(frozen=True)
class Placement:
    """Positions (column, row) of the nodes, the bends of each edge, and the size of the whole in columns and rows."""

    nodes: list[Point]
    bends: list[list[Point]]
    columns: float
    rows: int


def place(count: int, edges: Sequence[tuple[int, int]], widths: Sequence[float] | None = None, bend: float = 1) -> Placement:
    """Place `count` nodes that are numbered so that every edge goes from a lower to a higher number.

    Args:
        count: of the nodes.
        edges: pairs (from, to).
        widths: of the nodes, in columns; by default 1 each. A node of width w has its middle at its column + 0.5, and w / 2 to either side.
        bend: width of a bend.

    Example:
        >>> place(3, [(0, 1), (1, 2)]).nodes
        [(0.0, 0), (0.0, 1), (0.0, 2)]
    """
    rows = _rows(count, edges)
    chains = []  # each edge as a chain of neighbours, with new nodes for its bends
    for a, b in edges:
        bends = list(range(len(rows), len(rows) + rows[b] - rows[a] - 1))
        rows += range(rows[a] + 1, rows[b])
        chains.append([a, *bends, b])
    wide = [*([1] * count if widths is None else widths), *[bend] * (len(rows) - count)]
    columns = _columns(rows, [pair for chain in chains for pair in pairwise(chain)], wide)
    left = min((column - w / 2 for column, w in zip(columns, wide, strict=True)), default=0.0) + 0.5
    points = [(column - left, row) for column, row in zip(columns, rows, strict=True)]
    return Placement(
        nodes=points[:count],
        bends=[[points[node] for node in chain[1:-1]] for chain in chains],
        columns=max((x + w / 2 for (x, _), w in zip(points, wide, strict=True)), default=0.0) + 0.5,
        rows=max(rows, default=-1) + 1,
    )


def _rows(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    rows = [0] * count
    for a, b in sorted(edges, key=lambda edge: edge[1]):
        rows[b] = max(rows[b], rows[a] + 1)
    inner = {b for _, b in edges}
    for leaf in set(range(count)) - inner:  # a leaf moves down to just above its first user
        rows[leaf] = min((rows[b] - 1 for a, b in edges if a == leaf), default=0)
    return rows


def _columns(rows: list[int], neighbours: list[tuple[int, int]], wide: Sequence[float]) -> list[float]:
    above: list[list[int]] = [[] for _ in rows]
    below: list[list[int]] = [[] for _ in rows]
    for a, b in neighbours:
        above[b].append(a)
        below[a].append(b)
    layers: list[list[int]] = [[] for _ in range(max(rows, default=-1) + 1)]
    for node, row in enumerate(rows):
        layers[row].append(node)
    lean = [0.0] * len(rows)  # the leaves of a node stand to its left and right, so that a chain runs straight down
    for users in above:
        leaves = [node for node in users if not above[node]]
        for k, leaf in enumerate(leaves):
            lean[leaf] = -0.3 if k % 2 == 0 else 0.3
    columns = [0.0] * len(rows)
    for layer in layers:
        _spread(layer, [float(i) for i in range(len(layer))], columns, above, wide)
    for sweep in range(10):
        near = below if sweep % 2 == 0 else above
        for layer in reversed(layers) if sweep % 2 == 0 else layers:
            wanted = [_mean([columns[n] for n in near[node]], columns[node]) + lean[node] for node in layer]
            _spread(layer, wanted, columns, above, wide)
    return columns


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _spread(layer: list[int], wanted: list[float], columns: list[float], above: list[list[int]], wide: Sequence[float]) -> None:
    """Put the nodes of a layer in the order of their wanted columns, one beside the other.

    Then move the layer as a whole, so that those which are no leaves are on average where they want to be.
    """
    order = sorted(range(len(layer)), key=lambda i: wanted[i])
    placed = [0.0] * len(layer)
    for before, i in zip([-1, *order], order, strict=False):
        placed[i] = wanted[i] if before < 0 else max(wanted[i], placed[before] + (wide[layer[before]] + wide[layer[i]]) / 2)
    firm = [i for i in order if above[layer[i]]] or order
    shift = _mean([wanted[i] - placed[i] for i in firm], 0.0)
    for i in order:
        columns[layer[i]] = placed[i] + shift
