"""The kernels' threads: parts, repeatability, errors, two callers at once, and BLAS left as it was."""

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from minicnn import kernels
from minicnn.kernels.cpu import threads


@pytest.fixture(autouse=True)
def three_threads():
    threads.set_num_threads(3)
    yield
    threads.set_num_threads(None)


def blas_threads():
    """Of NumPy's BLAS; other packages in the process may bring their own, which is none of our business."""
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas" and "numpy" in library["filepath"]]


def test_parts_cover_everything_once():
    for count in range(1, 10):
        parts = list(threads.split(count, cost=threads.SMALL))
        assert [i for start, stop in parts for i in range(start, stop)] == list(range(count))
        assert len(parts) == min(3, count)


def test_little_work_stays_in_the_caller():
    names = []
    threads.over_images(8, lambda start, stop: names.append(threading.current_thread().name), cost=threads.SMALL - 1)
    assert names == [threading.current_thread().name]


def test_blas_is_single_threaded_inside_and_restored_after():
    before, inside = blas_threads(), []
    threads.over_images(3, lambda start, stop: inside.append(blas_threads()), cost=threads.SMALL)
    assert len(inside) == 3
    assert all(set(counts) == {1} for counts in inside)
    assert blas_threads() == before


def test_blas_is_single_threaded_inside_for_any_caller():
    before, inside = blas_threads(), []
    for _ in range(2):
        caller = threading.Thread(target=lambda: threads.over_images(3, lambda start, stop: inside.append(blas_threads()), cost=threads.SMALL))
        caller.start()
        caller.join()
    assert all(set(counts) == {1} for counts in inside)
    assert len(inside) == 6
    assert blas_threads() == before


def test_an_error_in_a_thread_arrives_and_blas_is_restored():
    before = blas_threads()

    def work(start, stop):
        if start:
            raise ZeroDivisionError("planted")

    with pytest.raises(ZeroDivisionError, match="planted"):
        threads.over_images(3, work, cost=threads.SMALL)
    assert blas_threads() == before


def convolve():
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((7, 8, 24, 24), np.float32), rng.standard_normal((16, 8, 3, 3), np.float32)
    kernel = kernels.find("conv2d", ["cpu"])
    y, saved = kernel.forward(x, w, None, stride=(1, 1), padding=(1, 1, 1, 1), dilation=(1, 1), groups=1)
    return y, *kernel.backward(y, saved, needs=(True, True, False))[:2]


def test_results_repeat_bit_for_bit():
    first = convolve()
    for _ in range(5):
        for one, two in zip(first, convolve(), strict=True):
            np.testing.assert_array_equal(one, two)


def test_two_python_threads_at_once():
    expected, results = convolve(), []
    callers = [threading.Thread(target=lambda: results.extend(convolve() for _ in range(5))) for _ in range(2)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(results) == 10
    for result in results:
        np.testing.assert_array_equal(result[2], expected[2])


def test_omp_num_threads_is_respected(monkeypatch):
    threads.set_num_threads(None)
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert threads.num_threads() == 5
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert threads.num_threads() >= 1
