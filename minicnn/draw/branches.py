"""The shape of a plan: a chain of boxes and forks, each fork of chains. Not every plan has such a shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Chain:
    """Boxes (their positions) and forks, one after the other; an empty chain is a line that goes past the other branches."""

    parts: tuple[int | Fork, ...]

    @property
    def length(self) -> int:
        """How many boxes are on its longest way."""
        return sum(1 if isinstance(part, int) else max(branch.length for branch in part.branches) for part in self.parts)


@dataclass(frozen=True)
class Fork:
    """Branches that start from one point and end in one."""

    branches: tuple[Chain, ...]


def chain_of(count: int, edges: Sequence[tuple[int, int]]) -> Chain | None:
    """The shape of a graph whose nodes are numbered along the edges; None if it is not made of chains and forks.

    Example:
        >>> chain_of(4, [(0, 1), (1, 2), (2, 3), (0, 3)])
        Chain(parts=(0, Fork(branches=(Chain(parts=(1, 2)), Chain(parts=()))), 3))
        >>> chain_of(5, [(0, 1), (0, 2), (1, 3), (2, 3), (1, 4), (3, 4)]) is None
        True
    """
    entry, exit_ = -1, count
    read, given = {b for _, b in edges}, {a for a, _ in edges}
    outer = [(entry, i) for i in range(count) if i not in read] + [(i, exit_) for i in range(count) if i not in given]
    try:
        return _chain(list(range(count)), [*edges, *outer], entry, exit_)
    except _Tangled:
        return None


class _Tangled(Exception):
    """Branches cross."""


def _chain(nodes: list[int], edges: Sequence[tuple[int, int]], entry: int, exit_: int) -> Chain:
    """The shape of what lies between two nodes: it is cut at every node that no edge passes by."""
    inside = {*nodes, entry, exit_}
    edges = [(a, b) for a, b in edges if a in inside and b in inside and (a, b) != (entry, exit_)]
    cuts: list[int] = []
    farthest: dict[int, int] = {}
    for a, b in edges:
        farthest[a] = max(farthest.get(a, b), b)
    reach = farthest[entry]
    for node in nodes:
        if reach <= node:
            cuts.append(node)
        reach = max(reach, farthest[node])
    parts: list[int | Fork] = []
    for a, b in zip([entry, *cuts], [*cuts, exit_], strict=True):
        between = [node for node in nodes if a < node < b]
        if between:
            parts.append(_fork(between, edges, a, b))
        if b != exit_:
            parts.append(b)
    return Chain(tuple(parts))


def _fork(nodes: list[int], edges: Sequence[tuple[int, int]], a: int, b: int) -> Fork:
    groups = _connected(nodes, edges)
    direct = (a, b) in edges
    if len(groups) + direct < 2:
        raise _Tangled
    return Fork(tuple(_chain(group, edges, a, b) for group in groups) + ((Chain(()),) if direct else ()))


def _connected(nodes: list[int], edges: Sequence[tuple[int, int]]) -> list[list[int]]:
    """The nodes in groups between which there is no edge, each in order."""
    group = {node: node for node in nodes}
    for a, b in sorted(edges, key=lambda edge: edge[1]):
        if a in group and b in group and group[a] != group[b]:
            old, new = max(group[a], group[b]), min(group[a], group[b])
            group = {node: new if first == old else first for node, first in group.items()}
    return [[node for node in nodes if group[node] == first] for first in sorted(set(group.values()))]
