"""The order in which threads take their turns: what it is, how it is set, and which mistakes it brings to light."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minicnn
from minicnn.cli.options import add_backend, use_backend
from minicnn.errors import ArgumentError
from minicnn.kernels.cuda.simulator import (
    Module,
    SimulatorError,
    get_thread_order,
    parse_thread_order,
    set_thread_order,
    settings,
)

FILE = Path(__file__).parent / "files" / "reduction.cu"
ORDERS = ["forward", "reverse", "shuffled"]

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def order_as_before():
    before = get_thread_order()
    yield
    set_thread_order(*before)


@pytest.fixture(scope="module")
def module():
    return Module(FILE)


def sums(module):
    x, y = np.random.default_rng(0).standard_normal((3, 64)).astype(np.float32), np.empty(3, np.float32)
    module.get_function("sum")((3,), (64,), (x, y))
    return np.abs(y - x.sum(1)).max() < 1e-5


def weighted_is_right(module):
    random = np.random.default_rng(0)
    x, w, y = random.standard_normal((16, 32)).astype(np.float32), random.standard_normal(16).astype(np.float32), np.empty(32, np.float32)
    module.get_function("weighted")((1,), (32,), (x, w, y, np.int32(16)))
    return np.abs(y - w @ x).max() < 1e-5


def turns(module, blocks=4, threads=40):
    counter, before, behind, block = np.zeros(2, np.int32), *(np.zeros(blocks * threads, np.int32) for _ in range(2)), np.zeros(blocks, np.int32)
    module.get_function("turns")((blocks,), (threads,), (counter, before, behind, block))
    return before, behind, block


@pytest.mark.parametrize("order", ORDERS)
def test_a_right_kernel_is_right_in_every_order(module, order):
    set_thread_order(order)
    assert sums(module)
    assert weighted_is_right(module)


def test_forward_and_reverse(module):
    set_thread_order("forward")
    before, behind, block = turns(module, 2, 40)
    assert block.tolist() == [0, 1]
    assert before.tolist() == [*range(40), *range(80, 120)]
    assert behind.tolist() == [*range(40, 80), *range(120, 160)]
    set_thread_order("reverse")
    before, behind, block = turns(module, 2, 40)
    assert block.tolist() == [1, 0]
    assert before[::-1].tolist() == [*range(40), *range(80, 120)]
    assert behind[::-1].tolist() == [*range(40, 80), *range(120, 160)]


def test_shuffled_is_another_order_in_each_block_and_the_same_for_the_same_seed(module):
    found = {}
    for seed in (1, 2, 1):
        set_thread_order("shuffled", seed=seed)
        before, _, block = turns(module, 5)
        assert sorted(block) == list(range(5))
        ranks = [np.argsort(before[40 * b : 40 * b + 40]).tolist() for b in range(5)]
        assert len({tuple(r) for r in ranks}) == 5
        again = found.setdefault(seed, (before.tolist(), block.tolist()))
        assert again == (before.tolist(), block.tolist())
    assert found[1] != found[2]


def test_a_missing_barrier_is_seen_in_some_order():
    module = Module(FILE, ("-DNO_BARRIER",))
    right = {}
    for order in ORDERS:
        set_thread_order(order)
        right[order] = sums(module)
    assert right == {"forward": False, "reverse": True, "shuffled": False}


def test_a_missing_second_barrier_is_seen_in_some_order():
    module = Module(FILE, ("-DNO_SECOND_BARRIER",))
    right = {}
    for order in ORDERS:
        set_thread_order(order, seed=1)
        right[order] = weighted_is_right(module)
    assert not all(right.values()), right


@pytest.mark.parametrize("order", ORDERS)
def test_every_block_finds_nan_in_shared_memory(module, order):
    set_thread_order(order)
    y = np.zeros((3, 64), np.float32)
    module.get_function("leftovers")((3,), (32,), (y,), shared_mem=128)
    assert np.isnan(y).all()


def test_portable_fibers_give_the_same(module):
    portable = Module(FILE, ("-DSIMULATOR_PORTABLE",))
    assert portable.library(False).path != module.library(False).path
    for order in ORDERS:
        set_thread_order(order)
        assert sums(portable)
        assert weighted_is_right(portable)
        for one, two in zip(turns(module), turns(portable), strict=True):
            np.testing.assert_array_equal(one, two)


def test_an_order_as_text():
    assert parse_thread_order("reverse", "x") == ("reverse", 0)
    assert parse_thread_order("shuffled:12", "x") == ("shuffled", 12)
    for text in ("sideways", "shuffled:", "shuffled:x", "reverse:3"):
        if text == "shuffled:":
            assert parse_thread_order(text, "x") == ("shuffled", 0)
        else:
            with pytest.raises(SimulatorError, match=r"^x: "):
                parse_thread_order(text, "x")
    with pytest.raises(SimulatorError, match=r"^set_thread_order: unknown order of threads 'shuffle': did you mean shuffled"):
        set_thread_order("shuffle")


def test_the_environment_says_which_order(monkeypatch):
    monkeypatch.setattr(settings, "_settings", None)
    monkeypatch.setenv("MINICNN_THREAD_ORDER", "shuffled:5")
    assert get_thread_order() == ("shuffled", 5)
    for name, value in (("MINICNN_THREAD_ORDER", "sideways"), ("MINICNN_SIMULATOR_CHECK", "everything")):
        monkeypatch.setattr(settings, "_settings", None)
        monkeypatch.setenv(name, value)
        with pytest.raises(SimulatorError, match=f"^{name}: unknown .*{value}"):
            get_thread_order()
        monkeypatch.delenv(name)
    monkeypatch.setattr(settings, "_settings", None)
    monkeypatch.setenv("MINICNN_SIMULATOR_CHECK", "memory")
    assert settings.settings() == settings.Settings("forward", 0, True)


def test_a_wrong_environment_is_said_when_the_backend_is_chosen(monkeypatch):
    monkeypatch.setattr(settings, "_settings", None)
    monkeypatch.setenv("MINICNN_THREAD_ORDER", "sideways")
    with pytest.raises(SimulatorError, match=r"^MINICNN_THREAD_ORDER: unknown order of threads 'sideways'"):
        minicnn.set_backend("cudasim")


def test_the_command_line_says_which_order(monkeypatch):
    import argparse

    monkeypatch.setattr("minicnn.backend._default", None)
    parser = argparse.ArgumentParser()
    add_backend(parser)
    use_backend(parser.parse_args(["--backend", "cudasim", "--thread-order", "shuffled:3"]))
    assert get_thread_order() == ("shuffled", 3)
    with pytest.raises(SimulatorError, match=r"^--thread-order: unknown order of threads 'up'"):
        use_backend(parser.parse_args(["--backend", "cudasim", "--thread-order", "up"]))
    with pytest.raises(ArgumentError, match=r"^--thread-order is that of CUDA threads in the simulator: add --backend cudasim; the backend here is numpy$"):
        use_backend(parser.parse_args(["--backend", "numpy", "--thread-order", "reverse"]))


def test_pytest_says_which_order_for_its_run_only(pytester):
    before = get_thread_order()
    pytester.makepyfile(
        """
from minicnn.kernels.cuda.simulator import get_thread_order
def test_order():
    assert get_thread_order() == ("shuffled", 4)
"""
    )
    pytester.runpytest_inprocess("-p", "no:cacheprovider", "--thread-order", "shuffled:4").assert_outcomes(passed=1)
    assert get_thread_order() == before
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "--thread-order=up")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --thread-order: unknown order of threads 'up'*"])


def test_the_simulator_is_not_loaded_before_it_is_needed():
    code = "import sys, minicnn, minicnn.cli; print([m for m in sys.modules if 'simulator' in m])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
