"""Functions with gradients that can be made wrong, for the tests of the gradient check."""

import numpy as np
import pytest

from minicnn.autograd import Function
from minicnn.testing import GradcheckError, gradcheck


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


class Product(Function):
    """y = x Wᵀ, with gradients that subclasses get wrong."""

    def forward(self, x, w):
        self.save(x, w)
        return x @ w.T

    def backward(self, dy):
        x, w = self.saved
        return self.change(dy @ w, dy.T @ x)

    def change(self, dx, dw):
        return dx, dw


def product_with(change):
    return type("Product", (Product,), {"change": lambda self, dx, dw: change(dx, dw)}).apply


class Relu(Function):
    at_zero = 0.0

    def forward(self, x):
        self.save(x)
        return np.maximum(x, 0)

    def backward(self, dy):
        (x,) = self.saved
        return (dy * np.where(x == 0, self.at_zero, x > 0),)


def report(function, inputs, **options):
    with pytest.raises(GradcheckError) as caught:
        gradcheck(function, inputs, **options)
    return str(caught.value)


INPUTS = {"x": normal(3, 4), "w": normal(2, 4, seed=1)}


class Square(Function):
    """x² + c, with a gradient that subclasses get wrong."""

    constant = 0.0

    def forward(self, x):
        self.save(x)
        return x * x + self.constant

    def backward(self, dy):
        (x,) = self.saved
        return (self.change(2 * x * dy, x, dy),)

    def change(self, dx, x, dy):
        return dx


def square_with(change, constant=0.0):
    return type("Square", (Square,), {"change": lambda self, *arrays: change(*arrays), "constant": constant}).apply
