"""Anomaly mode names the operation and the line that first produced NaN or Inf, on the way down and on the way back."""

import sys

import pytest

import minicnn
from minicnn import Tensor
from minicnn.autograd import Function
from minicnn.errors import NonFiniteError


def line():
    return sys._getframe(1).f_lineno


def test_the_forward_names_operation_line_place_and_input():
    x = Tensor([[1.0, 2.0], [0.0, -3.0]])
    here = line() + 2
    with minicnn.detect_anomaly(), pytest.raises(NonFiniteError) as caught:
        (x + 0.0).log()
    message = str(caught.value)
    assert f"Log (test_anomaly.py, line {here}): its result is" in message
    assert "Inf in 2 of 4 elements, first at [1, 0]" in message
    assert "its input was finite, from -3 to 2" in message


def test_several_inputs():
    a, b = Tensor([1.0, 2.0]), Tensor([4.0, 0.0])
    inputs = "input 0 was finite, from 1 to 2; input 1 was finite, from 0 to 4"
    with minicnn.detect_anomaly(), pytest.raises(NonFiniteError, match=f"Divide.*{inputs}"):
        a / b


def test_a_bad_input_is_called_so():
    x = Tensor([1.0, float("nan")])
    found = r"Multiply.*NaN in 1 of 2 elements, first at \[1\]; input 0 was already not finite"
    with minicnn.detect_anomaly(), pytest.raises(NonFiniteError, match=found):
        x * 2.0


def test_the_backward_names_operation_and_line_of_the_forward():
    x = Tensor([0.0, 1.0], requires_grad=True)
    with minicnn.detect_anomaly():
        here = line() + 1
        y = x.sqrt()
        loss = y.sum()
        found = rf"backward of Sqrt \(test_anomaly.py, line {here}\).*Inf in 1 of 2 elements, first at \[0\]"
        with pytest.raises(NonFiniteError, match=found):
            loss.backward()


def test_numbers_without_axes():
    found = "is NaN in 1 of 1 elements; its input was finite, from -1 to -1"
    with minicnn.detect_anomaly(), pytest.raises(NonFiniteError, match=found):
        Tensor(-1.0).log()


def test_a_bad_loss_is_found_where_it_arose():
    x = Tensor([0.0], requires_grad=True)
    with pytest.raises(NonFiniteError, match="the loss is"):
        (x.log() * 0.0).sum().backward()
    with minicnn.detect_anomaly(), pytest.raises(NonFiniteError, match="Log"):
        (x.log() * 0.0).sum().backward()


def test_integers_are_left_alone_and_the_mode_ends():
    with minicnn.detect_anomaly():
        minicnn.arange(3) + 1
    Tensor([-1.0]).log()


def test_a_custom_function_is_named():
    class Spoil(Function):
        def forward(self, x):
            return x

        def backward(self, dy):
            return (dy * float("nan"),)

    x = Tensor([1.0], requires_grad=True)
    with minicnn.detect_anomaly():
        y = Spoil.apply(x)
        with pytest.raises(NonFiniteError, match="backward of Spoil"):
            y.backward()
