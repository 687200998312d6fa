"""Tensors from nothing."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor
from minicnn.errors import ArgumentError, DtypeError

MAKERS = {"zeros": minicnn.zeros, "ones": minicnn.ones, "randn": minicnn.randn, "rand": minicnn.rand}
every_maker = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@every_maker
def test_sizes_one_by_one_or_as_a_sequence(make):
    for x in (make(2, 3), make((2, 3)), make([2, 3]), make(np.int64(2), 3), make(minicnn.ones(2, 3).shape)):
        assert x.shape == (2, 3)
        assert x.dtype == np.float32
        assert not x.requires_grad
    assert make().shape == make(()).shape == ()
    assert make(4).shape == (4,)
    assert make(0, 3).size == 0


@every_maker
def test_options(make):
    x = make(2, dtype="float64", requires_grad=True)
    assert x.dtype == np.float64
    x.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


@every_maker
def test_messages(make):
    with pytest.raises(ArgumentError, match=r"negative.*\(2, -1\)"):
        make(2, -1)
    with pytest.raises(ArgumentError, match=r"integers.*2\.5"):
        make(2.5, 1)
    with pytest.raises(DtypeError, match="unknown element type 'float31'"):
        make(2, dtype="float31")


def test_values():
    assert minicnn.zeros(2).tolist() == [0.0, 0.0]
    assert minicnn.ones(2, dtype="int64").tolist() == [1, 1]
    assert minicnn.full((2, 1), 7).tolist() == [[7.0], [7.0]]
    assert minicnn.full(2, 0.5).tolist() == [0.5, 0.5]
    x = Tensor(np.ones((2, 3)))
    for like, value in ((minicnn.zeros_like(x), 0.0), (minicnn.ones_like(x), 1.0)):
        assert like.shape == (2, 3)
        assert like.dtype == np.float64
        assert set(like.flatten().tolist()) == {value}


def test_arange():
    assert minicnn.arange(4).tolist() == [0, 1, 2, 3]
    assert minicnn.arange(4).dtype == np.int64
    assert minicnn.arange(1, 7, 2).tolist() == [1, 3, 5]
    assert minicnn.arange(3, 0, -1).tolist() == [3, 2, 1]
    assert minicnn.arange(0, 1, 0.25).tolist() == [0.0, 0.25, 0.5, 0.75]
    assert minicnn.arange(2.0).dtype == np.float32
    assert minicnn.arange(2, dtype="float64").dtype == np.float64
    with pytest.raises(ArgumentError, match="step"):
        minicnn.arange(0, 3, 0)


def test_tensor_copies():
    values = np.ones(2)
    x = minicnn.tensor(values, dtype="float32", requires_grad=True)
    values[0] = 5.0
    assert x.tolist() == [1.0, 1.0]
    assert x.requires_grad
    with pytest.raises(DtypeError):
        minicnn.tensor([1, 2], requires_grad=True)


@pytest.mark.parametrize("make", [minicnn.randn, minicnn.rand])
def test_random_numbers_repeat_with_the_seed(make):
    minicnn.manual_seed(3)
    first, second = make(5), make(5)
    minicnn.manual_seed(3)
    np.testing.assert_array_equal(make(5).numpy(), first.numpy())
    assert not np.array_equal(first.numpy(), second.numpy())
    with pytest.raises(DtypeError, match="float32 or float64"):
        make(2, dtype="int64")


def test_random_numbers_have_their_distribution():
    minicnn.manual_seed(0)
    normal, uniform = minicnn.randn(100_000).numpy(), minicnn.rand(100_000).numpy()
    assert abs(normal.mean()) < 0.02
    assert abs(normal.std() - 1) < 0.02
    assert abs(uniform.mean() - 0.5) < 0.01
    assert 0 <= uniform.min() < uniform.max() < 1
