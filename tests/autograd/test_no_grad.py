"""Grad mode: what is recorded, and that nothing is stored where nothing is recorded."""

import weakref

import pytest

import minicnn
from minicnn import Tensor, ops


def test_nothing_is_recorded():
    x = Tensor([1.0], requires_grad=True)
    with minicnn.no_grad():
        y = 2 * x
        assert not minicnn.is_grad_enabled()
    assert minicnn.is_grad_enabled()
    assert not y.requires_grad
    assert y.creator is None


def test_nothing_is_stored():
    x = Tensor([1.0, 2.0], requires_grad=True)
    with minicnn.no_grad():
        inner = ops.exp(x)
        array = weakref.ref(inner.data)
        outer = ops.exp(inner)
        del inner
    assert array() is None
    kept = ops.exp(x)
    array = weakref.ref(kept.data)
    outer = ops.exp(kept)
    del kept
    assert array() is not None  # the same, recorded: the graph holds on to it
    del outer
    assert array() is None


def test_nesting_and_exceptions():
    with minicnn.no_grad():
        with minicnn.enable_grad():
            assert minicnn.is_grad_enabled()
        assert not minicnn.is_grad_enabled()
        with pytest.raises(ZeroDivisionError), minicnn.enable_grad():
            1 / 0  # noqa: B018
        assert not minicnn.is_grad_enabled()
    assert minicnn.is_grad_enabled()


def test_as_a_decorator():
    @minicnn.no_grad()
    def evaluate(x):
        return 2 * x

    x = Tensor([1.0], requires_grad=True)
    assert not evaluate(x).requires_grad
    assert not evaluate(x).requires_grad
    assert minicnn.is_grad_enabled()


def test_leaves_made_inside_are_still_leaves():
    with minicnn.no_grad():
        x = Tensor([1.0], requires_grad=True)
    (2 * x).backward()
    assert x.grad.item() == 2.0
