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
    holds(isinstance(rows, (list, tuple)) and len(rows) == len(layers), f"table must return a list with a row for each of the {len(layers)} layers")
    for row in rows:
        holds(isinstance(row, (tuple, list)) and len(row) == 3 and np.shape(row[0]) == (3,), "each row of table is (output shape, parameters, multiply-adds), and the shape has three numbers")
    return rows


def compare(rows, right, layers):
    """Row by row."""
    for row, wanted, layer in zip(rows, right, layers, strict=True):
        for found, value, what in zip(row, wanted, ("output shape", "parameters", "multiply-adds"), strict=True):
            found = tuple(int(n) for n in found) if what == "output shape" else found
            if found != value:
                raise WrongAnswer(f"the {what} of {layer} must be {value}, and is {found}")


def some_shape(rng):
    """Of an image: few channels, and rows and columns that differ by more than a window."""
    C, H, extra = rng.integers([2, 25, 7], [9, 40, 20]).tolist()
    return (C, H, H + extra) if rng.random() < 0.5 else (C, H + extra, H)


@table.check("convolutions", points=2)
def _(student, rng):
    for O, k, stride, padding in ((96, 11, 4, 0), *rng.integers([2, 2, 1, 1], [20, 6, 4, 4], (4, 4)).tolist()):
        C, *sides = shape = some_shape(rng)
        layer, (H, W) = ("conv", O, k, stride, padding), (output(side, k, stride, padding) for side in sides)
        compare(rows_of(student, shape, [layer]), [((O, H, W), O * (C * k * k + 1), O * H * W * C * k * k)], [layer])


@table.check("pooling, and what is fully connected", points=2)
def _(student, rng):
    for k, stride in ((3, 2), (2, 2), (int(rng.integers(4, 6)), 3)):
        C, *sides = shape = some_shape(rng)
        O, P = rng.integers(2, 50, 2).tolist()
        H, W = (output(side, k, stride, 0) for side in sides)
        layers = [("pool", k, stride), ("fc", O), ("fc", P)]
        compare(rows_of(student, shape, layers), [((C, H, W), 0, 0), ((O, 1, 1), O * (C * H * W + 1), O * C * H * W), ((P, 1, 1), P * (O + 1), P * O)], layers)


@table.check("one after the other", points=2)
def _(student, rng):
    C, *sides = shape = some_shape(rng)
    O, P, Q = (2 + rng.permutation(30)[:3]).tolist()
    layers = [("conv", O, 5, 2, 1), ("pool", 2, 2), ("conv", P, 3, 1, 1), ("fc", Q)]
    H, W = (output(side, 5, 2, 1) for side in sides)
    h, w = H // 2, W // 2
    right = [((O, H, W), O * (25 * C + 1), O * H * W * 25 * C), ((O, h, w), 0, 0), ((P, h, w), P * (9 * O + 1), P * h * w * 9 * O), ((Q, 1, 1), Q * (P * h * w + 1), Q * P * h * w)]
    compare(rows_of(student, shape, layers), right, layers)


# 2

field = Question("receptive-field", asks=("receptive_field",))


def check_field(student, windows, hint=""):
    """From the other end: how many places one needs below."""
    places = 1
    for k, stride in reversed(windows):
        places = (places - 1) * stride + k
    equal(student.receptive_field(windows), places, f"receptive_field({windows})", hint=hint)


@field.check("without strides", points=1)
def _(student, rng):
    for sides in ([], [3], [3, 3, 3], *(rng.integers(1, 12, count).tolist() for count in (1, 2, 5))):
        check_field(student, [(k, 1) for k in sides])


@field.check("with strides", points=3)
def _(student, rng):
    alexnet, resnet = [(11, 4), (3, 2), (5, 1)], [(7, 2), (3, 2), (3, 1), (3, 1), (3, 2), (3, 1)]
    for windows in (alexnet, resnet, *(rng.integers([1, 2], [6, 4], (count, 2)).tolist() for count in (2, 5))):
        check_field(student, [(k, stride) for k, stride in windows], hint="a stride counts for the windows behind it, not for its own")


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


def check_block(student, rng, C, O, stride, hint=""):
    """Against the definition."""
    N, rows, columns = (1 + rng.permutation(3)).tolist()
    x = rng.standard_normal((N, C, 2 * stride * rows, 2 * stride * columns))
    w1, w2 = rng.standard_normal((O, C, 3, 3)), rng.standard_normal((O, O, 3, 3))
    given = (x, w1, w2) if C == O and stride == 1 else (x, w1, w2, stride, rng.standard_normal((O, C, 1, 1)))
    equal(student.residual_block(*given), block(*given), f"residual_block of an x {x.shape} and {O} filters, stride {stride}", hint=hint)


@residual.check("shapes that agree", points=2)
def _(student, rng):
    for C in (3, 4):
        check_block(student, rng, C, C, 1, hint="the last ReLU comes after the sum")


@residual.check("a stride, and other channels", points=2)
def _(student, rng):
    for C, O, stride in ((3, 5, 2), (3, 5, 1), (4, 4, 2), (5, 3, 3)):
        check_block(student, rng, C, O, stride)


@residual.check("a block that does nothing", points=2)
def _(student, rng):
    for O in rng.permutation([2, 3, 4, 5])[:2].tolist():
        found, shape = student.identity_weights(O), (O, O, 3, 3)
        fits = isinstance(found, (tuple, list)) and len(found) == 2 and all(np.shape(w) == shape for w in found)
        holds(fits, f"identity_weights({O}) must return two arrays of shape {shape}")
        x = rng.uniform(0, 1, (2, O, 6, 7))
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
