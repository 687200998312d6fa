"""A network in a dozen lines: its stages, with what each puts out, learns and computes."""

from collections.abc import Sequence
from dataclasses import dataclass

from minicnn.analysis.summary import POOLS, Layer, Summary, summarize
from minicnn.nn import AvgPool2d, Conv2d, Linear, MaxPool2d, Module, Sequential

OPENED = ("features", "classifier", "stages", "blocks", "_blocks")  # holders of stages, by the names that networks give them


@dataclass(frozen=True)
class Stage:
    """A part of a network that stands directly in it, with the normalisation that follows.

    Attributes:
        path: dotted path of the part, such as `layer1` or `features.3`.
        what: the part in words: `conv 7x7 / 2`, `2 x BasicBlock`.
        output: shape of its output for one image, without the batch axis; () if it does not run in evaluation.
        parameters: numbers it learns.
        macs: multiply-adds for one image.
    """

    path: str
    what: str
    output: tuple[int, ...]
    parameters: int
    macs: int


def stages(model: Module, input_shape: Sequence[int] | None = None) -> list[Stage]:
    """The stages of a network in the order in which they run; parts that neither learn nor pool are left out.

    Args and errors as for `summarize`.

    Example:
        >>> from minicnn.models import LeNet5
        >>> [(stage.path, stage.what, stage.parameters) for stage in stages(LeNet5())][:2]
        [('c1', 'conv 5x5', 156), ('s2', 'avg pool 2x2 / 2', 0)]
    """
    summary = summarize(model, input_shape)
    found: list[Stage] = []
    for path, module in _in_order(model, summary):
        layers = [layer for layer in summary.layers if layer.path == path or layer.path.startswith(path + ".")]
        parameters, macs = sum(p.size for p in module.parameters()), sum(layer.macs for layer in layers)
        if found and parameters and not macs and not _pools(layers) and _norms(layers):
            before = found.pop()
            found.append(Stage(before.path, before.what, before.output, before.parameters + parameters, before.macs))
        elif parameters or _pools(layers):
            found.append(Stage(path, describe(module), summary.outputs.get(path, ())[1:], parameters, macs))
    return found


def table(model: Module, input_shape: Sequence[int] | None = None) -> list[str]:
    """The stages as lines of text, with the totals: the table that stands in a network's docstring."""
    summary, parts = summarize(model, input_shape), stages(model, input_shape)
    rows = [("stage", "layers", "output", "parameters", "multiply-adds")]
    rows += [("input", "", by(summary.input[1:]), "", "")]
    rows += [(s.path, s.what, by(s.output) or "in training", f"{s.parameters:,}", f"{s.macs:,}") for s in parts]
    rows += [("total", "", "", f"{summary.parameters:,}", f"{summary.macs:,}")]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    aligned = [[text.rjust(w) if i > 1 else text.ljust(w) for i, (text, w) in enumerate(zip(row, widths, strict=True))] for row in rows]
    return ["  ".join(row).rstrip() for row in aligned]


def by(shape: Sequence[int]) -> str:
    """Sizes as one reads them aloud.

    >>> by((3, 224, 224))
    '3 x 224 x 224'
    """
    return " x ".join(map(str, shape))


def describe(module: Module) -> str:
    """A part in a few words.

    >>> from minicnn import nn
    >>> describe(nn.Conv2d(16, 32, kernel_size=3, stride=2, groups=4))
    'conv 3x3 / 2, 4 groups'
    >>> describe(nn.Sequential(nn.ReLU(), nn.ReLU()))
    '2 x ReLU'
    """
    if isinstance(module, Conv2d):
        groups = f", {module.groups} groups" if 1 < module.groups < module.in_channels else ", depthwise" if module.groups > 1 else ""
        return f"conv {_by_window(module.kernel_size, module.stride)}{groups}"
    if isinstance(module, Linear):
        return "linear"
    if isinstance(module, POOLS):
        name = "avg pool" if "Avg" in type(module).__name__ else "max pool"
        if isinstance(module, (AvgPool2d, MaxPool2d)):
            return f"{name} {_by_window(module.kernel_size, module.stride)}"
        return f"{name} to {'x'.join(map(str, getattr(module, 'output_size', (1, 1))))}"
    if isinstance(module, Sequential):
        kinds = [type(child).__name__ for child in module]
        if len(set(kinds)) == 1:
            return f"{len(kinds)} x {kinds[0]}" if len(kinds) > 1 else describe(next(iter(module)))
        return ", ".join(describe(child) for child in module if list(child.children()) or isinstance(child, (Conv2d, Linear, *POOLS)))
    return type(module).__name__


def _by_window(kernel: tuple[int, int], stride: tuple[int, int]) -> str:
    return f"{kernel[0]}x{kernel[1]}" + (f" / {stride[0]}" if max(stride) > 1 else "")


def _in_order(model: Module, summary: Summary) -> list[tuple[str, Module]]:
    """The parts that are stages: those that ran in their order, the others where they stand."""
    parts: list[tuple[str, Module]] = []
    for name, child in model.named_children():
        opened = name in OPENED and list(child.children())
        parts += [(f"{name}.{inner}", part) for inner, part in child.named_children()] if opened else [(name, child)]
    first: dict[str, int] = {}
    for i, layer in enumerate(summary.layers):
        for path, _ in parts:
            if layer.path == path or layer.path.startswith(path + "."):
                first.setdefault(path, i)
    places = {path: first.get(path) for path, _ in parts}
    return sorted(parts, key=lambda part: (places[part[0]] is None, places[part[0]] or 0))


def _pools(layers: list[Layer]) -> bool:
    return any("Pool" in layer.kind for layer in layers)


def _norms(layers: list[Layer]) -> bool:
    return all("Norm" in layer.kind for layer in layers if layer.parameters) and bool(layers)
