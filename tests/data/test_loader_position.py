"""Going on in the middle of an epoch: batch for batch what would have followed."""

import json

import numpy as np
import pytest

from minicnn.data import ArrayDataset, DataLoader
from minicnn.data.transforms import RandomShift
from minicnn.errors import ArgumentError, StateDictError

IMAGES = ArrayDataset(np.arange(10 * 9, dtype=np.float32).reshape(10, 1, 3, 3), np.arange(10))


def loader(seed=4, **options):
    return DataLoader(IMAGES, batch_size=3, shuffle=True, seed=seed, transform=RandomShift(1), **options)


def walk(batches):
    return [(x.numpy().tolist(), y.numpy().tolist()) for x, y in batches]


def stopped_after(count, **options):
    """The state of a loader that has handed out so many batches, and all batches of four epochs."""
    first, whole = loader(**options), loader()
    every = [batch for _ in range(4) for batch in walk(whole)]
    while count:
        for _ in first:
            count -= 1
            if not count:
                break
    return first.state_dict(), every


@pytest.mark.parametrize("count", range(10))
def test_what_follows_is_what_would_have_followed(count):
    state, every = stopped_after(count)
    again = loader(seed=99)
    again.load_state_dict(json.loads(json.dumps(state)))
    assert state == {"seed": 4, "epoch": count // 4, "batch": count % 4, "batch_size": 3, "samples": 10}
    rest = walk(again)
    assert rest == every[count : count + len(rest)]
    assert len(rest) == 4 - count % 4
    assert walk(again) == every[count + len(rest) :][:4]
    assert again.epoch == count // 4 + 2


def test_what_workers_have_prepared_does_not_count():
    state, every = stopped_after(1, num_workers=1, prefetch=3)
    assert (state["epoch"], state["batch"]) == (0, 1)
    again = loader(num_workers=1)
    again.load_state_dict(state)
    assert walk(again) == every[1:4]


def test_the_position_is_that_of_the_loop_that_ran_last():
    data = loader()
    assert data.state_dict()["batch"] == 0
    running = iter(data)
    assert [data.state_dict()["batch"] for _ in running] == [1, 2, 3, 0]
    assert (data.state_dict()["epoch"], data.epoch) == (1, 1)
    next(iter(data))
    assert (data.state_dict()["epoch"], data.state_dict()["batch"], data.epoch) == (1, 1, 2)
    data.epoch = 7
    assert (data.state_dict()["epoch"], data.state_dict()["batch"]) == (7, 0)


def test_a_loop_that_has_not_begun_stands_at_its_beginning():
    data = loader()
    list(data)
    iter(data)
    assert (data.state_dict()["epoch"], data.state_dict()["batch"]) == (1, 0)


def test_a_setting_of_the_epoch_forgets_the_middle():
    data = loader()
    data.load_state_dict(stopped_after(2)[0])
    data.epoch = 0
    assert len(walk(data)) == 4


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"batch": 4}, ArgumentError, "batch must be below 4, the number of batches in an epoch, not 4"),
        ({"batch": -1}, ArgumentError, "DataLoader: batch must be an integer >= 0, not -1"),
        ({"epoch": 0.5}, ArgumentError, "DataLoader: epoch must be an integer >= 0"),
        ({"seed": None}, ArgumentError, "DataLoader: seed must be an integer >= 0"),
        ({"batch_size": 4}, ArgumentError, "the state is of a loader with batch_size 4, this has 3"),
        ({"samples": 11}, ArgumentError, "the state is of a loader with samples 11, this has 10"),
        ({"step": 1}, StateDictError, r"a state has the entries seed, epoch, batch, batch_size, samples; this has seed, .*, step"),
    ],
)
def test_states_of_something_else(change, error, message):
    data = loader()
    with pytest.raises(error, match=message):
        data.load_state_dict({**data.state_dict(), **change})
    for state in (5, None, [1]):
        with pytest.raises(StateDictError, match=r"a state is a dict, as state_dict\(\) gives it, not "):
            data.load_state_dict(state)
    assert data.state_dict() == loader().state_dict()
    with pytest.raises(ArgumentError, match="epoch must be an integer"):
        data.epoch = -1
