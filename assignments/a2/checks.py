"""What must hold in assignment 2."""

import numpy as np

from minicnn.course.gradients import check_pair, two
from minicnn.course.questions import Question, equal, holds, raises
from minicnn.kernels.array import conv, pool


def right_convolution(x, w, b, stride=1, padding=0):
    """By minicnn."""
    return conv.conv2d_forward(x, w, b, stride=(stride, stride), padding=(padding,) * 4, dilation=(1, 1), groups=1)[0]


def some(rng, H=7, W=9, **given):
    """An image, filters and biases of sizes that are all different, so that none can stand for another."""
    N, C, O = (2 + rng.permutation(3)).tolist()
    kh, kw = rng.permutation([2, 3]).tolist()
    N, C, O, kh, kw = (given.get(name, size) for name, size in (("N", N), ("C", C), ("O", O), ("kh", kh), ("kw", kw)))
    H, W = rng.permutation([H, W]).tolist()
    return rng.standard_normal((N, C, H, W)), rng.standard_normal((O, C, kh, kw)), rng.standard_normal(O)


# 1

output_size = Question("output-size", asks=("output_size", "conv_parameters"))


@output_size.check("the formula", points=1)
def _(student, rng):
    cases = [(227, 11, 4, 0)]
    for k, stride, padding, steps in rng.integers([5, 3, 0, 2], [9, 6, 3, 9], (3, 4)).tolist():
        cases += [(k - 2 * padding + steps * stride + left_out, k, stride, padding) for left_out in (0, 1, stride - 1)]  # pixels at the end that no window reaches
    for W, k, stride, padding in cases:
        right = (W - k + 2 * padding) // stride + 1
        equal(student.output_size(W, k, stride, padding), right, f"output_size({W}, {k}, stride={stride}, padding={padding})")


@output_size.check("no output where the window does not fit", points=1)
def _(student, rng):
    for stride in (1, int(rng.integers(4, 7))):
        k, padding, missing = rng.integers([8, 1, 1], [12, 3, 4]).tolist()
        W = k - 2 * padding
        equal(student.output_size(W, k, stride, padding), 1, f"output_size({W}, {k}, stride={stride}, padding={padding})", hint="with its padding the window just fits")
        W -= missing
        sentence = f"output_size({W}, {k}, stride={stride}, padding={padding}): a window of {k} does not fit on {W} + {2 * padding} pixels; raise a ValueError"
        raises(lambda: student.output_size(W, k, stride, padding), "ValueError", sentence)  # noqa: B023


@output_size.check("parameters", points=1)
def _(student, rng):
    for C, O, k in [(3, 96, 11), *rng.integers(1, 20, (3, 3)).tolist()]:
        equal(student.conv_parameters(C, O, k), C * O * k * k + O, f"conv_parameters({C}, {O}, {k})", hint="each filter sees all channels, and has a bias")


# 2

conv_forward = Question("conv-forward", asks=("conv_forward",))


def check_forward(student, rng, stride, padding, hint="", **sizes):
    """Against minicnn."""
    x, w, b = some(rng, **sizes)
    what = f"conv_forward(x, w, b, stride={stride}, padding={padding})[0] with x {x.shape} and w {w.shape}"
    equal(two(student.conv_forward(x, w, b, stride, padding))[0], right_convolution(x, w, b, stride, padding), what, hint=hint)


@conv_forward.check("one step, no padding", points=2)
def _(student, rng):
    check_forward(student, rng, 1, 0, hint="is every index in its place, and the bias added?")
    check_forward(student, rng, 1, 0, N=1, H=5, W=4)


@conv_forward.check("stride", points=1)
def _(student, rng):
    for stride in (2, 3):
        check_forward(student, rng, stride, 0, H=8, W=11)
    check_forward(student, rng, 2, 0, kh=2, kw=2, H=6, W=7, hint="a row or column at the end that no window reaches is left out")


@conv_forward.check("padding", points=1)
def _(student, rng):
    for stride, padding in ((1, 2), (2, 1), (3, 2)):
        check_forward(student, rng, stride, padding)


# 3

conv_backward = Question("conv-backward", asks=("conv_backward", "conv_cache"))


def check_gradients(student, rng, stride, padding, **sizes):
    """All three gradients against measured slopes."""
    x, w, b = some(rng, **sizes)
    check_pair(
        lambda x, w, b: (right_convolution(x, w, b, stride, padding), student.conv_cache(x, w, b, stride, padding)),
        student.conv_backward, {"x": x, "w": w, "b": b}, rng, right=lambda x, w, b: right_convolution(x, w, b, stride, padding),
    )  # fmt: skip


@conv_backward.check("one step, no padding", points=3)
def _(student, rng):
    check_gradients(student, rng, 1, 0, H=4, W=5)


@conv_backward.check("stride: windows that leave pixels out", points=2)
def _(student, rng):
    check_gradients(student, rng, 2, 0, N=1, kh=3, kw=2, H=6, W=6)
    check_gradients(student, rng, 3, 0, N=2, C=1, O=3, H=6, W=7)


@conv_backward.check("padding", points=1)
def _(student, rng):
    check_gradients(student, rng, 1, 1, N=1, C=2, H=3, W=4, O=3)
    check_gradients(student, rng, 2, 2, N=2, C=1, H=5, W=4, O=3)


# 4

max_pool = Question("max-pool", asks=("max_pool_forward", "max_pool_backward"))


def right_pooling(x, k):
    """By minicnn."""
    return pool.max_pool2d_forward(x, kernel_size=(k, k), stride=(k, k), padding=(0,) * 4, dilation=(1, 1), ceil_mode=False)[0]


def images(rng, k):
    """The shape of some."""
    N, C, rows, columns = (1 + rng.permutation(4)).tolist()
    return N, C, k * rows, k * columns


@max_pool.check("forward", points=2)
def _(student, rng):
    for k in (2, 3):
        x = rng.standard_normal(images(rng, k)) - 1.5  # many windows have no positive number
        equal(two(student.max_pool_forward(x, k))[0], right_pooling(x, k), f"max_pool_forward(x, {k})[0] with x {x.shape}")


@max_pool.check("backward", points=2)
def _(student, rng):
    for k, shape in ((2, (2, 1, 4, 6)), (3, (1, 2, 6, 3))):
        count = int(np.prod(shape))
        x = (rng.permutation(count) - count / 2).reshape(shape)  # no two are equal
        check_pair(lambda x: student.max_pool_forward(x, k), student.max_pool_backward, {"x": x}, rng, right=lambda x: right_pooling(x, k))  # noqa: B023


@max_pool.check("of equal ones, the first", points=1)
def _(student, rng):
    for k in (2, 3):
        N, C, H, W = shape = images(rng, k)
        x, right = rng.integers(0, 3, shape).astype(float), np.zeros(shape)
        dy = rng.standard_normal((N, C, H // k, W // k))
        for n, c, i, j in np.ndindex(dy.shape):
            window = x[n, c, i * k : (i + 1) * k, j * k : (j + 1) * k]
            row, column = divmod(int(window.argmax()), k)
            right[n, c, i * k + row, j * k + column] = dy[n, c, i, j]
        dx = student.max_pool_backward(dy, two(student.max_pool_forward(x, k))[1])
        equal(dx, right, f"dx of windows of {k} x {k} in which several numbers are the largest", hint="the gradient goes to one place only, the first, row by row")


# 5

im2col = Question("im2col", asks=("im2col", "conv_by_product"))


@im2col.check("the matrix", points=2)
def _(student, rng):
    for stride, padding in ((1, 0), (2, 1), (3, 2)):
        x, w, b = some(rng)
        (O, C, kh, kw), what = w.shape, "im2col(x, {}, {}, {}, {})".format(*w.shape[2:], stride, padding)
        right = right_convolution(x, w, 0 * b, stride, padding).transpose(0, 2, 3, 1).reshape(-1, O)
        rows, wanted = student.im2col(x, kh, kw, stride, padding), (len(right), C * kh * kw)
        holds(np.shape(rows) == wanted, f"{what} has shape {np.shape(rows)}, and should have (N H' W', C kh kw) = {wanted}")
        equal(rows @ w.reshape(O, -1).T, right, f"{what} @ w.reshape(O, -1).T", hint="the order in a row is that of w.reshape(O, -1): channel, row, column")


@im2col.check("the product", points=3)
def _(student, rng):
    for stride, padding in ((1, 0), (2, 1), (3, 2)):
        x, w, b = some(rng)
        what = f"conv_by_product(x, w, b, {stride}, {padding}) with x {x.shape} and w {w.shape}"
        equal(student.conv_by_product(x, w, b, stride, padding), right_convolution(x, w, b, stride, padding), what)


# 6

one_by_one = Question("one-by-one", asks=("conv_1x1",))


@one_by_one.check("the same layer at every pixel", points=2)
def _(student, rng):
    for sizes in ({}, {"N": 1}):
        x, w, b = some(rng, kh=1, kw=1, **sizes)
        equal(student.conv_1x1(x, w[:, :, 0, 0], b), right_convolution(x, w, b), f"conv_1x1(x, w, b) with x {x.shape}")
