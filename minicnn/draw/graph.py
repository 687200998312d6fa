"""A picture of the graph behind a tensor: which operations made it, with shapes and values, as SVG."""

from minicnn.autograd import Function, Tensor
from minicnn.autograd.function import SMALL
from minicnn.autograd.order import inputs_first
from minicnn.backend import to_numpy
from minicnn.draw.picture import Picture
from minicnn.draw.placement import place
from minicnn.draw.svg import document, group, path, rect, text
from minicnn.errors import ArgumentError, AutogradError
from minicnn.kernels.types import Array
from minicnn.nn import Module

WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 176, 46, 20, 34, 16
MOST = 400  # nodes; a larger picture could not be read

STYLE = ".minicnn .root rect { stroke-width: 2.5 }"


class Graph(Picture):
    """A picture of a graph. A notebook shows it; `save` writes it to a file; `str` lists it as text.

    Attributes:
        nodes: the functions and leaves, from the inputs to the result.
        edges: pairs (from, to) of positions in `nodes`.

    Example:
        >>> x = Tensor([1.0], requires_grad=True)
        >>> picture = graph(x * 2)
        >>> len(picture.nodes), picture.edges
        (2, [(0, 1)])
    """

    def __init__(self, nodes: list[Function | Tensor], edges: list[tuple[int, int]], names: dict[int, str]) -> None:
        self.nodes, self.edges, self.names = nodes, edges, names

    def _repr_svg_(self) -> str:
        placement = place(len(self.nodes), self.edges)
        width = 2 * MARGIN + placement.columns * (WIDTH + GAP_X) - GAP_X
        height = 2 * MARGIN + placement.rows * (HEIGHT + GAP_Y) - GAP_Y
        corners = [_corner(point) for point in placement.nodes]
        arrows = [
            _arrow([corners[a], *map(_corner, bends), corners[b]])
            for (a, b), bends in zip(self.edges, placement.bends, strict=True)
        ]
        boxes = [self._box(i, *corner) for i, corner in enumerate(corners)]
        return document(width, height, [*arrows, *boxes], "a graph of operations", STYLE)

    def _box(self, i: int, x: float, y: float) -> str:
        node = self.nodes[i]
        title, detail, hover = self._texts(node)
        box = rect(0, 0, WIDTH, HEIGHT, "conv" if isinstance(node, Function) else "pool")
        words = [text(WIDTH / 2, 19, title), text(WIDTH / 2, 36, detail, "small")]
        return group([box, *words], hover=hover, x=x, y=y, kind="root" if i == len(self.nodes) - 1 else "")

    def _texts(self, node: Function | Tensor) -> tuple[str, str, str]:
        """The title of a box, the line below it, and what hovering shows."""
        if isinstance(node, Tensor):
            name = self.names.get(id(node)) or node.name or type(node).__name__.lower()
            detail = f"{_shape(node.shape)}  {_values(node.data)}"
            gradient = "" if node.grad is None else f"\ngradient {_values(node.grad.data, most=16)}"
            return name, detail, f"{name} {node.shape} {node.dtype}\nvalue {_values(node.data, most=16)}{gradient}"
        output = node.output()
        data = node.value if node.value is not None else None if output is None else output.data
        detail = f"{_shape(node.shape)}  {'' if data is None else _values(data)}"
        attributes = ", ".join(f"{key}={value}" for key, value in node.attributes.items())
        value = f"not kept (results of up to {SMALL} elements are, and all inside detect_anomaly())" if data is None else _values(data, most=16)
        return node.name, detail, f"{node.name}({attributes})\nresult {node.shape} {node.dtype}\nvalue {value}"

    def __str__(self) -> str:
        lines = []
        for i, node in enumerate(self.nodes):
            title, detail, _ = self._texts(node)
            sources = [str(a) for a, b in self.edges if b == i]
            lines.append(f"{i:>3}  {title:<24} {detail:<32} {'from ' + ', '.join(sources) if sources else ''}".rstrip())
        return "\n".join(lines)


def _corner(point: tuple[float, int]) -> tuple[float, float]:
    return MARGIN + point[0] * (WIDTH + GAP_X), MARGIN + point[1] * (HEIGHT + GAP_Y)


def _arrow(corners: list[tuple[float, float]]) -> str:
    """A curve from the bottom of the first box to the top of the last, straight through the rows in between."""
    x, y = corners[0][0] + WIDTH / 2, corners[0][1] + HEIGHT
    points = [f"M{x:g},{y:g}"]
    for i, (left, top) in enumerate(corners[1:], 1):
        x1, half = left + WIDTH / 2, (top - y) / 2
        points.append(f"C{x:g},{y + half:g} {x1:g},{top - half:g} {x1:g},{top:g}")
        x, y = x1, top
        if i < len(corners) - 1:
            y = top + HEIGHT
            points.append(f"L{x:g},{y:g}")
    return path(" ".join(points), tip=True)


def graph(root: Tensor, module: Module | None = None) -> Graph:
    """The graph of operations that made a tensor, to look at before `backward` frees it.

    Shapes are always shown; the values of parameters, of small results and of those that you still hold too. To see all
    values, compute inside `with minicnn.detect_anomaly():`, which keeps every result.

    Args:
        root: usually the loss.
        module: a module whose parameters are to be shown by their names.

    Raises:
        AutogradError: nothing was recorded for this tensor, or its graph has been freed.
        ArgumentError: the graph has so many nodes that a picture could not be read.

    Example:
        >>> x = Tensor([2.0], requires_grad=True, name="x")
        >>> print(graph(x * x + 1))
          0  x                        (1)  2
          1  Multiply                 (1)  4                           from 0, 0
          2  Add                      (1)  5                           from 1
    """
    if root.creator is None:
        raise AutogradError("graph(): nothing was recorded for this tensor; compute it from tensors with requires_grad=True")
    nodes = inputs_first(root.creator)
    if len(nodes) > MOST:
        raise ArgumentError(f"graph(): {len(nodes)} nodes, too many to read (at most {MOST}); picture a part of the network, such as one block")
    position = {id(node): i for i, node in enumerate(nodes)}
    edges = [
        (position[id(edge)], i)
        for i, node in enumerate(nodes)
        if isinstance(node, Function)
        for edge in node.edges
        if edge is not None
    ]
    names = {} if module is None else {id(parameter): name for name, parameter in module.named_parameters()}
    return Graph(nodes, edges, names)


def _shape(shape: tuple[int, ...]) -> str:
    return f"({'×'.join(map(str, shape))})" if shape else "scalar"


def _values(data: Array, most: int = 3) -> str:
    """All values of a small array; mean and spread of a large one."""
    array = to_numpy(data)
    if array.size <= most:
        text = ", ".join(f"{v:.4g}" for v in array.ravel().tolist())
        return text if array.size == 1 else f"[{text}]"
    return f"{array.mean():.3g} ± {array.std():.2g}"
