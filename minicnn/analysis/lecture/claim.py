"""A number of the lecture beside the one that comes out here, and what claims are computed with."""

from dataclasses import dataclass

from minicnn import models
from minicnn.analysis.summary import Summary
from minicnn.autograd import Function
from minicnn.autograd.order import inputs_first
from minicnn.backend import META, use_backend
from minicnn.nn import Module
from minicnn.nn.trace import image_shape, trace
from minicnn.ops.conv import Conv2d
from minicnn.ops.linear import Linear


@dataclass(frozen=True)
class Claim:
    """What the lecture says, and what comes out here.

    Attributes:
        topic: the case study.
        what: of what.
        lecture: as the lecture prints it.
        here: as it comes out, printed in the same way.
        reason: why they differ, if they do.
        looked_up: `here` is what a paper reports, not what comes out of a network.
    """

    topic: str
    what: str
    lecture: str
    here: str
    reason: str = ""
    looked_up: bool = False

    @property
    def agrees(self) -> bool:
        """The two are the same."""
        return self.lecture == self.here


def network(name: str, **options: object) -> Module:
    """A network without memory for its weights: only its shapes are asked for."""
    with use_backend(META):
        return models.create(name, **options)


def volume(summary: Summary, path: str) -> str:
    """The output of a module as the lecture prints it: [height x width x channels], or the length of a vector.

    >>> from minicnn.analysis import summarize
    >>> volume(summarize(network("ResNet18")), "layer1")
    '[56x56x64]'
    """
    shape = summary.outputs[path][1:]
    return f"[{'x'.join(map(str, (*shape[1:], shape[0])))}]"


def short(number: float, digits: int = 2) -> str:
    """A number as slides print it: rounded to so many digits, with K or M.

    >>> short(34944), short(3211264), short(802816), short(4096, digits=4)
    ('35K', '3.2M', '800K', '4.096K')
    """
    rounded = float(f"{number:.{digits - 1}e}")
    unit, name = (1e6, "M") if rounded >= 1e6 else (1e3, "K")
    return f"{rounded / unit:g}{name}"


def depth(model: Module) -> int:
    """Layers with weights on the longest way through a network; of parallel ones only one counts.

    >>> depth(network("ResNet18")), depth(network("GoogLeNet"))
    (18, 22)
    """
    _, y = trace(model, image_shape(model, None, "depth"), record=True)
    assert y.creator is not None
    layers: dict[int, int] = {}
    for node in inputs_first(y.creator):
        if isinstance(node, Function):
            before = max((layers.get(id(edge), 0) for edge in node.edges if edge is not None), default=0)
            layers[id(node)] = before + isinstance(node, (Conv2d, Linear))
    return layers[id(y.creator)]
