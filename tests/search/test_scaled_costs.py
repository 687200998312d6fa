"""Each family of the zoo, scaled: it costs what its depth, width and side say."""

import pytest

from minicnn.models.registry import defaults
from minicnn.search import FAMILIES, Blocks, Steps, scale

ALPHA, BETA, GAMMA = 1.2, 1.1, 1.15  # sec. 4 of the paper, and not from the source

# How far the counted cost may be from depth x width² x side², with what was really obtained of each. A tenth is for what does not repeat: the
# first convolution, what makes the image smaller, the last layers. More only where the rule cannot know better:
APART = {
    "VGG": 1.2,  # stages of a VGG do not cost alike, so it matters which one gets the block
    "DenseNet": 1.25,  # each layer reads all layers before it: a deeper block is a wider one, too
    "DenseNetCIFAR": 1.25,
    "EfficientNet": 1.55,  # its authors round each stage's blocks up (B0 at phi = -1 loses none), and its channels to multiples of 8
    "EfficientNetLite": 1.55,
}


def size(grow, value):
    """Of a depth, as it counts for the cost."""
    return sum(value) if isinstance(grow, Blocks) else value - getattr(grow, "beside", 0)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_cost_is_that_of_depth_width_and_side(name):
    family = FAMILIES[name]
    network = family.networks[0]
    start, resolution = defaults(network), None
    (depth, grow_depth), width = *family.depth.items(), next(iter(family.width))
    for phi in (0, -1, 1, 2):
        scaled = scale(network, phi)
        resolution = resolution or scaled.resolution
        d = size(grow_depth, scaled.kwargs[depth]) / size(grow_depth, start[depth])
        w, r = scaled.kwargs[width] / start[width], scaled.resolution / resolution
        assert scaled.meant == pytest.approx((ALPHA * BETA**2 * GAMMA**2) ** phi)
        if phi == 0:
            assert scaled.macs == scaled.baseline_macs
        most = APART.get(name, 1.12)
        assert 1 / most <= scaled.ratio / (d * w**2 * r**2) <= most, (phi, scaled)
        # What was obtained is what was asked for, to half a step of each.
        e = [half_a_step(grow, start[argument], factor**phi) for argument, grow, factor in ((depth, grow_depth, ALPHA), (width, family.width[width], BETA))]
        e.append(family.side / 2 / (resolution * GAMMA**phi))
        for got, factor, error in zip((d, w, r), (ALPHA, BETA, GAMMA), e, strict=True):
            assert abs(got / factor**phi - 1) <= error + 1e-9, (phi, scaled)


def half_a_step(grow, value, factor):
    """As a share of what it is added to."""
    if isinstance(grow, Blocks):
        return 0.5 / (sum(value) * factor)
    step = grow.size if isinstance(grow, Steps) else 1e-6
    return step / 2 / (size(grow, value) * factor)
