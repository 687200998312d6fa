"""The search: three steps a round, a cache, and the same result however often it is broken off and with any number of workers."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from minicnn.backend import get_num_threads, use_backend
from minicnn.errors import ArgumentError
from minicnn.search import (
    Budget,
    ChainSpace,
    Evolution,
    RandomSearch,
    Reinforce,
    Strategy,
    loop,
    search,
    search_images,
)
from minicnn.search.record import SAMPLES, SETTINGS
from tests.search.children import by_hash

SPACE = ChainSpace(layers=2, heights=(1, 3), widths=(1, 3), filters=(4,), strides=(1, 2))  # 128 architectures
BUDGET = Budget(steps=3, batch_size=8)


@pytest.fixture(autouse=True)
def _on_numpy():
    """Toys are done before a compiler has begun."""
    with use_backend("numpy"):
        yield


@pytest.fixture(scope="module")
def images():
    return search_images("digits", size=8, count=80)


@pytest.fixture
def pretended(monkeypatch):
    """Children are not trained; notes for which of them it was asked."""
    asked = []

    def train(string, images, budget, seed):
        asked.append(string)
        return by_hash(string, images, budget, seed)

    monkeypatch.setattr(loop, "train_child", train)
    return asked


def run(images, folder=None, children=20, strategy=Reinforce, workers=0, say=lambda line: None, **options):
    return search(SPACE, strategy(SPACE, seed=5), images, BUDGET, children, batch=6, workers=workers, folder=folder, say=say, **{"seed": 1, **options})


def lines(folder):
    """The record without the seconds."""
    return [{**json.loads(line), "seconds": None} for line in (folder / SAMPLES).read_text().splitlines()]


def test_the_three_steps_are_said(images, pretended):
    said = []
    found = run(images, children=8, strategy=RandomSearch, say=said.append)
    mean = sum(sample.reward for sample in found.samples[6:]) / 2
    best = max(found.samples[6:], key=lambda sample: sample.reward)
    assert [line[:11] for line in said] == ["round 1", "  1 sample ", "  2 train  ", "  3 update ", "round 2", "  1 sample ", "  2 train  ", "  3 update "]
    assert said[4:] == [
        "round 2",
        "  1 sample  2 architectures, by random search",
        f"  2 train   2 new ones for 3 steps each: mean reward {mean:.3f}, best {best.reward:.3f}, {best.string}",
        "  3 update  random search learns nothing",
    ]


def test_what_came_before_costs_nothing_and_counts(images, pretended):
    found = run(images, children=120, strategy=RandomSearch)
    assert len(found.samples) == 120
    assert len(pretended) == len(set(pretended)) == found.new < 120
    for sample in found.samples:
        assert sample.reward == by_hash(sample.string, images, BUDGET, 1).reward
        assert (sample.steps > 0) == (sample.new and not sample.error)
    first = {}
    for sample in found.samples:
        assert sample.new == (sample.string not in first)
        first.setdefault(sample.string, sample)
        assert sample.error == first[sample.string].error
    assert found.failed == sum(sample.error is not None for sample in first.values()) > 0


def test_the_seed_of_the_children_is_not_that_of_the_strategy(images, pretended):
    first, second = (run(images, seed=seed, strategy=RandomSearch) for seed in (1, 2))
    assert [sample.string for sample in first.samples] == [sample.string for sample in second.samples]
    assert first.samples[0].reward != second.samples[0].reward


class _Stop(Exception):
    pass


@pytest.mark.parametrize("strategy", [Reinforce, Evolution])
def test_broken_off_anywhere_it_goes_on_as_if_it_had_not_been(images, pretended, tmp_path, strategy):
    run(images, tmp_path / "whole", strategy=strategy)
    whole = lines(tmp_path / "whole")
    assert len(whole) == 20
    folder = tmp_path / "broken"
    for stop in range(1, 14, 2):

        def say(line, left=[stop]):  # noqa: B006 - it counts
            left[0] -= 1
            if not left[0]:
                raise _Stop

        with pytest.raises(_Stop):
            run(images, folder, strategy=strategy, say=say)
        with (folder / SAMPLES).open("a") as file:
            file.write('{"choices": [1, 0')  # of a process that was killed while it wrote
    run(images, folder, strategy=strategy)
    assert lines(folder) == whole
    run(images, folder, strategy=strategy)
    assert lines(folder) == whole


def test_what_is_recorded_is_not_trained_again(images, pretended, tmp_path):
    run(images, tmp_path)
    pretended.clear()
    assert len(run(images, tmp_path).samples) == 20
    assert pretended == []


def test_part_of_a_round_is_gone_on_with(images, pretended, tmp_path):
    run(images, tmp_path)
    whole = lines(tmp_path)
    for count in (1, 5, 8, 13):
        text = (tmp_path / SAMPLES).read_text().splitlines(keepends=True)
        (tmp_path / SAMPLES).write_text("".join(text[:count]))
        pretended.clear()
        run(images, tmp_path)
        assert lines(tmp_path) == whole
        assert set(pretended) == {line["string"] for line in whole[count:] if line["new"]}


SCRIPT = """
import sys
from pathlib import Path
from minicnn.backend import set_backend
from tests.search import test_loop as here
if __name__ == "__main__":
    set_backend("numpy")
    here.run(here.search_images("digits", size=8, count=80), Path(sys.argv[1]), workers=2)
"""


@pytest.mark.skipif(os.name == "nt", reason="kills processes as POSIX does")
def test_killed_with_its_workers_it_goes_on_and_the_number_of_workers_does_not_matter(images, tmp_path):
    run(images, tmp_path / "whole")
    (tmp_path / "script.py").write_text(SCRIPT)
    folder = tmp_path / "killed"
    with subprocess.Popen([sys.executable, str(tmp_path / "script.py"), str(folder)], start_new_session=True, env={**os.environ, "PYTHONPATH": str(Path.cwd())}) as process:
        until = time.monotonic() + 100
        while not (folder / SAMPLES).exists() or len(lines(folder)) < 3:
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
    assert 3 <= len((folder / SAMPLES).read_text().splitlines()) <= 20
    run(images, folder)
    assert lines(folder) == lines(tmp_path / "whole")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"children": 21}, "children = 20, and cannot go on with 21: how many are sampled is decided at the beginning"),
        ({"seed": 2}, "seed = 1, and cannot go on with 2: its samples would be of two kinds"),
        ({"strategy": Evolution}, "strategy.name = 'REINFORCE', and cannot go on with 'evolution': its samples would be of two kinds"),
    ],
)
def test_other_settings_are_refused(images, pretended, tmp_path, options, named):
    run(images, tmp_path)
    with pytest.raises(ArgumentError) as caught:
        run(images, tmp_path, **options)
    assert str(caught.value) == f"the search in {tmp_path} was begun with {named}. Take another folder, or the same settings"


def test_children_are_trained_by_one_thread_as_in_a_worker(images, two_threads, monkeypatch):
    threads = []

    def train(string, images, budget, seed):
        threads.append(get_num_threads())
        return by_hash(string, images, budget, seed)

    monkeypatch.setattr(loop, "train_child", train)
    run(images, children=2)
    assert set(threads) == {1}
    assert get_num_threads() == 2, "as before"


def test_a_note_may_differ(images, pretended, tmp_path):
    run(images, tmp_path, note={"for": "one"})
    run(images, tmp_path, note={"for": "another"})
    assert json.loads((tmp_path / SETTINGS).read_text())["note"] == {"for": "one"}


def test_a_child_that_raises_what_it_should_not_scores_0_in_this_process_too(images, monkeypatch):
    def train(string, images, budget, seed):
        raise MemoryError("none is left")

    monkeypatch.setattr(loop, "train_child", train)
    found = run(images, children=3)
    assert {(sample.reward, sample.error) for sample in found.samples} == {(0.0, "MemoryError: none is left")}


@pytest.mark.parametrize(
    ("strategy", "sentence"),
    [
        (RandomSearch, "the strategy must be one such as Reinforce(space), not <class"),
        (type("Mute", (Strategy,), {"ask": lambda self, count: None})(SPACE), "Mute.ask(2) must return a list of 2 architectures, not NoneType"),
        (type("Lazy", (Strategy,), {"ask": lambda self, count: [SPACE.random(self.rng)]})(SPACE), "Lazy.ask(2) must return a list of 2 architectures, not 1 of them"),
    ],
)
def test_a_strategy_that_is_none(images, pretended, strategy, sentence):
    with pytest.raises(ArgumentError) as caught:
        search(SPACE, strategy, images, BUDGET, 2, workers=0, say=lambda line: None)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("name", ["children", "batch"])
def test_wrong_input(images, name):
    with pytest.raises(ArgumentError, match=f"search: {name} must be an integer >= 1, not 0"):
        search(SPACE, RandomSearch(SPACE), images, BUDGET, **{"children": 2, name: 0})
