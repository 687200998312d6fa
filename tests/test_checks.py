"""Checks of numbers, words, switches and element types."""

import sys
from fractions import Fraction

import numpy as np
import pytest

from minicnn import checks
from minicnn.errors import ArgumentError, DtypeError

NO_NUMBERS = ["1", None, [1], np.ones(1), np.array(1.0), True, np.bool_(True), 1j, 10**400]


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)], ids=repr)
def test_integers(value):
    result = checks.integer(value, "op: n", least=3)
    assert result == 3
    assert type(result) is int


@pytest.mark.parametrize("value", [0, -1, 3.0, np.float32(3), np.nan, *NO_NUMBERS[:-1]], ids=repr)
def test_no_integers(value):
    with pytest.raises(ArgumentError, match=r"^op: n must be an integer >= 1, not "):
        checks.integer(value, "op: n")


@pytest.mark.parametrize("value", [(1, 2), [1, np.int64(2)], np.array([1, 2]), range(1, 3)], ids=repr)
def test_several_integers(value):
    result = checks.integers(value, "op: n", 2)
    assert result == (1, 2)
    assert all(type(n) is int for n in result)
    assert checks.integers([0], "op: n", 1, least=0) == (0,)


@pytest.mark.parametrize("value", [(), (1,), (1, 2, 3), (0, 1), (1, 2.0), (True, 1), "12", 2, {1, 2}, np.ones((2, 2), int), [[1], [2, 3]], *NO_NUMBERS[:-1]], ids=repr)
def test_not_so_many_integers(value):
    with pytest.raises(ArgumentError, match=r"^op: n must be 2 integers >= 1, not "):
        checks.integers(value, "op: n", 2)


@pytest.mark.parametrize("check", [checks.number, checks.positive, checks.fraction, checks.real])
@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.float64(0.5), np.float16(0.5), Fraction(1, 2)], ids=repr)
def test_numbers(check, value):
    result = check(value, "op: x")
    assert result == 0.5
    assert type(result) is float


@pytest.mark.parametrize("check", [checks.number, checks.positive, checks.fraction, checks.real])
@pytest.mark.parametrize("value", [*NO_NUMBERS[:-1], pytest.param(NO_NUMBERS[-1], id="huge"), np.nan, np.float32(np.nan)], ids=repr)
def test_no_numbers(check, value):
    with pytest.raises(ArgumentError, match=r"^op: x must be a (finite )?number"):
        check(value, "op: x")


def test_what_is_a_number():
    assert all(map(checks.is_number, (1, -0.5, np.float32(2), np.int64(2), np.inf, Fraction(1, 2))))
    assert not any(map(checks.is_number, (*NO_NUMBERS, np.nan)))


def test_ranges():
    assert checks.number(-2, "x") == -2
    assert checks.number(0, "x", least=0) == 0
    assert checks.fraction(1, "x", include_one=True) == 1
    assert checks.real(-np.inf, "x") == -np.inf
    for call in (
        lambda: checks.number(np.inf, "x"),
        lambda: checks.number(-0.1, "x", least=0),
        lambda: checks.positive(0, "x"),
        lambda: checks.positive(np.inf, "x"),
        lambda: checks.fraction(1, "x"),
        lambda: checks.fraction(-0.1, "x"),
        lambda: checks.fraction(1.1, "x", include_one=True),
    ):
        with pytest.raises(ArgumentError, match=r"^x must be a"):
            call()


def test_words_and_switches():
    assert checks.choice("a", "op: way", ("a", "b")) == "a"
    assert checks.flag(np.bool_(False), "op: way") is False
    for value in ("c", None, ["a"], 1):
        with pytest.raises(ArgumentError, match=r"^op: way must be one of 'a', 'b', not "):
            checks.choice(value, "op: way", ("a", "b"))
    for value in (0, 1, None, "yes"):
        with pytest.raises(ArgumentError, match=r"^op: way must be True or False, not "):
            checks.flag(value, "op: way")


@pytest.mark.parametrize("dtype", ["nope", None, "i4,", [("a", "f4", "x")], object(), "U3", complex, "O", "M8[s]"])
def test_no_element_types(dtype):
    for check in (checks.element_type, checks.float_type):
        with pytest.raises(DtypeError, match=r"^op: "):
            check(dtype, "op")


def test_element_types():
    assert checks.element_type("uint8", "op") == np.uint8
    assert checks.element_type(bool, "op") == np.bool_
    assert checks.float_type(np.float64, "op") == np.float64
    for dtype in ("float16", "longdouble", ">f4", "int64", "bool"):
        with pytest.raises(DtypeError, match="must be float32 or float64, not "):
            checks.float_type(dtype, "op")


def test_bfloat16_is_known_by_name_and_is_floating_though_numpy_calls_it_a_structure():
    bfloat16 = checks.element_type("bfloat16", "op")
    assert (bfloat16.name, bfloat16.kind) == ("bfloat16", "V")
    assert checks.is_floating(bfloat16)
    assert checks.is_numeric(bfloat16)
    assert checks.is_16_bit(bfloat16)
    assert not checks.is_float_type(bfloat16)
    ml_dtypes = pytest.importorskip("ml_dtypes")
    for other in (ml_dtypes.uint1, ml_dtypes.float8_e4m3, np.dtype("V2"), np.dtype([("E", "f2")]), np.uint16, np.dtype(">f2")):
        assert not checks.is_16_bit(np.dtype(other))


def test_without_ml_dtypes_a_sentence_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    with pytest.raises(DtypeError, match=r"^op: bfloat16 is no type of NumPy's own.*pip install ml_dtypes"):
        checks.element_type("bfloat16", "op")
