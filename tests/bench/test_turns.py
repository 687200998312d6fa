"""How time is measured, on a clock that only steps move."""

import pytest

from minicnn.bench.turns import rotated, take_turns
from minicnn.errors import ArgumentError


class World:
    """A clock, and contenders that take the given times; the last time goes on for ever."""

    def __init__(self, **times):
        self.now, self.log = 0.0, []
        self.times = {name: list(given) for name, given in times.items()}
        self.steps = {name: self.contender(name) for name in times}

    def contender(self, name):
        def step():
            left = self.times[name]
            self.now += left.pop(0) if len(left) > 1 else left[0]
            self.log.append(name)

        return step

    def sleep(self, seconds):
        self.log.append("pause")
        self.now += seconds

    def measure(self, **options):
        return take_turns(self.steps, clock=lambda: self.now, sleep=self.sleep, **options)


def test_a_block_is_a_pause_a_step_that_does_not_count_and_steps_that_fill_the_time():
    world = World(a=[5, 7, 1, 1, 4, 3])  # first, warm-up, three that count, then the warm-up of round two
    timing = world.measure(rounds=2, seconds=6, pause=100)["a"]
    assert timing.first == 5
    assert timing.rounds == ((1 + 1 + 4) / 3, 3)
    assert world.log == ["a", "pause", "a", "a", "a", "a", "pause", "a", "a", "a"]


def test_a_step_longer_than_the_block_is_measured_once():
    world = World(a=[2])
    assert world.measure(rounds=3, seconds=0.3)["a"].rounds == (2, 2, 2)
    assert world.log.count("a") == 1 + 3 * 2


def test_whoever_was_first_is_last_in_the_next_round():
    assert [rotated(list("abc"), number) for number in range(4)] == [list("abc"), list("bca"), list("cab"), list("abc")]
    world = World(a=[1], b=[1], c=[1])
    world.measure(rounds=3, seconds=0)
    blocks = [world.log[i + 1] for i, entry in enumerate(world.log) if entry == "pause"]
    assert blocks == list("abcbcacab")


def test_a_slow_contender_is_seen_as_slower():
    timings = World(fast=[1], slow=[3]).measure(rounds=1, seconds=10)
    assert timings["slow"].rounds[0] == 3 * timings["fast"].rounds[0]


@pytest.mark.parametrize(("options", "sentence"), [({"rounds": 0}, "repeats"), ({"seconds": -1}, "seconds"), ({"pause": -1}, "pause")])
def test_wrong_settings(options, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        World(a=[1]).measure(**options)
