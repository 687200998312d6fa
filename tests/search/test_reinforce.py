"""REINFORCE: its gradient is that of the expected reward, whatever the baseline, and it learns a planted reward."""

import itertools

import numpy as np
import pytest

from minicnn.autograd import Tensor
from minicnn.backend import manual_seed, use_backend
from minicnn.errors import ArgumentError
from minicnn.ops import exp
from minicnn.search import ChainSpace, RandomSearch, Reinforce
from minicnn.search.strategy import Sample
from tests.search.toy import Toy, rewarded, run

TINY = ChainSpace(layers=2, heights=(1, 3), widths=(3,), filters=(8, 16), strides=(1, 2))  # 2 · 2 · 1 · 2, twice, and a skip: 128 architectures
EVERYTHING = list(itertools.product(*(range(len(d.options)) for d in TINY.decisions)))
REWARDS = np.random.default_rng(0).uniform(0, 1, len(EVERYTHING))


@pytest.fixture(autouse=True)
def _on_numpy():
    """Toys are done before a compiler has begun."""
    with use_backend("numpy"):
        yield


def strategy(**options):
    """In float64, and with preferences."""
    made = Reinforce(TINY, seed=1, hidden=4, **options)
    made.controller.astype("float64")
    for parameter in made.controller.parameters():
        parameter.data *= 10
    return made


def gradients(made, loss):
    made.controller.zero_grad()
    loss.backward()
    return {name: parameter.grad.numpy().copy() for name, parameter in made.controller.named_parameters() if parameter.grad is not None}


def analytic(made):
    """The gradient of minus the expected reward, from all architectures there are."""
    p = exp(made.controller.log_probability(EVERYTHING))
    return gradients(made, -(p * Tensor(REWARDS)).sum())


@pytest.mark.parametrize("baseline", [0.0, 0.5, -3.0])
def test_the_gradient_is_that_of_the_expected_reward_whatever_the_baseline(baseline):
    made = strategy(entropy=0)
    walk = made.controller.retrace(EVERYTHING)
    p = np.exp(walk.log_probability.numpy())
    assert p.sum() == pytest.approx(1)
    weighted = len(EVERYTHING) * p * (REWARDS - baseline)  # as if each came as often as it is probable
    ours, expected = gradients(made, made.loss(walk, weighted)), analytic(made)
    assert ours.keys() == expected.keys()
    for name, gradient in expected.items():
        np.testing.assert_allclose(ours[name], gradient, rtol=1e-9, atol=1e-12)
    assert max(np.abs(gradient).max() for gradient in expected.values()) > 0.01


def test_what_a_round_of_samples_says_is_that_gradient_on_average(monkeypatch):
    made = strategy(entropy=0)
    made.tell([Sample(EVERYTHING[0], "", 0.7)])  # a baseline that is too high
    seen = []
    monkeypatch.setattr(made, "descend", lambda loss: seen.append(gradients(made, loss)))
    reward_of = dict(zip(EVERYTHING, REWARDS, strict=True))
    for _ in range(20):
        made.baseline = 0.7
        made.tell([Sample(choices, "", reward_of[choices]) for choices in made.ask(200)])
    expected = analytic(made)
    z = []
    for name, gradient in expected.items():
        each = np.array([one[name] for one in seen])
        error = each.std(axis=0, ddof=1) / np.sqrt(len(each))
        z += list(((each.mean(axis=0) - gradient) / (error + 1e-12)).ravel())
    z = np.array(z)[np.abs(z) > 1e-6]
    assert np.sqrt((z**2).mean()) < 1.5
    assert np.corrcoef(*(np.concatenate([part[name].ravel() for name in expected]) for part in ({n: np.mean([s[n] for s in seen], axis=0) for n in expected}, expected)))[0, 1] > 0.9


def test_the_bonus_makes_the_entropy_larger():
    made = strategy(entropy=1.0, lr=0.05)
    before = made.controller.retrace(EVERYTHING[:20]).entropy.mean().item()
    for _ in range(5):
        made.update(EVERYTHING[:20], np.zeros(20))
    assert made.controller.retrace(EVERYTHING[:20]).entropy.mean().item() > before + 0.1


def test_the_baseline_is_of_earlier_rounds_alone(monkeypatch):
    made, told = Reinforce(TINY, hidden=4, decay=0.75), []
    monkeypatch.setattr(made, "update", lambda choices, advantages: told.append(advantages) or 0.0)
    for rewards in ((0.2, 0.4), (0.9, 0.5), (0.1, 0.1)):
        made.tell([Sample(EVERYTHING[0], "", reward) for reward in rewards])
    np.testing.assert_allclose(told, [[0.6, 0.2], [-0.3, -0.3]])  # 0.3 from the first round; 0.75 · 0.3 + 0.25 · 0.7 = 0.4 from the first two
    assert made.baseline == pytest.approx(0.75 * 0.4 + 0.25 * 0.1)


def test_a_better_sample_becomes_more_probable_and_a_worse_one_less():
    made = Reinforce(TINY, hidden=8, entropy=0)
    good, bad = EVERYTHING[3], EVERYTHING[100]
    made.tell([Sample(good, "", 0.5)])
    before = made.controller.log_probability([good, bad]).numpy()
    made.tell([Sample(good, "", 0.9), Sample(bad, "", 0.1)])
    after = made.controller.log_probability([good, bad]).numpy()
    assert after[0] > before[0] + 0.01
    assert after[1] < before[1] - 0.01


def test_learns_a_planted_reward_that_random_search_does_not():
    first, *_, last = run(Reinforce(Toy(), seed=0, lr=0.05), rounds=25).mean(axis=1)
    assert last > 0.6 > first
    rewards = run(RandomSearch(Toy(), seed=0), rounds=25)
    assert rewards[15:].mean() == pytest.approx(rewards[:10].mean(), abs=0.06)


def test_same_seed_and_same_rewards_same_samples():
    asked = []
    for seed, drawn_elsewhere in ((3, 1), (3, 2), (4, 1)):
        manual_seed(drawn_elsewhere)
        made = Reinforce(Toy(), seed=seed, hidden=8)
        made.tell(rewarded(Toy(), made.ask(4)))
        made.tell(rewarded(Toy(), made.ask(4)))
        asked.append(made.ask(6))
    assert asked[0] == asked[1] != asked[2]


def test_says_in_words_what_it_did():
    made = Reinforce(TINY, hidden=4)
    assert made.tell([Sample(EVERYTHING[0], "", 0.5)]) == "the first rewards give the baseline, 0.500; the controller stays as it is"
    assert made.tell([Sample(EVERYTHING[0], "", 0.25)]).startswith("the rewards are 0.250 below the baseline, 0.500; entropy ")
    assert made.settings == {"lr": 0.05, "hidden": 4, "entropy": 0.01, "decay": 0.8}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"lr": 0}, "Reinforce: lr must be a number above 0, not 0"),
        ({"entropy": -1}, "Reinforce: entropy must be a finite number >= 0, not -1"),
        ({"decay": 1}, "Reinforce: decay must be a number from 0 to less than 1, not 1"),
        ({"hidden": 0}, "Controller: hidden must be an integer >= 1, not 0"),
        ({"seed": -1}, "Reinforce: seed must be an integer >= 0, not -1"),
    ],
)
def test_wrong_input(options, sentence):
    with pytest.raises(ArgumentError) as caught:
        Reinforce(TINY, **options)
    assert str(caught.value) == sentence
