"""Each family of the zoo, scaled: with phi = 0 it is as it was, and alpha, beta and gamma change what they should and nothing else."""

import math

import pytest

from minicnn import models, use_backend
from minicnn.models.registry import defaults
from minicnn.search import FAMILIES, scale
from tests.search.small import SMALL, shapes

FIRST = [(family, family.networks[0]) for family in FAMILIES.values()]


@pytest.mark.parametrize("network", [network for family in FAMILIES.values() for network in family.networks])
def test_phi_0_changes_no_argument(network):
    family, start = next(family for family in FAMILIES.values() if network in family.networks), defaults(network)
    for argument, grow in {**family.depth, **family.width}.items():
        assert grow(start[argument], 1.0) == start[argument]


@pytest.mark.parametrize(("family", "network"), FIRST, ids=list(FAMILIES))
def test_phi_0_is_the_network_of_the_zoo(family, network):
    with use_backend("meta"):
        zoo, same = models.create(network), scale(network, 0).build()
    assert shapes(same) == shapes(zoo)
    assert same.input_shape == zoo.input_shape


@pytest.mark.parametrize("name", FAMILIES)
def test_alpha_beta_and_gamma_change_what_they_should_and_nothing_else(name):
    family, (kwargs, resolution) = FAMILIES[name], SMALL[name]
    network, start = family.networks[0], {**defaults(family.networks[0]), **kwargs, "resolution": resolution}

    def scaled(*ratios):
        made = scale(network, 1, *ratios, resolution=resolution, **kwargs)
        changed = {argument for argument, value in made.kwargs.items() if value != start[argument]}
        return made, changed, shapes(made.build())

    with use_backend("meta"):
        _, changed, before = scaled(1, 1, 1)
        assert not changed

        deeper, changed, after = scaled(2, 1, 1)
        assert changed == set(family.depth)
        assert deeper.resolution == resolution
        assert len(after) > 1.5 * len(before)
        if "Dense" not in name:  # where depth is width
            assert {shape[:1] for shape in after.values()} == {shape[:1] for shape in before.values()}  # the same numbers of channels

        wider, changed, after = scaled(1, 2, 1)
        assert changed == set(family.width)
        assert wider.resolution == resolution
        assert after.keys() == before.keys()
        assert sum(map(math.prod, after.values())) > 1.25 * sum(map(math.prod, before.values()))  # Lite's head does not grow

        larger, changed, after = scaled(1, 1, 2)
        assert changed <= {"resolution"}
        assert after == before
        assert larger.resolution == pytest.approx(2 * resolution, abs=family.side / 2)
        assert larger.build().input_shape[1:] == (larger.resolution, larger.resolution)
