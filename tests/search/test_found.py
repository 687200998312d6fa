"""What was found: the best, each once, and means of parts."""

from minicnn.search import Found
from minicnn.search.strategy import Sample


def found(*rewards):
    return Found(tuple(Sample((i,), f"net {i}", reward, steps=10, seconds=0.5) for i, reward in enumerate(rewards)))


def test_the_best_are_different_and_the_first_found_comes_first():
    again = Found((*found(0.5, 0.9, 0.9, 0.1).samples, Sample((1,), "net 1", 0.9, new=False)))
    assert [(sample.string, sample.new) for sample in again.best(3)] == [("net 1", True), ("net 2", True), ("net 0", True)]
    assert len(again.best(10)) == 4
    assert (again.new, again.steps, again.seconds, again.failed) == (4, 40, 2.0, 0)


def test_what_was_judged_again_counts_as_it_was_judged_last():
    again = Found((*found(0.5, 0.6, 0.3).samples, Sample((2,), "net 2", 0.9), Sample((1,), "net 1", 0.2)))
    assert [(sample.string, sample.reward) for sample in again.best(3)] == [("net 2", 0.9), ("net 0", 0.5), ("net 1", 0.2)]


def test_quarters_and_halves():
    eight = found(*(i / 10 for i in range(8)))
    assert [round(part, 6) for part in (eight.first_quarter, eight.last_quarter, eight.last_half)] == [0.05, 0.65, 0.55]
    assert (found(0.1, 0.3).first_quarter, found(0.1, 0.3).last_quarter, found(0.4).last_quarter) == (0.1, 0.3, 0.4)


def test_failures_count_once():
    assert Found((Sample((0,), "a", 0.0, error="no"), Sample((0,), "a", 0.0, new=False, error="no"))).failed == 1
