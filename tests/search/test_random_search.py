"""Random search: every architecture is as likely, whatever the rewards."""

import numpy as np
import pytest

from minicnn.search import RandomSearch
from minicnn.search.strategy import Strategy
from tests.search.toy import Toy, rewarded


def test_every_option_is_as_likely_after_rewards_as_before():
    search = RandomSearch(Toy(), seed=0)
    for _ in range(5):
        assert search.tell(rewarded(Toy(), search.ask(40))) == "random search learns nothing"
    asked = np.array(search.ask(2000))
    for t, decision in enumerate(Toy.decisions):
        shares = np.bincount(asked[:, t], minlength=len(decision.options)) / 2000
        np.testing.assert_allclose(shares, 1 / len(decision.options), atol=0.05)


def test_same_seed_same_samples():
    first, second, other = (RandomSearch(Toy(), seed=seed).ask(5) for seed in (1, 1, 2))
    assert first == second != other


def test_a_strategy_of_ones_own_needs_both_methods():
    for method, argument in (("ask", 1), ("tell", [])):
        with pytest.raises(NotImplementedError, match=f"Strategy has no {method}"):
            getattr(Strategy(Toy()), method)(argument)
