"""Cases of joining and splitting."""

from collections.abc import Sequence

from minicnn import ops
from minicnn.autograd import Tensor
from minicnn.testing.cases.case import Case, case, op_case
from minicnn.testing.draw import Draw


@case("concatenate")
def concatenate(draw: Draw) -> Case:
    """One to three tensors, of different sizes along the axis."""
    axis = draw.integer(-3, 2)
    inputs = {}
    for i in range(draw.integer(1, 3)):
        shape = [2, 3, 4]
        shape[axis] = draw.integer(1, 3)
        inputs[f"x{i}"] = draw.array(*shape)

    def join(*tensors: Tensor, axis: int) -> Tensor:
        return ops.concatenate(tensors, axis)

    return op_case(join, inputs, axis=axis)


@case("stack")
def stack(draw: Draw) -> Case:
    """One to three tensors, along any axis."""

    def join(*tensors: Tensor, axis: int) -> Tensor:
        return ops.stack(tensors, axis)

    inputs = {f"x{i}": draw.array(2, 3) for i in range(draw.integer(1, 3))}
    return op_case(join, inputs, axis=draw.integer(-3, 2))


@case("split")
def split(draw: Draw) -> Case:
    """The parts are put together in reverse order, so that each must get the gradient of its own place."""

    def reverse(x: Tensor, *, parts: int | Sequence[int], axis: int) -> Tensor:
        pieces = ops.chunk(x, parts, axis) if isinstance(parts, int) else ops.split(x, parts, axis)
        return ops.concatenate(pieces[::-1], axis)

    parts, axis = draw.pick([(2, 0), ([1, 3], 0), ([2, 0, 4], -1), (3, 2)])
    return op_case(reverse, {"x": draw.array(4, 2, 6)}, parts=parts, axis=axis)
