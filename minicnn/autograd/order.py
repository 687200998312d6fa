"""The nodes of a graph in an order in which each comes after all that it depends on."""

from minicnn.autograd.function import Function
from minicnn.autograd.tensor import Tensor
from minicnn.errors import AutogradError


def inputs_first(root: Function) -> list[Function | Tensor]:
    """Every function and leaf behind a result once, each after all that it depends on: a depth-first walk with its own stack.

    Args:
        root: the function that made the result, `y.creator`.

    Raises:
        AutogradError: the graph has been freed by `backward`.

    Example:
        >>> x = Tensor([2.0], requires_grad=True)
        >>> [type(node).__name__ for node in inputs_first((x.exp() + x).creator)]
        ['Tensor', 'Exp', 'Add']
    """
    order: list[Function | Tensor] = []
    seen: set[int] = set()
    stack: list[tuple[Function | Tensor, bool]] = [(root, False)]
    while stack:
        node, expanded = stack.pop()
        if expanded:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            if isinstance(node, Function):
                if node.freed:
                    raise AutogradError("this graph was freed by backward(); look at it before, or compute the loss again")
                stack += [(edge, False) for edge in reversed(node.edges) if edge is not None]
    return order
