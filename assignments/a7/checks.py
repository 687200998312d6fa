"""What must hold in assignment 7."""

import numpy as np

from minicnn.course.cuda import ORDERS, kernels_of
from minicnn.course.questions import Question, WrongAnswer, holds
from minicnn.kernels.array import conv

EPSILON = 2.0**-24  # of one rounding in float32


def numbers(rng, *shape):
    """Random ones, float32, that a kernel may only read."""
    found = rng.standard_normal(shape).astype(np.float32)
    found.setflags(write=False)
    return found


def unwritten(*shape):
    """An array for results: what nobody writes stays NaN."""
    return np.full(shape, np.nan, np.float32)


def sizes(rng, low, high, count):
    """So many numbers, all different."""
    return (int(n) for n in rng.choice(np.arange(low, high), count, replace=False))


def near(found, right, size, terms, what):
    """Is a float32 result as near to the float64 one as it can be? A sum of so many products is off by at most (terms + 2) roundings of the sum of their sizes."""
    off = ~(np.abs(found - right) <= (terms + 2) * EPSILON * size)  # NaN is off, too
    if off.any():
        where = tuple(int(i) for i in np.argwhere(off)[0])
        more = " (nobody has written it)" if np.isnan(found[where]) else ""
        raise WrongAnswer(f"{what}{list(where)} is {found[where]:.6g}{more}, and should be {right[where]:.6g} ({int(off.sum())} of {off.size} elements are wrong)")


# 1

index = Question("index", asks=("SCALE", "MIRROR"))


def check_scale(student, rng, n, block, more):
    x, (a, b) = numbers(rng, n), (float(np.float32(v)) for v in rng.uniform(0.5, 2, 2))
    (y,) = kernels_of(student, "SCALE").launch("scale", (-(-n // block) + more,), (block,), (x, unwritten(n), a, b, n), order="shuffled").outputs
    near(y, np.maximum(0, a * x.astype(float) + b), np.abs(a * x) + b, 2, f"n = {n}, blocks of {block}: y")


@index.check("numbers, in whole blocks", points=1)
def _(student, rng):
    for block in (32, 96):
        check_scale(student, rng, block * int(rng.integers(3, 8)), block, 0)


@index.check("numbers: the last block has threads with nothing to do", points=1)
def _(student, rng):
    for block, more in ((64, 0), (128, 0), (32, 3)):
        check_scale(student, rng, block * int(rng.integers(2, 6)) + int(rng.integers(1, block)), block, more)


@index.check("images", points=2)
def _(student, rng):
    for wide in (True, False):
        N, C = sizes(rng, 2, 6, 2)
        short, long = int(rng.integers(5, 9)), int(rng.integers(17, 24))
        H, W = (short, long) if wide else (long, short)
        x, m = numbers(rng, N, C, H, W), numbers(rng, C)
        grid = (-(-W // 8) + 1, -(-H // 4) + 1, N * C + 1)
        (y,) = kernels_of(student, "MIRROR").launch("mirror", grid, (8, 4), (x, m, unwritten(N, C, H, W), N, C, H, W), order="shuffled").outputs
        mean = m.astype(float)[:, None, None]
        near(y, x[..., ::-1] - mean, np.abs(x[..., ::-1]) + np.abs(mean), 1, f"N = {N}, C = {C}, H = {H}, W = {W}: y")


# 2

race = Question("race", asks=("RACY", "FIXED"))


@race.check("racy: right forward, wrong in reverse", points=1)
def _(student, rng):
    x, found = numbers(rng, 64), {}
    for order in ("forward", "reverse"):
        (y,) = kernels_of(student, "RACY", unchecked=True).launch("racy", (1,), (64,), (x, unwritten(1)), order=order, check=False).outputs
        found[order] = y
    right, size = x.astype(float).sum(keepdims=True), np.abs(x).sum()
    near(found["forward"], right, size, 64, "forward: y")
    holds(not np.abs(found["reverse"] - right) <= 1e-4 * size, f"in the order reverse y[0] is {found['reverse'][0]:.6g}, the right sum: nothing is missing yet")


@race.check("racy: the memory check names the race", points=1)
def _(student, rng):
    try:
        kernels_of(student, "RACY", unchecked=True).launch("racy", (1,), (64,), (numbers(rng, 64), unwritten(1)))
    except WrongAnswer as error:
        if "no barrier between" not in str(error):
            raise
    else:
        raise WrongAnswer("the memory check finds no race in RACY: every use of shared memory is ordered by a barrier, or no thread uses what another one stores")


def check_sum(student, rng, n, block, blocks, order):
    x, before = numbers(rng, n), np.array([rng.uniform(1, 2)], np.float32)
    launched = kernels_of(student, "FIXED").launch("fixed", (blocks,), (block,), (x, before, n), order=order, seed=int(rng.integers(99)))
    right, size = before + x.astype(float).sum(), before + np.abs(x).sum(dtype=float)
    near(launched.outputs[0], right, size, n, f"order {order}, n = {n}, {blocks} blocks of {block} threads, y[0] {before[0]:.6g} before: y")
    return launched


@race.check("fixed: one block, in every order, and no race", points=2)
def _(student, rng):
    for order in ORDERS:
        check_sum(student, rng, 128, 128, 1, order)


@race.check("fixed: any power of two, any number of blocks", points=1)
def _(student, rng):
    for block in (1, 2, 32, 512, 1024):
        n = 2 * block + int(rng.integers(1, block + 1))
        check_sum(student, rng, n, block, 3 + int(rng.integers(3)), "shuffled")


@race.check("fixed: one atomicAdd for each block", points=1)
def _(student, rng):
    _, y, _ = check_sum(student, rng, 5 * 64 - int(rng.integers(1, 64)), 64, 5, "forward").traffic
    holds(y.written == y.atomic, "y[0] is written without atomicAdd: on a GPU blocks run at the same time, and most of their sums would be lost. (The simulator runs them one after the other.)")
    holds(y.atomic == 5 * 4, f"5 blocks have called atomicAdd {y.atomic // 4} times: once for each block is enough, or none of the work is shared")


# 3

product = Question("product", asks=("PRODUCT",))


def check_product(student, rng, M, N, K, order="forward", more=0):
    a, b = numbers(rng, M, K), numbers(rng, K, N)
    launched = kernels_of(student, "PRODUCT").launch(
        "product", (-(-N // 16) + more, -(-M // 16) + more), (16, 16), (a, b, unwritten(M, N), M, N, K), order=order, seed=int(rng.integers(99))
    )
    near(launched.outputs[0], a.astype(float) @ b, np.abs(a).astype(float) @ np.abs(b), K, f"order {order}, M = {M}, N = {N}, K = {K}: c")
    return launched


@product.check("whole tiles", points=1)
def _(student, rng):
    M, N, K = (16 * n for n in sizes(rng, 1, 4, 3))
    check_product(student, rng, M, N, K)


@product.check("ragged edges", points=2)
def _(student, rng):
    for _ in range(2):
        M, N, K = (16 * int(rng.integers(1, 3)) + n for n in sizes(rng, 1, 16, 3))
        check_product(student, rng, M, N, K, more=1)
    check_product(student, rng, *sizes(rng, 1, 16, 3))


@product.check("every order, and no race", points=1)
def _(student, rng):
    for order in ORDERS:
        check_product(student, rng, *(16 + n for n in sizes(rng, 1, 16, 2)), 32 + int(rng.integers(1, 16)), order)


@product.check("tiles: what one thread brings, sixteen use", points=2)
def _(student, rng):
    M, N, K = (16 * int(rng.integers(1, 3)) + n for n in sizes(rng, 1, 16, 3))
    a, b, c, *_ = check_product(student, rng, M, N, K).traffic
    for name, read, size, along, what in (("a", a.read, M * K, N, "columns"), ("b", b.read, K * N, M, "rows")):
        most = -(-along // 16)
        holds(read <= 4 * size * most, f"M = {M}, N = {N}, K = {K}: each number of {name} is read {read / 4 / size:.1f} times from global memory; c has {most} tiles of 16 {what}, and {most} times are enough")
        holds(read >= 4 * size, f"M = {M}, N = {N}, K = {K}: of {name}, only {read / 4 / size:.0%} is read from global memory: where does the rest come from?")
    holds((c.read, c.written) == (0, 4 * M * N), f"each number of c is written {c.written / 4 / M / N:.3g} times, and read {c.read / 4 / M / N:.3g} times: keep the sum in a variable of the thread, and write it once")


# 4

convolution = Question("conv", asks=("CONV", "CONV_GRADIENT"))


class Layer:
    """A convolution with random sizes that are all different, and what minicnn says of it in float64."""

    def __init__(self, rng, stride, pad):
        self.N, self.C, self.O = sizes(rng, 2, 6, 3)
        self.H, self.W = sizes(rng, 6, 11, 2)
        self.kh, self.kw = sizes(rng, 2, 5, 2)
        self.stride, self.pad = stride, pad
        self.x, self.w, self.b = numbers(rng, self.N, self.C, self.H, self.W), numbers(rng, self.O, self.C, self.kh, self.kw), numbers(rng, self.O)
        _, _, self.P, self.Q = self.right(self.x, self.w, self.b)[0].shape
        self.sizes = (self.N, self.C, self.H, self.W, self.O, self.kh, self.kw, stride, pad, self.P, self.Q)
        names = ("N", "C", "H", "W", "O", "kh", "kw", "stride", "pad")
        self.name = ", ".join(f"{name} = {size}" for name, size in zip(names, self.sizes, strict=False))

    def right(self, x, w, b):
        return conv.conv2d_forward(x.astype(float), w.astype(float), b.astype(float), stride=(self.stride,) * 2, padding=(self.pad,) * 4, dilation=(1, 1), groups=1)

    def right_gradient(self, dy, w):
        return conv.conv2d_backward(dy.astype(float), self.right(self.x, w, self.b)[1], needs=(True, False, False))[0]

    def check_forward(self, student):
        y = unwritten(self.N, self.O, self.P, self.Q)
        (found,) = kernels_of(student, "CONV").launch("conv", (-(-y.size // 64) + 2,), (64,), (self.x, self.w, self.b, y, *self.sizes), order="shuffled").outputs
        size = self.right(np.abs(self.x), np.abs(self.w), np.abs(self.b))[0]
        near(found, self.right(self.x, self.w, self.b)[0], size, self.C * self.kh * self.kw + 1, f"{self.name}: y")

    def check_gradient(self, student, rng):
        dy, dx = numbers(rng, self.N, self.O, self.P, self.Q), unwritten(self.N, self.C, self.H, self.W)
        launched = kernels_of(student, "CONV_GRADIENT").launch("conv_gradient", (-(-dx.size // 64) + 2,), (64,), (dy, self.w, dx, *self.sizes), order="shuffled")
        size = self.right_gradient(np.abs(dy), np.abs(self.w))
        near(launched.outputs[0], self.right_gradient(dy, self.w), size, self.O * self.kh * self.kw, f"{self.name}: dx")
        return launched.traffic[2], dx.size


@convolution.check("forward", points=1)
def _(student, rng):
    Layer(rng, 1, 0).check_forward(student)


@convolution.check("forward: stride and padding", points=2)
def _(student, rng):
    for stride, pad in ((2, 0), (1, 1), (3, 2)):
        Layer(rng, stride, pad).check_forward(student)


@convolution.check("gradient: each pixel is written once", points=1)
def _(student, rng):
    dx, pixels = Layer(rng, 1, 0).check_gradient(student, rng)
    holds((dx.read, dx.written) == (0, 4 * pixels), f"each pixel of dx is written {dx.written / 4 / pixels:.3g} times and read {dx.read / 4 / pixels:.3g} times: collect in a variable of the thread, and write once")


@convolution.check("gradient: stride and padding", points=2)
def _(student, rng):
    for stride, pad in ((2, 0), (1, 1), (3, 2)):
        Layer(rng, stride, pad).check_gradient(student, rng)
