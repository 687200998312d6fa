"""One worker, two and four, over real MPI: equal losses, equal weights."""

import numpy as np
import pytest

from minicnn.backend import get_num_threads, set_num_threads
from tests.distributed.ranks import run_ranks

RUNS = {
    "plain": {},
    "accumulated": {"accumulate": 2, "batch": 9},
    "synchronised norms": {"norm": "sync"},
    "a last batch of two": {"norm": "sync", "batch": 13, "count": 41},
    "Adam, averaged": {"optimizer": "Adam", "average": 0.5},
    "small buckets": {"bucket": 16},
    "after the backward pass": {"overlap": False},
}
ONLY_ALIKE = {"local norms": {"norm": "local"}, "dropout": {"dropout": 0.5}}  # the workers are alike, but not like one worker
SIZES = (1, 2, 4)


@pytest.fixture(scope="module")
def results():
    """By number of workers: for each run, what each worker found."""
    runs = {**RUNS, **ONLY_ALIKE}
    by_rank = {size: run_ranks(size, "fits", list(runs.values())) for size in SIZES}
    return {size: {name: [found[i] for found in ranks] for i, name in enumerate(runs)} for size, ranks in by_rank.items()}


@pytest.mark.parametrize("size", SIZES[1:])
@pytest.mark.parametrize("name", [*RUNS, *ONLY_ALIKE])
def test_all_workers_have_the_same_weights_to_the_last_bit_and_the_same_figures(results, size, name):
    first, *others = results[size][name]
    for other in others:
        assert other["history"] == first["history"]
        assert other["norm"] == first["norm"]
        for key, array in first["state"].items():
            assert array.tobytes() == other["state"][key].tobytes(), key


@pytest.mark.parametrize("size", SIZES[1:])
@pytest.mark.parametrize("name", RUNS)
def test_several_workers_take_the_steps_of_one(results, size, name):
    alone, together = results[1][name][0], results[size][name][0]
    assert together["steps"] == alone["steps"] > 3
    np.testing.assert_allclose(together["history"], alone["history"], rtol=2e-6)
    assert together["norm"] == pytest.approx(alone["norm"], rel=1e-5)
    for key, array in alone["state"].items():
        np.testing.assert_allclose(together["state"][key], array, rtol=1e-5, atol=2e-6, err_msg=key)


def test_the_tolerance_can_tell_other_steps(results):
    for name in ONLY_ALIKE:
        alone, together = results[1][name][0], results[2][name][0]
        assert abs(together["history"][-1][0] / alone["history"][-1][0] - 1) > 1e-3


def test_one_worker_is_a_trainer_without_workers(results):
    from tests.distributed.programs import fit

    threads = get_num_threads()
    plain = fit(None)
    set_num_threads(threads)
    assert plain["history"] == results[1]["plain"][0]["history"]


def test_random_delays_change_nothing_and_nobody_waits_for_ever():
    for on_time, late in run_ranks(3, "with_and_without_delays", {"norm": "sync", "bucket": 16}):
        assert late["history"] == on_time["history"]
        for key, array in on_time["state"].items():
            assert array.tobytes() == late["state"][key].tobytes(), key


@pytest.mark.parametrize("size", [2, 3])
def test_the_operations_of_mpi(size):
    for rank, found in enumerate(run_ranks(size, "operations")):
        numbers = np.arange(size)
        assert found["sum"].tolist() == [sum(numbers), 10 * size]
        assert found["from the last"].tolist() == [size - 1, 7]
        assert [part.tolist() for part in found["gathered"]] == [[[r, r]] * r for r in numbers]
        assert found["exchanged"].tolist() == [(rank - 1) % size] * 3
        assert found["received"].tolist() == ([5.0] if rank == size - 1 else [0.0])
        assert found["here"] == (rank, size)
        assert found["apart"].tolist() == [size]


def test_a_batch_that_is_nan_on_one_worker_is_an_error_on_all_with_the_operation_named():
    for said in run_ranks(2, "spoiled"):
        assert "the loss is nan at step 2 (epoch 1)" in said
        assert "it begins in" in said
        assert "Log" in said, "only the second worker's share has a logarithm of a negative number"
