"""What must hold in assignment 2."""

import numpy as np

from minicnn.course.gradients import check_pair, two
from minicnn.course.questions import Question, equal, holds, raises
from minicnn.kernels.array import conv, pool


def right_convolution(x, w, b, stride=1, padding=0):
    """By minicnn."""
    return conv.conv2d_forward(x, w, b, stride=(stride, stride), padding=(padding,) * 4, dilation=(1, 1), groups=1)[0]


def some(rng, N=2, C=3, H=6, W=7, O=4, kh=3, kw=2):
    """An image, filters and biases of sizes that are all different, so that none can stand for another."""
    return rng.standard_normal((N, C, H, W)), rng.standard_normal((O, C, kh, kw)), rng.standard_normal(O)


# 1

output_size = Question("output-size", asks=("output_size", "conv_parameters"))


@output_size.check("the formula", points=1)
def _(student, rng):
    for W, k, stride, padding in [(227, 11, 4, 0), (7, 3, 2, 0), (5, 3, 1, 1), *rng.integers([20, 1, 1, 0], [99, 9, 5, 4], (5, 4)).tolist()]:
        right = (W - k + 2 * padding) // stride + 1
        equal(student.output_size(W, k, stride, padding), right, f"output_size({W}, {k}, stride={stride}, padding={padding})")


@output_size.check("no output where the window does not fit", points=1)
def _(student, rng):
    raises(lambda: student.output_size(4, 7, 1, 1), "ValueError", "output_size(4, 7, stride=1, padding=1): a window of 7 does not fit on 4 + 2 pixels; raise a ValueError")
    equal(student.output_size(5, 7, 1, 1), 1, "output_size(5, 7, stride=1, padding=1)", hint="with its padding the window just fits")


@output_size.check("parameters", points=1)
def _(student, rng):
    for C, O, k in [(3, 96, 11), *rng.integers(1, 20, (3, 3)).tolist()]:
        equal(student.conv_parameters(C, O, k), C * O * k * k + O, f"conv_parameters({C}, {O}, {k})", hint="each filter sees all channels, and has a bias")


# 2

conv_forward = Question("conv-forward", asks=("conv_forward",))


@conv_forward.check("one step, no padding", points=2)
def _(student, rng):
    x, w, b = some(rng)
    y, _ = two(student.conv_forward(x, w, b))
    equal(y, right_convolution(x, w, b), "conv_forward(x, w, b)[0]", hint="x is (2, 3, 6, 7), w is (4, 3, 3, 2): is every index in its place, and the bias added?")


@conv_forward.check("stride", points=1)
def _(student, rng):
    x, w, b = some(rng, H=7, W=8)
    equal(two(student.conv_forward(x, w, b, 2, 0))[0], right_convolution(x, w, b, 2, 0), "conv_forward(x, w, b, stride=2)[0]")


@conv_forward.check("padding", points=1)
def _(student, rng):
    x, w, b = some(rng, kw=3)
    equal(two(student.conv_forward(x, w, b, 1, 2))[0], right_convolution(x, w, b, 1, 2), "conv_forward(x, w, b, padding=2)[0]")


# 3

conv_backward = Question("conv-backward", asks=("conv_backward", "conv_cache"))


def check_gradients(student, rng, stride, padding, **sizes):
    """All three gradients against measured slopes."""
    x, w, b = some(rng, **sizes)
    check_pair(
        lambda x, w, b: (right_convolution(x, w, b, stride, padding), student.conv_cache(x, w, b, stride, padding)),
        student.conv_backward, {"x": x, "w": w, "b": b}, rng,
    )  # fmt: skip


@conv_backward.check("one step, no padding", points=3)
def _(student, rng):
    check_gradients(student, rng, 1, 0, H=4, W=5)


@conv_backward.check("stride: windows that leave pixels out", points=2)
def _(student, rng):
    check_gradients(student, rng, 2, 0, N=1, H=6, W=5)


@conv_backward.check("padding", points=1)
def _(student, rng):
    check_gradients(student, rng, 1, 1, N=1, C=2, H=3, W=4, O=2)


# 4

max_pool = Question("max-pool", asks=("max_pool_forward", "max_pool_backward"))


def right_pooling(x, k):
    """By minicnn."""
    return pool.max_pool2d_forward(x, kernel_size=(k, k), stride=(k, k), padding=(0,) * 4, dilation=(1, 1), ceil_mode=False)[0]


@max_pool.check("forward", points=2)
def _(student, rng):
    for k, shape in ((2, (2, 3, 4, 6)), (3, (1, 2, 6, 3))):
        x = rng.standard_normal(shape)
        equal(two(student.max_pool_forward(x, k))[0], right_pooling(x, k), f"max_pool_forward(x, {k})[0]")


@max_pool.check("backward", points=2)
def _(student, rng):
    x = rng.permutation(48).reshape(1, 2, 4, 6).astype(float)  # no two are equal
    check_pair(lambda x: student.max_pool_forward(x, 2), student.max_pool_backward, {"x": x}, rng, right=lambda x: right_pooling(x, 2))


@max_pool.check("of equal ones, the first", points=1)
def _(student, rng):
    x, dy = np.zeros((1, 1, 2, 4)), rng.standard_normal((1, 1, 1, 2))
    dx = student.max_pool_backward(dy, two(student.max_pool_forward(x, 2))[1])
    right = np.zeros((1, 1, 2, 4))
    right[0, 0, 0, ::2] = dy[0, 0, 0]
    equal(dx, right, "dx of a window of equal numbers", hint="the gradient goes to one place only, the first")


# 5

im2col = Question("im2col", asks=("im2col", "conv_by_product"))


@im2col.check("the matrix", points=2)
def _(student, rng):
    x, w, _ = some(rng)
    for stride, padding in ((1, 0), (2, 1)):
        rows = student.im2col(x, 3, 2, stride, padding)
        P, Q = (6 - 3 + 2 * padding) // stride + 1, (7 - 2 + 2 * padding) // stride + 1
        holds(np.shape(rows) == (2 * P * Q, 18), f"im2col(x, 3, 2, {stride}, {padding}) has shape {np.shape(rows)}, and should have (N H' W', C kh kw) = ({2 * P * Q}, 18)")
        right = right_convolution(x, w, np.zeros(4), stride, padding).transpose(0, 2, 3, 1).reshape(-1, 4)
        equal(rows @ w.reshape(4, -1).T, right, f"im2col(x, 3, 2, {stride}, {padding}) @ w.reshape(O, -1).T", hint="the order in a row is that of w.reshape(O, -1): channel, row, column")


@im2col.check("the product", points=3)
def _(student, rng):
    x, w, b = some(rng, kw=3)
    for stride, padding in ((1, 0), (2, 1)):
        equal(student.conv_by_product(x, w, b, stride, padding), right_convolution(x, w, b, stride, padding), f"conv_by_product(x, w, b, {stride}, {padding})")


# 6

one_by_one = Question("one-by-one", asks=("conv_1x1",))


@one_by_one.check("the same layer at every pixel", points=2)
def _(student, rng):
    x, w, b = some(rng, kh=1, kw=1)
    equal(student.conv_1x1(x, w[:, :, 0, 0], b), right_convolution(x, w, b), "conv_1x1(x, w, b)")
