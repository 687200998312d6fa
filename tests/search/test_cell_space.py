"""Pairs of cells as decisions: from choices to strings and back, drawn uniformly, and changed in one place."""

from collections import Counter
from itertools import product

import numpy as np
import pytest

from minicnn import use_backend
from minicnn.errors import ArgumentError
from minicnn.models import NASNET_A, create_from_string
from minicnn.search import OPERATIONS, CellSpace, Decision


def test_states_before_operations_and_the_normal_cell_before_the_reduction_cell():
    space = CellSpace(blocks=3, operations=("id", "max3"))
    assert [decision.kind for decision in space.decisions] == ["state", "state", "operation", "operation"] * 6
    one_cell = [(n, n, 2, 2) for n in (2, 3, 4)]
    assert [len(decision.options) for decision in space.decisions] == [n for block in one_cell * 2 for n in block]
    assert space.decisions[8] == Decision("state", ("0", "1", "2", "3"))
    assert space.decisions[10] == Decision("operation", ("id", "max3"))
    assert space.size == (2**6 * (2 * 3 * 4) ** 2) ** 2


def test_choices_become_a_string():
    space = CellSpace(blocks=2, operations=("id", "sep3", "max7"))
    choices = [0, 1, 2, 1, 2, 0, 0, 1, 1, 1, 2, 2, 0, 1, 0, 1]
    assert space.string(choices) == "cells max7:0+sep3:1 id:2+sep3:0 / max7:1+max7:1 id:0+sep3:1"


def test_every_sequence_of_choices_comes_back():
    space = CellSpace(blocks=1, operations=("id", "sep3"))
    everything = list(product(*(range(len(decision.options)) for decision in space.decisions)))
    strings = [space.string(choices) for choices in everything]
    assert space.size == len(everything) == len(set(strings)) == 256
    assert [space.choices(string) for string in strings] == everything


@pytest.mark.parametrize("operations", [("id", "sep3", "sep5", "avg3", "max3"), OPERATIONS])
def test_random_cells_come_back_and_are_built(operations):
    space, rng = CellSpace(operations=operations), np.random.default_rng(1)
    for i in range(30):
        choices = space.random(rng)
        string = space.string(choices)
        assert space.choices(string) == choices
        if i < 5:
            with use_backend("meta"):
                assert create_from_string(string, cells=1, filters=2).string == string


def test_random_choices_are_uniform_and_follow_from_the_seed():
    space, rng = CellSpace(blocks=2), np.random.default_rng(2)
    drawn = np.array([space.random(rng) for _ in range(3000)])
    for i, decision in enumerate(space.decisions):
        n = len(decision.options)
        counts = np.bincount(drawn[:, i], minlength=n)
        assert len(counts) == n
        assert ((counts - 3000 / n) ** 2 / (3000 / n)).sum() < 22  # chi-squared, four degrees of freedom at most
    assert abs(np.corrcoef(drawn.T) - np.eye(16)).max() < 0.08  # each for itself
    assert space.random(np.random.default_rng(3)) == space.random(np.random.default_rng(3))


def test_a_mutation_changes_one_state_or_one_operation():
    """Half of them a state, half of them an operation, in either cell as often: the mutations of regularised evolution."""
    space, rng = CellSpace(), np.random.default_rng(4)
    start = space.random(rng)
    changes = Counter()
    for _ in range(4000):
        changed = space.mutate(start, rng)
        (i,) = [i for i, pair in enumerate(zip(start, changed, strict=True)) if pair[0] != pair[1]]
        changes[i, changed[i]] += 1
        assert space.choices(space.string(changed)) == changed
    assert set(changes) == {(i, option) for i, decision in enumerate(space.decisions) for option in range(len(decision.options)) if option != start[i]}
    where = np.array([[sum(n for (i, _), n in changes.items() if space.decisions[i].kind == kind and i // 20 == cell) for cell in (0, 1)] for kind in ("state", "operation")])
    assert abs(where - 1000).max() < 120


def test_with_one_operation_a_mutation_changes_a_state():
    space, rng = CellSpace(blocks=2, operations=("sep3",)), np.random.default_rng(5)
    start = space.random(rng)
    for _ in range(50):
        (i,) = [i for i, pair in enumerate(zip(start, space.mutate(start, rng), strict=True)) if pair[0] != pair[1]]
        assert space.decisions[i].kind == "state"


def test_nasnet_a_is_in_the_space_of_all_operations_but_for_its_output():
    space = CellSpace(operations=OPERATIONS)
    with pytest.raises(ArgumentError) as error:
        space.choices(NASNET_A)
    assert str(error.value) == (
        "cells of 5 blocks: the normal cell's output, '=1+2+3+4+5+6', is not in this space: here it is what no block reads, so leave it out"
    )
    bare = NASNET_A.replace(" =1+2+3+4+5+6", "").replace(" =3+4+5+6", "")
    assert space.string(space.choices(bare)) == bare


@pytest.mark.parametrize(
    ("string", "said"),
    [
        ("cells id:0+id:1 / id:0+id:1 id:0+id:1", "cells of 1 block: the reduction cell has 2, and so is not in this space: cells id:0+id:1 / id:0+id:1 id:0+id:1"),
        ("cells id:0+max5:1 / id:0+id:1", "cells of 1 block: the normal cell's operation 'max5' is not in this space: here there are id, sep3, sep5, avg3, max3"),
        ("cells id:0+id:2 / id:0+id:1", "the normal cell's state 2, 'id:0+id:2', cannot read state 2: the states before it are 0 to 1"),
    ],
)
def test_what_is_not_in_the_space_is_refused(string, said):
    with pytest.raises(ArgumentError) as error:
        CellSpace(blocks=1).choices(string)
    assert str(error.value) == said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"blocks": 0}, "CellSpace: blocks must be an integer >= 1, not 0"),
        ({"operations": ("id", "sep4")}, "CellSpace: unknown operation 'sep4': did you mean sep"),
        ({"operations": ()}, "CellSpace: each operation must be given once, and there must be one at least, not ()"),
        ({"operations": ("id", "id")}, "CellSpace: each operation must be given once, and there must be one at least, not ('id', 'id')"),
    ],
)
def test_a_space_is_checked(options, said):
    with pytest.raises(ArgumentError) as error:
        CellSpace(**options)
    assert str(error.value).startswith(said)


def test_choices_are_checked():
    with pytest.raises(ArgumentError, match=r"cells of 1 block: choice 2 \(operation\) must be a position from 0 to 4, not 5"):
        CellSpace(blocks=1).string([0, 0, 5, 0, 0, 0, 0, 0])
