"""Compound scaling of any network that has a depth and a width (Tan & Le 2019): deeper, wider, and for larger images, all at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from minicnn.analysis import Summary, summarize
from minicnn.backend import META, use_backend
from minicnn.checks import integer, number
from minicnn.errors import ArgumentError
from minicnn.models.compound_scaling import ALPHA, BETA, GAMMA
from minicnn.models.registry import create, defaults, model_name
from minicnn.nn import Module
from minicnn.search.families import BY_NAME, family_of
from minicnn.search.grid import Ratios
from minicnn.search.growth import Steps

FURTHEST = 10  # of phi from 0: a thousand times the cost, or a thousandth


@dataclass(frozen=True)
class Scaled:
    """A network made larger or smaller, and what that has cost.

    Attributes:
        name: the network, for `models.create`.
        kwargs: the arguments of its constructor.
        resolution: height and width of the images, in pixels.
        parameters: number of its weights.
        macs: multiply-adds for an image, counted.
        baseline_macs: multiply-adds of the network that was scaled, for an image of its own size.
        meant: the factor between the two by the rule, (alpha beta² gamma²)^phi, if nothing were rounded and all parts grew.

    Example:
        >>> scaled = scale("ResNet18", 1)
        >>> scaled.kwargs, scaled.resolution
        ({'depths': (2, 2, 3, 3), 'width': 72}, 256)
        >>> f"{scaled.meant:.2f} meant, {scaled.ratio:.2f} obtained"
        '1.92 meant, 2.06 obtained'
    """

    name: str
    kwargs: Mapping[str, Any]
    resolution: int
    parameters: int
    macs: int
    baseline_macs: int
    meant: float

    @property
    def ratio(self) -> float:
        """The factor between the multiply-adds, as it came out."""
        return self.macs / self.baseline_macs

    @property
    def python(self) -> str:
        """The line that builds the network."""
        arguments = "".join(f", {name}={value!r}" for name, value in self.kwargs.items())
        return f'models.create("{self.name}"{arguments})'

    def build(self) -> Module:
        """The network, with random weights; its `input_shape` is that of the images it is scaled for."""
        return _build(self.name, self.kwargs, self.resolution)


def scale(
    name: str, phi: float, alpha: float = ALPHA, beta: float = BETA, gamma: float = GAMMA, *, resolution: int | None = None, **kwargs: Any
) -> Scaled:
    """Make a network alpha^phi times as deep, beta^phi times as wide, for images with gamma^phi times the side: about 2^phi times the cost.

    Numbers of blocks, channels and pixels are whole, some must be multiples of others, and what does not repeat does not become deeper. So
    the cost is met only roughly; it is counted, on the backend `meta`, and returned beside what was meant. `FAMILIES` is the table
    of what is scaled, and how it is rounded. With phi = 0 nothing changes; below 0 the network becomes smaller.

    Args:
        name: a network of one of the `FAMILIES`, such as "ResNet18".
        phi: how many doublings of the cost, from -10 to 10; any number, not only whole ones.
        alpha, beta, gamma: factors of depth, width and the image's side for phi = 1, each 1 or more; those of EfficientNet by default.
        resolution: height and width of the images before scaling, in pixels; by default those of the network's paper.
        kwargs: arguments of the network's constructor, such as `num_classes`, `in_channels`, or the width from which to start.

    Raises:
        ArgumentError: the network has no depth or no width to scale, a number is out of its range, the constructor does not take
            `kwargs`, or weights are asked for, which fit no other size.
        ShapeError: the images are too small for the network.

    Source:
        Tan & Le 2019, "EfficientNet: rethinking model scaling for convolutional neural networks", eq. 3 and sec. 4
        (arXiv:1905.11946).

    Example:
        >>> small = scale("MobileNetV1", -2, num_classes=10, resolution=64)
        >>> small.kwargs["depths"], small.resolution
        ((1, 1, 1, 4, 2), 64)
    """
    family = family_of(name)
    name, fixed = BY_NAME.get(model_name(name), (model_name(name), {}))
    phi = number(phi, "scale: phi")
    ratios = Ratios(number(alpha, "scale: alpha", 1), number(beta, "scale: beta", 1), number(gamma, "scale: gamma", 1))
    if abs(phi) > FURTHEST:
        raise ArgumentError(f"scale: phi must be a number from {-FURTHEST} to {FURTHEST}, not {phi:g}: each step doubles the cost")
    if kwargs.get("weights") is not None:
        raise ArgumentError(f"scale: published weights fit only the {name} that they were trained in: scale it without weights")
    given = fixed | kwargs
    side = None if resolution is None else integer(resolution, "scale: resolution")
    baseline = _counted(name, given, side)
    start = defaults(name) | given
    grown = {argument: grow(start[argument], ratios.alpha**phi) for argument, grow in family.depth.items()}
    grown |= {argument: grow(start[argument], ratios.beta**phi) for argument, grow in family.width.items()}
    side = int(Steps(family.side)(baseline.input[-1], ratios.gamma**phi))
    if "resolution" in start:
        grown["resolution"] = side
    counted = _counted(name, given | grown, side)
    return Scaled(name, given | grown, side, counted.parameters, counted.macs, baseline.macs, ratios.cost**phi)


def _build(name: str, kwargs: Mapping[str, Any], side: int | None = None) -> Any:
    net: Any = create(name, **kwargs)
    if side is not None:
        net.input_shape = (net.input_shape[0], side, side)
    return net


def _counted(name: str, kwargs: Mapping[str, Any], side: int | None) -> Summary:
    with use_backend(META):  # weights without memory, and shapes without numbers
        return summarize(_build(name, kwargs, side))
