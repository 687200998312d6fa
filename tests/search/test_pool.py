"""A pool: children that exit, are killed, crash, hang or raise score 0, and nothing else is lost; nothing is left running."""

import multiprocessing
import os
import re

import pytest

from minicnn.errors import ArgumentError, DataError
from minicnn.search import Child, Pool
from minicnn.search import pool as room
from tests.search.children import Unloadable, misbehaving

pytestmark = pytest.mark.skipif(os.name == "nt", reason="kills processes as POSIX does")


def is_alive(process_id):
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def test_children_that_take_their_worker_down_score_0_and_the_others_what_they_deserve():
    said, strings = [], ["ok .1", "exit", "slow .3", "raise", "hang", "ok .5", "killed", "ok .7"]
    with Pool(2, misbehaving, seconds=3, say=said.append) as workers:
        children = list(workers.map(strings))
        ids = {child.parameters for child in children} - {0}
        assert len(workers.team) == 2
    assert [child.reward for child in children] == [0.1, 0, 0.3, 0, 0, 0.5, 0, 0.7]
    assert [child.error for child in children] == [
        None, "its worker ended with exit code 3", None, "IndexError: no such pixel", "its worker took longer than 3 s", None,
        "its worker was killed by SIGKILL", None,
    ]  # fmt: skip
    assert sorted(re.sub(r"worker \d", "worker", line) for line in said) == [
        "worker ended with exit code 3 with the child 'exit', which scores 0; another worker takes its place",
        "worker took longer than 3 s with the child 'hang', which scores 0; another worker takes its place",
        "worker was killed by SIGKILL with the child 'killed', which scores 0; another worker takes its place",
    ]
    assert not any(map(is_alive, ids))
    assert multiprocessing.active_children() == []


def test_each_worker_computes_with_one_thread(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with Pool(1, misbehaving) as workers:
        assert [child.steps for child in workers.map(["ok", "ok"])] == [1, 1]


def test_children_that_take_too_long_are_their_own_fault_however_many_there_are(monkeypatch):
    monkeypatch.setattr(room, "MOST_DEATHS", 2)
    with Pool(1, misbehaving, seconds=0.5, say=lambda line: None) as workers:
        children = list(workers.map(["hang"] * 3 + ["ok .5"]))
    assert [child.reward for child in children] == [0, 0, 0, 0.5]


def test_gives_up_where_no_worker_lives(monkeypatch):
    monkeypatch.setattr(room, "MOST_DEATHS", 2)
    said = []
    with pytest.raises(DataError) as caught, Pool(1, Unloadable(), say=said.append) as workers:
        list(workers.map(["ok 1"]))
    assert str(caught.value) == (
        "search: 2 worker processes in a row have died, and no child was trained in between; the last one ended with exit code 7. Is the machine out of memory? "
        "A script that uses workers must do its work under `if __name__ == '__main__':`"
    )
    assert said == ["worker 0 ended with exit code 7, with no child to train; another one takes its place"]
    assert multiprocessing.active_children() == []


def test_breaking_off_leaves_nothing():
    with pytest.raises(KeyboardInterrupt), Pool(1, misbehaving) as workers:  # noqa: PT012 - what is interrupted is the loop
        for child in workers.map(["ok .5", "hang"]):
            assert child.reward == 0.5
            workers.team[0].begin(1, "hang", 600)
            raise KeyboardInterrupt
    assert not is_alive(child.parameters)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"count": 0}, "Pool: count must be an integer >= 1, not 0"),
        ({"seconds": 0}, "Pool: seconds must be a number above 0, not 0"),
        ({"train": lambda string: Child(0.0)}, "Pool: what trains a child cannot be sent to worker processes ("),
    ],
)
def test_wrong_input(options, sentence):
    with pytest.raises(ArgumentError) as caught:
        Pool(**{"count": 1, "train": misbehaving, **options})
    assert str(caught.value).startswith(sentence)
