"""What is on a picture: boxes with what goes from one to the other. Repeated boxes are folded, blocks are kinds to be opened elsewhere."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass, field, replace

from minicnn.analysis.stages import by
from minicnn.draw.branches import Chain, Fork, chain_of
from minicnn.draw.flow import Call, Operation

MANY = 6  # equal branches that are drawn as one


@dataclass(eq=False, repr=False)
class Box:
    """A layer with its normalisation and activation, or a block; several in a row if they are alike.

    Attributes:
        kind: its colour, one of `svg.KINDS`.
        title: what it is.
        after: what follows in the same box.
        shape: of its result, without the batch axis.
        given: shape of what it reads first.
        key: what must be equal for boxes to be folded.
        family: what must be equal for the blocks that they stand in to be of one kind.
        operations: all that happens in it; none for an input.
        paths: of the modules it stands for.
        count: how many are folded.
        block: what is inside, if it is a block.
        short: it stands inside a block, beside others, and is short of room.
        same: those that are folded are one layer or block, which is used again and again.
    """

    kind: str
    title: str
    shape: tuple[int, ...]
    given: tuple[int, ...]
    key: Hashable
    family: Hashable
    after: tuple[str, ...] = ()
    operations: list[Operation] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    count: int = 1
    block: Block | None = None
    short: bool = False
    same: bool = False

    @property
    def heading(self) -> str:
        """The first line in the box."""
        title = self.title + (_shrinks(self.given, self.shape) if self.block else "")
        return f"{self.count} x {'the same ' if self.same else ''}{title}" if self.count > 1 else title

    @property
    def note(self) -> str:
        """The second line, if there is one: what follows in a layer, where a block is, the shape of an input."""
        if not self.operations:
            return by(self.shape)
        if self.block:
            return _window(self.operations) if self.short else _range(self.paths)
        return ", ".join(self.after)

    def shorten(self) -> None:
        """Say it in fewer words."""
        self.short, self.title = True, self.title.replace(" filters", "").replace(" filter", "")

    @property
    def parameters(self) -> int:
        """Numbers that it learns."""
        return sum(one.parameters for one in self.operations)

    @property
    def macs(self) -> int:
        """Multiply-adds for one image."""
        return sum(one.macs for one in self.operations)

    def repeats(self, other: Box) -> bool:
        """It uses the weights of the other one."""
        weights = [one.weights for one in self.operations]
        return any(weights) and weights == [one.weights for one in other.operations]


@dataclass(eq=False, repr=False)
class Plan:
    """Boxes in an order in which they could run, inputs first, and the edges (from, to) between them, by position."""

    boxes: list[Box]
    edges: list[tuple[int, int]]

    def readers(self, i: int) -> list[int]:
        """Who reads a box's result."""
        return [b for a, b in self.edges if a == i]

    @property
    def inputs(self) -> list[int]:
        """The boxes that stand for what comes from outside."""
        return [i for i, box in enumerate(self.boxes) if not box.operations]

    def merged(self) -> Plan:
        """The same with one branch for many equal ones, as in a grouped convolution that is written as many small ones."""
        chain = chain_of(len(self.boxes), self.edges) if len(self.inputs) == 1 else None
        first = {i: i for i in range(len(self.boxes))}
        for branches in [] if chain is None else _equal_branches(chain, self.boxes):
            first |= {i: one for branch in branches for one, i in zip(branches[0], branch, strict=True)}
        groups: dict[int, list[int]] = {}
        for i, one in first.items():
            groups.setdefault(one, []).append(i)
        place = {i: k for k, group in enumerate(groups.values()) for i in group}
        boxes = [_together([self.boxes[i] for i in group], beside=True) for group in groups.values()]
        return Plan(boxes, list(dict.fromkeys((place[a], place[b]) for a, b in self.edges)))

    def folded(self, layers: bool) -> Plan:
        """The same with a box for each run of equal blocks and, if asked for, of equal layers."""
        runs: list[list[int]] = []
        readers: list[list[int]] = [[] for _ in self.boxes]
        sources: list[list[int]] = [[] for _ in self.boxes]
        for a, b in self.edges:
            readers[a].append(b)
            sources[b].append(a)
        for i, box in enumerate(self.boxes):
            before = runs[-1][-1] if runs else i
            chained = sources[i] == [before] and readers[before] == [i]
            steps = sorted(i - a for a in sources[i])
            latticed = len(steps) > 1 and steps[0] == 1 and steps == sorted(before - a for a in sources[before])
            alike = box.operations and box.key == self.boxes[before].key and (box.block or layers)
            steady = not runs or len(runs[-1]) == 1 or box.repeats(self.boxes[before]) == self.boxes[before].repeats(self.boxes[runs[-1][0]])
            if runs and alike and steady and (chained or (latticed and box.block)):
                runs[-1].append(i)
            else:
                runs.append([i])
        place = {i: k for k, run in enumerate(runs) for i in run}
        edges = dict.fromkeys((place[a], place[b]) for a, b in self.edges if place[a] != place[b])
        return Plan([_together([self.boxes[i] for i in run]) for run in runs], list(edges))


@dataclass(eq=False, repr=False)
class Block:
    """A kind of block: all runs of a module class that do the same but for their numbers.

    Attributes:
        name: of the class.
        plan: what is inside the first of them.
        calls: the runs.
        numbers: of the first.
        alike: all have the same.
        letter: by which boxes refer to it.
    """

    name: str
    plan: Plan
    calls: list[Call]
    numbers: object
    alike: bool = True
    letter: str = ""


def _together(boxes: list[Box], *, beside: bool = False) -> Box:
    """One box for several, which follow one another or stand side by side."""
    if len(boxes) == 1:
        return boxes[0]
    operations, paths = [one for box in boxes for one in box.operations], [path for box in boxes for path in box.paths]
    both = replace(boxes[0], shape=boxes[-1].shape, operations=operations, paths=paths)
    return replace(both, after=(*both.after, f"{len(boxes)} side by side")) if beside else replace(both, count=len(boxes), same=boxes[1].repeats(boxes[0]))


def _equal_branches(chain: Chain, boxes: list[Box]) -> list[list[list[int]]]:
    """Groups of branches of one fork that are chains of the same boxes, if there are many."""
    found: list[list[list[int]]] = []
    for fork in [part for part in chain.parts if isinstance(part, Fork)]:
        groups: dict[tuple[object, ...], list[list[int]]] = {}
        for branch in fork.branches:
            positions = [part for part in branch.parts if isinstance(part, int)]
            if positions and len(positions) == len(branch.parts):
                groups.setdefault(tuple((boxes[i].title, boxes[i].shape) for i in positions), []).append(positions)
            else:
                found += _equal_branches(branch, boxes)
        found += [group for group in groups.values() if len(group) >= MANY]
    return found


def _shrinks(given: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """By how much a block makes the image smaller, as a stride is written: / 2."""
    smaller = round(given[1] / shape[1]) if len(given) == len(shape) == 3 else 1
    return f" / {smaller}" if smaller > 1 else ""


def _range(paths: list[str]) -> str:
    """From the first path to the last one, in short: layer1.1 to 3."""
    first = paths[0] if len(paths[0]) <= 24 else ".".join(paths[0].split(".")[-2:])
    return first if paths[0] == paths[-1] else f"{first} to {paths[-1].split('.')[-1]}"


def _window(operations: list[Operation]) -> str:
    """The largest window of its convolutions, if that is more than a pixel."""
    kh, kw = max((one.words.window for one in operations), key=math.prod, default=(1, 1))
    return "" if (kh, kw) == (1, 1) else f"{kh}x{kw}"
