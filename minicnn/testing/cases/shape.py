"""Cases of operations that rearrange axes."""

from minicnn import ops
from minicnn.testing.cases.case import Case, case, op_case
from minicnn.testing.draw import Draw


@case("reshape")
def reshape(draw: Draw) -> Case:
    """With and without a size to be computed."""
    shape = draw.pick([(24,), (6, -1), (4, 3, 2), (-1, 1, 12), 24])
    return op_case(ops.reshape, {"x": draw.array(2, 3, 4)}, shape=shape)


@case("flatten")
def flatten(draw: Draw) -> Case:
    """From any axis on."""
    return op_case(ops.flatten, {"x": draw.array(2, 3, 4)}, start=draw.integer(-3, 2))


@case("transpose")
def transpose(draw: Draw) -> Case:
    """Orders that are not their own inverse, too."""
    axes = draw.pick([None, (1, 2, 3, 0), (0, 2, 3, 1), (3, 0, 1, 2), (-1, 1, 0, 2)])
    return op_case(ops.transpose, {"x": draw.array(2, 3, 4, 5)}, axes=axes)


@case("squeeze")
def squeeze(draw: Draw) -> Case:
    """All axes of size 1, or some."""
    return op_case(ops.squeeze, {"x": draw.array(1, 3, 1, 2)}, axis=draw.pick([None, 0, -2, (0, 2)]))


@case("unsqueeze")
def unsqueeze(draw: Draw) -> Case:
    """In front, between and behind."""
    return op_case(ops.unsqueeze, {"x": draw.array(2, 3)}, axis=draw.integer(-3, 2))


@case("broadcast_to")
def broadcast_to(draw: Draw) -> Case:
    """Along axes of size 1, and along new ones."""
    before, after = draw.pick([((3,), (2, 3)), ((2, 1), (2, 3)), ((1, 3, 1), (4, 2, 3, 5)), ((), (2, 2)), ((2, 3), (2, 3))])
    return op_case(ops.broadcast_to, {"x": draw.array(*before)}, shape=after)


@case("pad")
def pad(draw: Draw) -> Case:
    """All ways to give the frame."""
    width = draw.pick([1, (1, 2), (0, 1, 2, 3), ((1, 0), (0, 2), (3, 1))])
    return op_case(ops.pad, {"x": draw.array(2, 3, 4)}, width=width, value=draw.pick([0.0, -2.5]))


@case("channel_shuffle")
def channel_shuffle(draw: Draw) -> Case:
    """Numbers of groups and of channels per group that differ."""
    groups = draw.integer(1, 4)
    return op_case(ops.channel_shuffle, {"x": draw.array(2, groups * draw.integer(1, 3), 2, 3)}, groups=groups)
