"""What must hold in assignment 4."""

import numpy as np

from minicnn.course.questions import Question, WrongAnswer, equal, holds
from minicnn.kernels.array import conv as kernels


def output(size, k, stride, padding):
    """The formula of assignment 2."""
    return (size - k + 2 * padding) // stride + 1


# 1

table = Question("table", asks=("table",))


def rows_of(student, shape, layers):
    """What table returns, if it is a list of rows."""
    rows = student.table(shape, layers)
    holds(isinstance(rows, list) and len(rows) == len(layers), f"table must return a list with a row for each of the {len(layers)} layers")
    for row in rows:
        holds(isinstance(row, (tuple, list)) and len(row) == 3, "each row of table is (output shape, parameters, multiply-adds)")
    return rows


def compare(rows, right, layers):
    """Row by row."""
    for row, wanted, layer in zip(rows, right, layers, strict=True):
        for found, value, what in zip(row, wanted, ("output shape", "parameters", "multiply-adds"), strict=True):
            found = tuple(int(n) for n in found) if what == "output shape" and isinstance(found, (tuple, list)) else found
            if found != value:
                raise WrongAnswer(f"the {what} of {layer} must be {value}, and is {found}")


@table.check("convolutions", points=2)
def _(student, rng):
    for O, k, stride, padding in ((96, 11, 4, 0), *rng.integers([1, 1, 1, 0], [20, 6, 4, 4], (4, 4)).tolist()):
        layer, H, W = ("conv", O, k, stride, padding), output(63, k, stride, padding), output(47, k, stride, padding)
        compare(rows_of(student, (5, 63, 47), [layer]), [((O, H, W), O * (5 * k * k + 1), O * H * W * 5 * k * k)], [layer])


@table.check("pooling, and what is fully connected", points=2)
def _(student, rng):
    O = int(rng.integers(2, 50))
    layers = [("pool", 3, 2), ("fc", O), ("fc", 7)]
    right = [((6, 5, 8), 0, 0), ((O, 1, 1), O * (240 + 1), O * 240), ((7, 1, 1), 7 * (O + 1), 7 * O)]
    compare(rows_of(student, (6, 12, 17), layers), right, layers)


@table.check("one after the other", points=2)
def _(student, rng):
    O = int(rng.integers(2, 20))
    layers = [("conv", O, 5, 2, 1), ("pool", 2, 2), ("conv", 8, 3, 1, 1), ("fc", 10)]
    right = [((O, 15, 11), O * 76, O * 165 * 75), ((O, 7, 5), 0, 0), ((8, 7, 5), 8 * (9 * O + 1), 8 * 35 * 9 * O), ((10, 1, 1), 2810, 2800)]
    compare(rows_of(student, (3, 31, 23), layers), right, layers)


# 2

field = Question("receptive-field", asks=("receptive_field",))


@field.check("without strides", points=2)
def _(student, rng):
    for windows, right in (([], 1), ([(3, 1)], 3), ([(3, 1)] * 3, 7), ([(3, 1)] * 2, 5), ([(11, 1), (1, 1), (5, 1)], 15)):
        equal(student.receptive_field(windows), right, f"receptive_field({windows})")


@field.check("with strides", points=2)
def _(student, rng):
    for windows in ([(11, 4), (3, 2), (5, 1)], [(7, 2), (3, 2), (3, 1), (3, 1), (3, 2), (3, 1)], [tuple(pair) for pair in rng.integers(1, [6, 4], (5, 2)).tolist()]):
        places = 1
        for k, stride in reversed(windows):  # the other way round: how many places one needs below
            places = (places - 1) * stride + k
        equal(student.receptive_field(windows), places, f"receptive_field({windows})", hint="a stride counts for the windows behind it, not for its own")


# 3

inception = Question("inception", asks=("naive_inception", "reduced_inception"))


def check_pair_of_numbers(found, macs, channels, what):
    """Multiply-adds and channels."""
    if not isinstance(found, (tuple, list)) or len(found) != 2:
        raise WrongAnswer(f"{what} must return two numbers, multiply-adds and output channels")
    equal(found[0], macs, f"the multiply-adds of {what}")
    equal(found[1], channels, f"the output channels of {what}")


@inception.check("the naive module", points=2)
def _(student, rng):
    for C, H, W, o1, o3, o5 in ((256, 28, 28, 128, 192, 96), *rng.integers(2, 30, (2, 6)).tolist()):
        macs = sum(H * W * C * o * k * k for o, k in ((o1, 1), (o3, 3), (o5, 5)))
        check_pair_of_numbers(student.naive_inception(C, H, W, o1, o3, o5), macs, o1 + o3 + o5 + C, f"naive_inception({C}, {H}, {W}, {o1}, {o3}, {o5})")


@inception.check("with reductions", points=3)
def _(student, rng):
    for C, H, W, o1, b3, o3, b5, o5, pool in ((256, 28, 28, 128, 64, 192, 64, 96, 64), *rng.integers(2, 30, (2, 9)).tolist()):
        steps = ((C, o1, 1), (C, b3, 1), (b3, o3, 3), (C, b5, 1), (b5, o5, 5), (C, pool, 1))
        macs = sum(H * W * into * out * k * k for into, out, k in steps)
        found = student.reduced_inception(C, H, W, o1, b3, o3, b5, o5, pool)
        check_pair_of_numbers(found, macs, o1 + o3 + o5 + pool, f"reduced_inception({C}, {H}, {W}, {o1}, {b3}, {o3}, {b5}, {o5}, {pool})")


# 4

GIVEN = """
def conv(x, w, stride=1, padding=0):
    from numpy.lib.stride_tricks import sliding_window_view
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = sliding_window_view(padded, w.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    return np.einsum("nchwuv,ocuv->nohw", windows, w)

def relu(x):
    return np.maximum(x, 0)
"""
residual = Question("residual", asks=("residual_block", "identity_weights"), given=GIVEN)


def convolution(x, w, stride, padding):
    """By minicnn."""
    return kernels.conv2d_forward(x, w, None, stride=(stride, stride), padding=(padding,) * 4, dilation=(1, 1), groups=1)[0]


def block(x, w1, w2, stride=1, w_short=None):
    """The definition."""
    inside = convolution(np.maximum(convolution(x, w1, stride, 1), 0), w2, 1, 1)
    return np.maximum(inside + (x if w_short is None else convolution(x, w_short, stride, 0)), 0)


@residual.check("shapes that agree", points=2)
def _(student, rng):
    x, w1, w2 = rng.standard_normal((2, 4, 5, 6)), *rng.standard_normal((2, 4, 4, 3, 3))
    equal(student.residual_block(x, w1, w2), block(x, w1, w2), "residual_block(x, w1, w2)", hint="the last ReLU comes after the sum")


@residual.check("a stride, and other channels", points=2)
def _(student, rng):
    x, w1, w2, short = rng.standard_normal((2, 3, 6, 8)), rng.standard_normal((4, 3, 3, 3)), rng.standard_normal((4, 4, 3, 3)), rng.standard_normal((4, 3, 1, 1))
    equal(student.residual_block(x, w1, w2, 2, short), block(x, w1, w2, 2, short), "residual_block(x, w1, w2, 2, w_short)")


@residual.check("a block that does nothing", points=2)
def _(student, rng):
    found = student.identity_weights(3)
    holds(isinstance(found, (tuple, list)) and len(found) == 2 and all(np.shape(w) == (3, 3, 3, 3) for w in found), "identity_weights(3) must return two arrays of shape (3, 3, 3, 3)")
    x = rng.uniform(0, 1, (2, 3, 5, 4))
    equal(block(x, *(np.asarray(w, float) for w in found)), x, "the block with these weights, of an x without negative numbers", hint="F(x) = 0 is easy to have")


# 5

bottleneck = Question("bottleneck", asks=("basic_weights", "bottleneck_weights"))


@bottleneck.check("a basic block", points=1)
def _(student, rng):
    for C in (64, 4 * int(rng.integers(2, 90))):
        equal(student.basic_weights(C), 18 * C**2, f"basic_weights({C})")


@bottleneck.check("a bottleneck", points=2)
def _(student, rng):
    for C in (256, 4 * int(rng.integers(2, 90))):
        equal(student.bottleneck_weights(C), 2 * C * (C // 4) + 9 * (C // 4) ** 2, f"bottleneck_weights({C})")
