"""The kernels' threads: parts, repeatability, errors, two callers at once, forks, and BLAS left as it was."""

import os
import select
import signal
import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from minicnn import kernels
from minicnn.kernels.cpu import blas, threads


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
    before = blas_threads()
    with blas.single_threaded():
        assert set(blas_threads()) == {1}
        with blas.single_threaded():
            assert set(blas_threads()) == {1}
        assert set(blas_threads()) == {1}
    assert blas_threads() == before


def test_blas_is_single_threaded_inside_for_any_caller():
    before, inside = blas_threads(), []

    def call():
        with blas.single_threaded():
            inside.append(blas_threads())

    for _ in range(2):
        caller = threading.Thread(target=call)
        caller.start()
        caller.join()
    assert len(inside) == 2
    assert all(set(counts) == {1} for counts in inside)
    assert blas_threads() == before


@pytest.mark.parametrize("part", range(3))
def test_an_error_in_any_thread_arrives_after_all_have_ended(part):
    ended = []

    def work(start, stop):
        if start == part:
            raise ZeroDivisionError("planted")
        time.sleep(0.02)
        ended.append(start)

    with pytest.raises(ZeroDivisionError, match="planted"):
        threads.over_images(3, work, cost=threads.SMALL)
    assert sorted(ended) == [start for start in range(3) if start != part]
    names = set()
    threads.over_images(3, lambda start, stop: names.add(threading.current_thread().name) or time.sleep(0.02), cost=threads.SMALL)
    assert len(names) >= 2, "the team works on after an error"


def test_parts_run_at_the_same_time():
    together = threading.Barrier(3, timeout=20)
    threads.over_images(3, lambda start, stop: together.wait(), cost=threads.SMALL)


def test_a_worker_that_has_gone_to_sleep_wakes_up():
    seen = []
    for pause in (0.0, 0.2):  # awake for half a millisecond, then asleep
        time.sleep(pause)
        threads.over_images(3, lambda start, stop: seen.append((start, stop)), cost=threads.SMALL)
    assert sorted(seen) == [(0, 1), (0, 1), (1, 2), (1, 2), (2, 3), (2, 3)]


def test_a_second_caller_works_alone_while_the_team_is_taken():
    busy, free, names = threading.Event(), threading.Event(), []

    def hold(start, stop):
        busy.set()
        free.wait(20)

    first = threading.Thread(target=lambda: threads.over_images(3, hold, cost=threads.SMALL))
    first.start()
    assert busy.wait(20)
    threads.over_images(3, lambda start, stop: names.append(threading.current_thread().name), cost=threads.SMALL)
    free.set()
    first.join()
    assert names == [threading.current_thread().name] * 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_forked_child_has_a_team_of_its_own():
    before = convolve()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            same = all(np.array_equal(one, two) for one, two in zip(before, convolve(), strict=True))
            os.write(writer, b"same" if same else b"other")
        finally:
            os._exit(0)
    ready, _, _ = select.select([reader], [], [], 60)
    assert ready, "the child waits for threads that only its parent has"
    assert os.read(reader, 10) == b"same"
    os.waitpid(child, 0)


def convolve():
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((7, 32, 24, 24), np.float32), rng.standard_normal((48, 32, 3, 3), np.float32)
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
    monkeypatch.setenv("OMP_NUM_THREADS", " 4,2")  # OpenMP's list, for loops inside loops
    assert threads.num_threads() == 4
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert threads.num_threads() >= 1


def test_the_team_lets_go_of_what_it_has_worked_on():
    x = np.zeros(10).view(type("Array", (np.ndarray,), {}))
    alive = weakref.ref(x)
    threads.over_images(3, lambda start, stop, x=x: x[start:stop].sum(), cost=threads.SMALL)
    del x
    assert alive() is None


def interrupted_in_the_middle():
    """Ctrl-C while the caller waits for the other threads, which are still at work."""

    def work(start, stop):
        if start:
            time.sleep(1.5)

    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        threads.over_images(3, work, threads.SMALL)
    timer.join()


def test_no_part_is_lost_after_ctrl_c():
    done = []
    for _ in range(3):
        interrupted_in_the_middle()
        threads.over_images(3, lambda start, stop: done.append((start, stop)), threads.SMALL)
    assert sorted(done) == [(0, 1)] * 3 + [(1, 2)] * 3 + [(2, 3)] * 3


def test_ctrl_c_between_the_signal_and_the_alarm(monkeypatch):
    threads.over_images(3, lambda start, stop: None, threads.SMALL)
    time.sleep(0.2)  # all are asleep
    right = threads.raise_signal

    def raise_and_stop(*arguments):
        right(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(threads, "raise_signal", raise_and_stop)
    with pytest.raises(KeyboardInterrupt):
        threads.over_images(3, lambda start, stop: None, threads.SMALL)
    monkeypatch.setattr(threads, "raise_signal", right)
    done = []
    threads.over_images(3, lambda start, stop: done.append(start), threads.SMALL)
    assert sorted(done) == [0, 1, 2]


def test_loops_during_the_end_of_the_interpreter():
    program = """
import builtins
from minicnn.kernels.cpu import threads

class Late:
    def __del__(self):
        done = []
        threads.over_images(2, lambda start, stop: done.append(start), threads.SMALL)
        print(done)

threads.set_num_threads(2)
threads.over_images(2, lambda start, stop: None, threads.SMALL)
builtins.late = Late()
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.strip() == "[0, 1]"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork")
def test_blas_in_a_child_that_is_forked_while_it_is_held():
    with blas.single_threaded(), blas._lock:
        child = os.fork()
        if child == 0:
            with blas.single_threaded():
                inside = set(blas_threads())
            os._exit(0 if inside == {1} and blas._users == 0 else 1)
    for _ in range(200):
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            break
        time.sleep(0.05)
    else:
        os.kill(child, signal.SIGKILL)
    assert pid
    assert os.waitstatus_to_exitcode(status) == 0
