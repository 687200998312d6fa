"""Choosing a backend: flags, context, environment, threads, messages; seeds."""

import subprocess
import sys
import threading

import numpy as np
import pytest

import minicnn
from minicnn import backend, kernels
from minicnn.errors import ArgumentError, BackendError


def test_each_backend_looks_in_its_folders_in_order():
    for name, source in (("loops", "loops"), ("numpy", "array"), ("numba", "cpu")):
        with minicnn.use_backend(name) as active:
            assert minicnn.get_backend() is active
            assert active.kernel("conv2d").source == source


def test_use_backend_nests_and_restores_after_an_error():
    before = minicnn.get_backend().name
    with minicnn.use_backend("numpy"), minicnn.use_backend("loops"):
        assert minicnn.get_backend().name == "loops"
    assert minicnn.get_backend().name == before
    with pytest.raises(ZeroDivisionError), minicnn.use_backend("loops"):
        raise ZeroDivisionError
    assert minicnn.get_backend().name == before


def test_use_backend_is_of_one_thread_set_backend_of_all():
    before, seen = minicnn.get_backend().name, []
    try:
        minicnn.set_backend("numpy")
        with minicnn.use_backend("loops"):
            thread = threading.Thread(target=lambda: seen.append(minicnn.get_backend().name))
            thread.start()
            thread.join()
    finally:
        minicnn.set_backend(before)
    assert seen == ["numpy"]


@pytest.mark.parametrize(("name", "part"), [("nump", "did you mean num"), ("cupi", "did you mean cupy"), ("xyz", "Known: cudasim, cupy, loops, numba, numpy")])
def test_unknown_names_are_explained(name, part):
    with pytest.raises(BackendError, match=part):
        minicnn.set_backend(name)


def test_environment_variable():
    def run(value):
        code = "import minicnn\ntry:\n    print(minicnn.get_backend().name)\nexcept minicnn.errors.BackendError as e:\n    print(e)"
        env = {"MINICNN_BACKEND": value, "PATH": "/usr/bin:/bin"}
        return subprocess.run([sys.executable, "-c", code], check=False, env=env, cwd="/", capture_output=True, text=True, timeout=60).stdout.strip()

    assert run("loops") == "loops"
    assert run("lops").startswith("MINICNN_BACKEND: unknown backend 'lops': did you mean loops?")


def test_a_registered_backend_is_listed_and_falls_back():
    kernels.register("relu", forward=lambda x: (x, None), backend="listed")
    try:
        assert "listed" in minicnn.list_backends()
        with minicnn.use_backend("listed") as active:
            assert active.kernel("relu").source == "listed"
            assert active.kernel("conv2d").source == "array"
    finally:
        kernels.unregister("listed")
    with pytest.raises(BackendError):
        minicnn.set_backend("listed")


def test_seeds():
    minicnn.manual_seed(5)
    one = (backend.generator().random(3), backend.draw_seed())
    minicnn.manual_seed(5)
    two = (backend.generator().random(3), backend.draw_seed())
    np.testing.assert_array_equal(one[0], two[0])
    assert one[1] == two[1]
    for bad in (-1, 1.5, "7"):
        with pytest.raises(ArgumentError, match="integer >= 0"):
            minicnn.manual_seed(bad)


def test_set_num_threads_reaches_the_kernels_and_blas():
    from threadpoolctl import threadpool_info

    from minicnn.kernels.cpu import threads

    def blas():
        return [library["num_threads"] for library in threadpool_info() if "numpy" in library["filepath"]]

    threads.over_images(2, lambda start, stop: None, cost=threads.SMALL)
    default = threads.num_threads()
    try:
        minicnn.set_num_threads(np.int64(1))
        assert minicnn.get_num_threads() == 1
        assert threads.num_threads() == 1
        assert blas() == [1]
    finally:
        minicnn.set_num_threads(None)
    assert threads.num_threads() == default
    assert blas() == [default]
    for bad in (0, 1.5, True, 5000):
        with pytest.raises(ArgumentError, match="integer from 1 to 1024"):
            minicnn.set_num_threads(bad)
