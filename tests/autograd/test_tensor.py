"""The tensor itself: what it is made from, how it looks, and how it gets along with NumPy and Python."""

import copy
import pickle

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, nn
from minicnn.autograd import as_tensor
from minicnn.errors import AutogradError, DtypeError, ShapeError


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (1, "int64"),
        (1.0, "float32"),
        (True, "bool"),
        ([1, 2.0], "float32"),
        ([[1, 2], [3, 4]], "int64"),
        (np.ones(2), "float64"),
        (np.ones(2, np.uint8), "uint8"),
        ([np.ones(2, np.float32), np.ones(2, np.float32)], "float32"),
        ([], "float32"),
    ],
    ids=repr,
)
def test_element_types(data, dtype):
    assert Tensor(data).dtype == dtype
    assert Tensor(data, dtype="float64").dtype == np.float64


def test_values_are_copied_also_those_of_plain_operands():
    array = np.array([1.0, 2.0])
    x, y = Tensor(array), as_tensor(array)
    w = Tensor(np.array([3.0, 4.0]), requires_grad=True)
    product = (w * array).sum()
    array[:] = 100
    product.backward()
    assert x.tolist() == y.tolist() == w.grad.tolist() == [1.0, 2.0]
    assert as_tensor(x) is x


def test_a_list_of_tensors():
    assert Tensor([Tensor(1.0), Tensor(2.0)]).tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("data", "error", "part"),
    [
        ([[1, 2], [3]], ShapeError, "rows of equal length"),
        ("text", DtypeError, "real numbers"),
        ([1 + 2j], DtypeError, "real numbers"),
        (None, DtypeError, "real numbers"),
    ],
    ids=repr,
)
def test_what_cannot_be_a_tensor(data, error, part):
    with pytest.raises(error, match=part):
        Tensor(data)


def test_integers_have_no_gradient():
    with pytest.raises(DtypeError, match=r"int64.*astype"):
        Tensor([1, 2], requires_grad=True)


def test_repr():
    x = Tensor([1.0, 2.0], requires_grad=True)
    assert repr(x) == "Tensor([1., 2.], dtype=float32, requires_grad=True)"
    assert repr(2 * x) == "Tensor([2., 4.], dtype=float32, creator=Multiply)"
    assert repr(minicnn.arange(3)) == "Tensor([0, 1, 2], dtype=int64)"
    assert len(repr(minicnn.zeros(100, 100))) < 1000


def test_numbers():
    x = Tensor([[2.5]])
    assert (x.item(), float(x), int(x), bool(x)) == (2.5, 2.5, 2, True)
    assert isinstance(x.item(), float)
    assert list(range(5))[Tensor(3)] == 3
    for convert in (Tensor.item, float, int):
        with pytest.raises(ShapeError, match=r"one element.*\(2,\)"):
            convert(minicnn.ones(2))
    with pytest.raises(ShapeError, match=r"ambiguous.*\.all\(\)"):
        bool(minicnn.ones(2))
    with pytest.raises(DtypeError, match="float32"):
        list(range(5))[Tensor(3.0)]


def test_length_and_iteration():
    assert len(minicnn.ones(3, 2)) == 3
    assert [row.shape for row in minicnn.ones(3, 2)] == [(2,)] * 3
    with pytest.raises(ShapeError, match="no length"):
        list(Tensor(1.0))


def test_numpy_sees_the_values_but_cannot_write_them():
    x = Tensor([1.0, 2.0], requires_grad=True)
    for array in (x.numpy(), np.asarray(x)):
        assert minicnn.get_backend().name == "cupy" or np.shares_memory(array, x.data)
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 7.0
    assert np.asarray(x, dtype=np.float64).dtype == np.float64
    fresh = np.array(x)
    fresh[0] = 7.0
    assert x.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="copy"):
        np.asarray(x, dtype=np.float64, copy=False)
    assert np.sum(np.asarray(x)) == 3.0


def test_arrays_leave_operators_to_the_tensor():
    x = Tensor([1.0, 2.0], requires_grad=True)
    for y in (np.array([3.0, 4.0], np.float32) * x, np.float64(3.0) * x, np.array([3.0, 4.0], np.float32) @ x):
        assert isinstance(y, Tensor)
        assert y.requires_grad
    assert isinstance(np.add(np.ones(2, np.float32), x), Tensor)
    assert type(np.exp(x).creator).__name__ == "Exp"


@pytest.mark.parametrize("name", ["maximum", "sum", "concatenate", "sort"])
def test_numpys_other_functions_are_refused(name):
    x = Tensor([1.0, 2.0], requires_grad=True)
    arguments = {"maximum": (x, 0), "concatenate": ([x, x],)}.get(name, (x,))
    with pytest.raises(AutogradError, match=rf"np\.{name} on a tensor would leave the graph: look for it in minicnn.ops"):
        getattr(np, name)(*arguments)


def test_an_array_is_not_edited_by_a_tensor():
    array = np.ones(2, np.float32)
    with pytest.raises(AutogradError, match="would leave the graph"):
        array += Tensor([1.0, 2.0])
    assert array.tolist() == [1.0, 1.0]


def test_one_number_can_be_formatted_and_rounded():
    x = Tensor([1.23456])
    assert f"{x:.2f} {round(x, 1)}" == "1.23 1.2"
    assert f"{x}" == str(x)
    with pytest.raises(ShapeError, match="one element"):
        f"{Tensor([1.0, 2.0]):.2f}"


def test_tensors_are_keys():
    x, y = minicnn.ones(2), minicnn.ones(2)
    assert {x: "x", y: "y"}[y] == "y"


def pickled(x):
    return pickle.loads(pickle.dumps(x))


@pytest.mark.parametrize("kind", [Tensor, nn.Parameter])
@pytest.mark.parametrize("duplicate", [copy.deepcopy, copy.copy, pickled], ids=["deepcopy", "copy", "pickle"])
def test_copies(kind, duplicate):
    x = kind([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    y = duplicate(x)
    assert type(y) is kind
    assert y.requires_grad
    assert y.grad.tolist() == [2.0, 4.0]
    assert y.tolist() == [1.0, 2.0]
    (3 * y).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_a_deep_copy_is_independent():
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = copy.deepcopy(x)
    with minicnn.no_grad():
        y.fill_(0.0)
    assert x.tolist() == [1.0, 2.0]
    assert x.version.count == 0


@pytest.mark.parametrize("duplicate", [copy.deepcopy, pickle.dumps])
def test_recorded_results_are_not_copied(duplicate):
    y = 2 * Tensor([1.0], requires_grad=True)
    with pytest.raises(AutogradError, match=r"of Multiply.*detach"):
        duplicate(y)
    duplicate(y.detach())
