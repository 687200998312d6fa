"""PPO: the first step is REINFORCE's, the ratio is clipped, and several passes learn faster."""

import numpy as np
import pytest

from minicnn.backend import use_backend
from minicnn.errors import ArgumentError
from minicnn.search import PPO, Reinforce
from minicnn.search.strategy import Sample
from tests.search.toy import Toy, run


@pytest.fixture(autouse=True)
def _on_numpy():
    """Toys are done before a compiler has begun."""
    with use_backend("numpy"):
        yield


def weights(strategy):
    return {name: parameter.numpy().copy() for name, parameter in strategy.controller.named_parameters()}


def two_rounds(strategy):
    strategy.tell([Sample(choices, "", 0.4) for choices in strategy.ask(4)])
    strategy.tell([Sample(choices, "", reward) for choices, reward in zip(strategy.ask(4), (0.1, 0.9, 0.5, 0.3), strict=True)])
    return weights(strategy)


def test_one_pass_is_reinforce():
    ours, theirs = two_rounds(PPO(Toy(), seed=2, hidden=6, passes=1)), two_rounds(Reinforce(Toy(), seed=2, hidden=6))
    for name, weight in theirs.items():
        np.testing.assert_allclose(ours[name], weight, rtol=1e-3, atol=1e-5)


def objective(ratio, advantage, clip=0.2):
    """By the equation, for one sample."""
    return min(ratio * advantage, float(np.clip(ratio, 1 - clip, 1 + clip)) * advantage)


@pytest.mark.parametrize("advantage", [0.5, -0.5])
@pytest.mark.parametrize("ratio", [0.5, 0.9, 1.1, 1.5])
def test_the_ratio_counts_only_near_one(ratio, advantage):
    strategy = PPO(Toy(), hidden=6, entropy=0)
    sampled = strategy.ask(1)
    strategy._old = strategy.controller.log_probability(sampled).numpy() - np.float32(np.log(ratio))
    loss = strategy.loss(strategy.controller.retrace(sampled), np.array([advantage]))
    assert loss.item() == pytest.approx(-objective(ratio, advantage), rel=1e-4)
    loss.backward()
    moved = max(np.abs(parameter.grad.numpy()).max() for parameter in strategy.controller.parameters() if parameter.grad is not None)
    has_gone_too_far = (ratio > 1.2 and advantage > 0) or (ratio < 0.8 and advantage < 0)
    assert (moved == 0) == has_gone_too_far


def test_all_passes_start_from_the_probabilities_of_the_draw(monkeypatch):
    strategy, seen = PPO(Toy(), hidden=6, passes=3), []
    sampled = strategy.ask(4)
    drawn_with = strategy.controller.log_probability(sampled).numpy()
    loss = strategy.loss
    monkeypatch.setattr(strategy, "loss", lambda walk, advantages: (seen.append((strategy._old, walk.log_probability.numpy())), loss(walk, advantages))[1])
    strategy.update(sampled, np.array([0.5, -0.5, 0.2, 0.0]))
    assert len(seen) == 3
    assert all((old == drawn_with).all() for old, _ in seen)
    assert (seen[0][1] == drawn_with).all()
    assert (seen[2][1] != drawn_with).any()


def test_learns_a_planted_reward():
    rewards = run(PPO(Toy(), seed=0), rounds=15)
    assert rewards[-3:].mean() > 0.6 > rewards[0].mean()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"passes": 0}, "PPO: passes must be an integer >= 1, not 0"),
        ({"clip": 0}, "PPO: clip must be a number above 0, not 0"),
        ({"lr": 0}, "PPO: lr must be a number above 0, not 0"),
    ],
)
def test_wrong_input(options, sentence):
    with pytest.raises(ArgumentError) as caught:
        PPO(Toy(), **options)
    assert str(caught.value) == sentence
    assert PPO(Toy()).settings.keys() == {"lr", "hidden", "entropy", "decay", "passes", "clip"}
