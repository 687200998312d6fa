"""Where the nodes of a graph go in a picture: layers from top to bottom, neighbours close together."""

from collections.abc import Sequence


def place(count: int, edges: Sequence[tuple[int, int]]) -> tuple[list[tuple[float, int]], float, int]:
    """Positions (column, row) of `count` nodes that are numbered so that every edge goes from a lower to a higher number.

    Sugiyama's method in its simplest form: a node's row is one below its lowest predecessor, a leaf moves down to just
    above its first user, and a few sweeps move each node towards the mean of its neighbours.

    Returns:
        The positions, the number of columns, and the number of rows.

    Example:
        >>> place(3, [(0, 1), (1, 2)])
        ([(0.0, 0), (0.0, 1), (0.0, 2)], 1.0, 3)
    """
    above: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    for a, b in edges:
        above[b].append(a)
        below[a].append(b)
    rows = [0] * count
    for node in range(count):
        rows[node] = max((rows[a] + 1 for a in above[node]), default=0)
    for node in range(count):
        if not above[node] and below[node]:
            rows[node] = min(rows[b] for b in below[node]) - 1
    layers: list[list[int]] = [[] for _ in range(max(rows, default=-1) + 1)]
    for node in range(count):
        layers[rows[node]].append(node)
    columns = [0.0] * count
    for layer in layers:
        _spread(layer, [float(i) for i in range(len(layer))], columns)
    for sweep in range(8):
        neighbours = above if sweep % 2 == 0 else below
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            wanted = [_mean([columns[n] for n in neighbours[node]], columns[node]) for node in layer]
            _spread(layer, wanted, columns)
    left = min(columns, default=0.0)
    positions = [(column - left, row) for column, row in zip(columns, rows, strict=True)]
    return positions, max((x for x, _ in positions), default=0.0) + 1, len(layers)


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _spread(layer: list[int], wanted: list[float], columns: list[float]) -> None:
    """Put the nodes of a layer in the order of their wanted columns, at least one column apart, around the same centre."""
    order = sorted(range(len(layer)), key=lambda i: wanted[i])
    placed: list[float] = []
    for i in order:
        placed.append(max(wanted[i], placed[-1] + 1) if placed else wanted[i])
    shift = _mean([wanted[i] for i in order], 0.0) - _mean(placed, 0.0)
    for i, column in zip(order, placed, strict=True):
        columns[layer[i]] = column + shift
