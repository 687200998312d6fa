"""From what happened to a picture's boxes: which modules are blocks, which operations share a box, what is of one kind."""

from __future__ import annotations

from collections.abc import Iterator

from minicnn.draw.flow import Call, Flow, Operation
from minicnn.draw.plan import Block, Box, Plan
from minicnn.draw.words import LAYERS
from minicnn.nn import Module, Sequential

OFTEN = 4  # runs of a class that make a block of it, even if nothing branches in it


class Folding:
    """Makes plans of a network and of the blocks in it, and knows the kinds of blocks."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.readers: dict[int, list[Operation]] = {}
        for one in flow.root.operations():
            for source in one.sources:
                self.readers.setdefault(id(source), []).append(one)
        self.classes = _block_classes(flow.root)
        self.blocks: dict[object, Block] = {}

    def plan(self, call: Call, *, layers: bool = False) -> Plan:
        """The inside of a run; equal blocks in a row are folded, and equal layers if asked for."""
        boxes = self._boxes(call)
        owner = {id(one): box for box in boxes for one in box.operations}
        place = {id(box): i for i, box in enumerate(self._with_inputs(boxes, owner, call))}
        edges: dict[tuple[int, int], None] = {}
        for box in boxes:
            for one in box.operations:
                for source in one.sources:
                    giver = owner[id(source)]
                    if giver is not box:
                        edges[place[id(giver)], place[id(box)]] = None
        everything = {id(box): box for box in [*owner.values(), *boxes]}
        for box in [] if layers else boxes:
            box.shorten()
        return Plan([everything[i] for i in place], list(edges)).folded(layers).merged()

    def _with_inputs(self, boxes: list[Box], owner: dict[int, Box], call: Call) -> list[Box]:
        """The boxes, after one for each thing that comes from outside; they are entered as owners of what they bring."""
        inputs: list[Box] = []
        for box in boxes:
            for one in box.operations:
                for source in one.sources:
                    if id(source) not in owner:
                        shape = self.flow.image if source is None else source.shape
                        title = "image" if source is None and call is self.flow.root else "input"
                        owner[id(source)] = Box("data", title, shape, shape, title, title)
                        inputs.append(owner[id(source)])
        if len(inputs) > 1:
            for i, box in enumerate(inputs, 1):
                box.title = f"{box.title} {i}"
        return inputs + boxes

    def _boxes(self, call: Call) -> list[Box]:
        """Blocks and layers inside a run in their order; other modules are gone through."""
        boxes: list[Box] = []
        ends: dict[int, Box] = {}  # by their last operations, the layers that something may still join
        for item in self._items(call):
            box = ends.pop(id(item.sources[0]), None) if isinstance(item, Operation) and self._joins(item) else None
            if box is None:
                box = self._box(item)
                boxes.append(box)
            elif isinstance(item, Operation):
                box.after = (*box.after, item.words.text, *item.words.after)
                box.operations.append(item)
                box.shape = item.shape
            if isinstance(item, Operation):
                ends[id(item)] = box
                if item.call.path not in box.paths:
                    box.paths.append(item.call.path)
        return [_named(box) for box in boxes]

    def _items(self, call: Call) -> Iterator[Operation | Call]:
        for item in call.items:
            if isinstance(item, Operation) or type(item.module) in self.classes or _is_one(item):
                yield item
            else:
                yield from self._items(item)

    def _box(self, item: Operation | Call) -> Box:
        if isinstance(item, Operation):
            words = item.words
            return Box(words.kind, words.text, item.shape, self._given(item), (), words.family, words.after, [item])
        operations = item.operations()
        shape, given = operations[-1].shape, self._given(operations[0])
        if type(item.module) in self.classes:
            block, numbers = self._kind(item)
            key = (id(block), numbers, shape[1:])
            return Box("plain", item.name, shape, given, key, id(block), (), operations, [item.path], 1, block)
        return Box("act" if given == shape else "plain", item.name, shape, given, (item.name, shape[1:]), item.name, (), operations, [item.path])

    def _given(self, one: Operation) -> tuple[int, ...]:
        source = one.sources[0]
        return self.flow.image if source is None else source.shape

    def _kind(self, call: Call) -> tuple[Block, object]:
        """The kind that a block is of, and its numbers."""
        plan = self.plan(call)
        same = (type(call.module), tuple(box.family for box in plan.boxes), tuple(plan.edges))
        numbers = tuple((box.title, box.after, box.count, box.key) if box.operations else () for box in plan.boxes)
        block = self.blocks.get(same)
        if block is None:
            block = self.blocks[same] = Block(call.name, plan, [], numbers)
        block.calls.append(call)
        block.alike = block.alike and numbers == block.numbers
        return block, numbers

    def _joins(self, one: Operation) -> bool:
        """A normalisation, an activation or a flattening goes into the box whose result it is the only one to read."""
        follows = one.words.kind in ("norm", "act") or one.words.family in ("flatten", "reshape")
        return follows and len(one.sources) == 1 and self.readers[id(one.sources[0])] == [one]


def _named(box: Box) -> Box:
    """With its key and family, now that all that belongs into it is there; a block has them already."""
    if box.key != ():
        return box
    box.family = (box.family, tuple(word.rstrip("0123456789. ") for word in box.after))
    if box.kind not in LAYERS and box.after:
        box.title, box.after = ", ".join([box.title, *box.after]), ()
    box.key = (box.title, box.after, box.shape[1:])
    return box


def _is_one(call: Call) -> bool:
    """A small function of its own without layers, such as an activation that somebody wrote: a box with the name of the class."""
    inside = call.items
    return len(inside) > 1 and all(isinstance(item, Operation) and item.words.kind not in LAYERS for item in inside)


def _block_classes(root: Call) -> set[type[Module]]:
    """The classes whose runs are drawn as one box and opened elsewhere: those in which the way branches, and those that run often."""
    runs: dict[type[Module], list[Call]] = {}
    for call in root.calls()[1:]:
        runs.setdefault(type(call.module), []).append(call)
    return {
        kind for kind, calls in runs.items()
        if kind is not Sequential and (any(_branches(call) for call in calls) or (len(calls) >= OFTEN and _is_long(kind, calls[0])))
    }  # fmt: skip


def _is_long(kind: type[Module], call: Call) -> bool:
    return not issubclass(kind, Sequential) and sum(one.words.kind in ("conv", "linear") for one in call.operations()) > 1


def _branches(call: Call) -> bool:
    """It has layers, and its parts do not simply follow one another."""
    owner: dict[int, int] = {}
    branches = False
    for i, item in enumerate(call.items):
        operations = [item] if isinstance(item, Operation) else item.operations()
        owner |= {id(one): i for one in operations}
        read = {owner.get(id(source), -1) for one in operations for source in one.sources} - {i}
        branches = branches or read != {i - 1}
    return branches and any(one.words.kind in LAYERS for one in call.operations())
