"""The controller: probabilities that add up, gradients over all weights, skip connections by anchor points."""

import itertools
from dataclasses import dataclass

import numpy as np
import pytest

from minicnn.backend import manual_seed
from minicnn.errors import ArgumentError, ShapeError
from minicnn.search import ChainSpace, Controller, Decision
from minicnn.testing import gradcheck
from tests.search.toy import Toy


@dataclass(frozen=True)
class Small:
    """All of its architectures can be listed: 2 · 3 · 2 · 3 · 2 = 72."""

    name: str = "small"
    decisions: tuple = (
        Decision("filters", ("8", "16")),
        Decision("height", ("1", "3", "5")),
        Decision("filters", ("8", "16")),
        Decision("height", ("1", "3", "5")),
        Decision("skip", ("no", "yes"), (1, 0)),
    )


THREE = ChainSpace(layers=3, heights=(1, 3), widths=(1, 3), filters=(8, 16), strides=(1,))


def everything(space):
    return list(itertools.product(*(range(len(d.options)) for d in space.decisions)))


def sharpened(space, **options):
    """A controller that prefers some options by far: its weights are twenty times as large."""
    controller = Controller(space, **options)
    for parameter in controller.parameters():
        parameter.data *= 20
    return controller


def test_the_probabilities_of_all_architectures_add_up_to_one():
    p = np.exp(sharpened(Small(), hidden=8, seed=1).log_probability(everything(Small())).numpy())
    assert p.sum() == pytest.approx(1, abs=1e-5)
    assert p.max() > 5 * p.mean()


def test_samples_come_as_often_as_their_probabilities_say():
    controller = sharpened(Small(), hidden=8, seed=1)
    p = np.exp(controller.log_probability(everything(Small())).numpy())
    sampled = controller.sample(20_000, np.random.default_rng(0))
    counts = np.array([sampled.count(choices) for choices in everything(Small())])
    expected = 20_000 * p
    large = expected > 5
    chi_square = ((counts - expected)[large] ** 2 / expected[large]).sum()
    assert chi_square < large.sum() + 4 * np.sqrt(2 * large.sum())


def test_the_log_probability_is_that_of_the_walk_that_sampled():
    controller = sharpened(Toy(), hidden=8)
    rng = np.random.default_rng(3)
    drawn = []

    def draw(t, p):
        choice = np.array([rng.choice(p.shape[1], p=row.astype(np.float64) / row.astype(np.float64).sum()) for row in p])
        drawn.append(p[np.arange(len(p)), choice])
        return choice

    walk = controller.walk(5, draw)
    np.testing.assert_allclose(walk.log_probability.numpy(), np.log(drawn).sum(axis=0), rtol=1e-4)
    again = controller.retrace([tuple(row) for row in walk.choices])
    np.testing.assert_array_equal(again.log_probability.numpy(), walk.log_probability.numpy())
    np.testing.assert_array_equal(again.entropy.numpy(), walk.entropy.numpy())


def test_an_architecture_is_as_probable_alone_as_among_others():
    controller, three = sharpened(Toy(), hidden=8), Controller(Toy(), 8).sample(3, np.random.default_rng(0))
    together = controller.log_probability(three).numpy()
    np.testing.assert_allclose([controller.log_probability([one]).item() for one in three], together, rtol=1e-5)


@pytest.mark.parametrize("space", [Small(), THREE], ids=["small", "chain"])
@pytest.mark.parametrize("what", ["log_probability", "entropy"])
def test_gradients_in_all_weights(space, what):
    controller = sharpened(space, hidden=2, seed=2)
    sampled = Controller(space, 2).sample(2, np.random.default_rng(0))
    parameters = dict(controller.named_parameters())
    outcome = gradcheck(lambda: getattr(controller.retrace(sampled), what), [], parameters=parameters, elements=2)
    assert outcome.slopes > 25
    assert {"start", "cell.weight_hh", "embeddings.0.weight", "heads.1.weight", "link.w_prev.weight", "link.w_curr.weight", "link.v.weight"} <= parameters.keys()


def test_every_weight_matters():
    controller = sharpened(ChainSpace(layers=3), hidden=4, seed=2)
    controller.log_probability(Controller(ChainSpace(layers=3), 4).sample(16, np.random.default_rng(0))).sum().backward()
    assert [name for name, parameter in controller.named_parameters() if not np.abs(parameter.grad.numpy()).max() > 1e-6] == []


def test_the_entropy_of_a_new_controller_is_near_that_of_a_fair_draw():
    entropy = Controller(Toy(), seed=4).retrace([Toy().target]).entropy.item()
    assert entropy == pytest.approx(np.log(Toy().size), rel=1e-2)


def test_a_skip_connection_is_the_sigmoid_of_both_anchors():
    controller = sharpened(Small(), hidden=3, seed=5)
    h, earlier = np.random.default_rng(0).normal(size=(2, 1, 3)).astype(np.float32)
    w_prev, w_curr, v = (getattr(controller.link, name).weight.numpy() for name in ("w_prev", "w_curr", "v"))
    s = (v @ np.tanh(w_prev @ earlier[0] + w_curr @ h[0])).item()
    no, yes = controller.link(h, earlier).numpy()[0]
    assert 1 / (1 + np.exp(no - yes)) == pytest.approx(1 / (1 + np.exp(-s)), rel=1e-5)


def test_what_is_skipped_to_decides_what_follows():
    controller = sharpened(Toy(), hidden=8)
    with_skip, without = ((2, 1, 0, 1, skip, 2, 2, 0, 1, 1) for skip in (1, 0))
    seen = []
    for choices in (with_skip, without):
        controller.walk(1, lambda t, p, choices=choices: (seen.append(p[0]), np.array([choices[t]]))[1])
    first, second = seen[:10], seen[10:]
    assert all((a == b).all() for a, b in zip(first[:5], second[:5], strict=True))
    assert all(np.abs(a - b).max() > 1e-3 for a, b in zip(first[5:], second[5:], strict=True))


def test_anchor_points_come_where_layers_are_decided():
    assert Controller(Toy(), 4).anchors == {2: [0], 4: [1], 7: [2]}
    assert Controller(ChainSpace(layers=3), 4).anchors == {4: [0], 8: [1], 13: [2]}
    assert Controller(ChainSpace(layers=3, skips=False), 4).link is None


def test_decisions_of_one_kind_and_size_share_their_weights():
    decisions = (Decision("state", ("0", "1")), Decision("state", ("0", "1", "2")), Decision("state", ("0", "1", "2")))
    controller = Controller(type("Cells", (), {"decisions": decisions}), 4)
    assert [len(head.bias) for head in controller.heads] == [2, 3]


def test_nothing_else_that_is_drawn_matters():
    sampled = []
    for seed in (1, 2):
        manual_seed(seed)
        sampled.append(Controller(Toy(), seed=7).sample(4, np.random.default_rng(0)))
    assert sampled[0] == sampled[1]
    assert sampled[0] != Controller(Toy(), seed=8).sample(4, np.random.default_rng(1))


@pytest.mark.parametrize(
    ("wrong", "error", "sentence"),
    [
        (lambda: Controller(Toy(), hidden=0), ArgumentError, "Controller: hidden must be an integer >= 1, not 0"),
        (lambda: Controller(Toy(), seed=-1), ArgumentError, "Controller: seed must be an integer >= 0, not -1"),
        (lambda: Controller(Toy(), 4).log_probability([(0, 1)]), ShapeError, "Controller: needs (N, 10) choices, one for each decision of the space; these are (1, 2)"),
        (
            lambda: Controller(Toy(), 4).log_probability([(3, *Toy.target[1:])]),
            ArgumentError,
            "Controller: decision 0 (filters) has the options 0 to 2, and not [3]",
        ),
        (
            lambda: Controller(type("Odd", (), {"decisions": (Decision("filters", ("8", "16")), Decision("skip", ("no", "yes"), (0, 1)))}), 4),
            ArgumentError,
            "Controller: layer 0 cannot be connected with layer 1, which is not decided before it",
        ),
    ],
)
def test_wrong_input(wrong, error, sentence):
    with pytest.raises(error) as caught:
        wrong()
    assert str(caught.value) == sentence
