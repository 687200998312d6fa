"""What must hold in assignment 3."""

import numpy as np

from minicnn.course.gradients import check_pair, two
from minicnn.course.questions import Question, WrongAnswer, equal, holds
from minicnn.kernels.array import conv

GENERATOR = "def generator(seed):\n    return np.random.default_rng(seed)"


def three(result):
    """What batch_norm returns."""
    if not isinstance(result, (tuple, list)) or len(result) != 3:
        raise WrongAnswer("batch_norm must return three things: y, running_mean, running_var")
    return result


def some(rng, **given):
    """Images that are nowhere near normal, with gamma, beta and running statistics. Sizes are all different."""
    N, C, H, W = (given.get(name, size) for name, size in zip("NCHW", (2 + rng.permutation(4)).tolist(), strict=True))
    x = 3 + 2 * rng.standard_normal((N, C, H, W)) * np.arange(1, C + 1)[:, None, None]
    return x, rng.uniform(0.5, 2, C), rng.standard_normal(C), rng.standard_normal(C), rng.uniform(0.5, 2, C)


def normalised(x, eps):
    """With the batch's own mean and variance."""
    return (x - x.mean(axis=(0, 2, 3), keepdims=True)) / np.sqrt(x.var(axis=(0, 2, 3), keepdims=True) + eps)


# 1

bn_forward = Question("bn-forward", asks=("batch_norm",))


@bn_forward.check("training: mean 0 and variance 1", points=2)
def _(student, rng):
    x, _, _, mean, var = some(rng)
    C = x.shape[1]
    y = three(student.batch_norm(x, np.ones(C), np.zeros(C), mean, var, True, 0.1, 1e-12))[0]
    holds(np.shape(y) == x.shape, f"y has shape {np.shape(y)}, and x {x.shape}")
    equal(y.mean(axis=(0, 2, 3)), np.zeros(C), "the mean of y in each channel", hint="over images and pixels: one mean for each channel")
    equal(y.var(axis=(0, 2, 3)), np.ones(C), "the variance of y in each channel", rtol=1e-6)
    equal(y, normalised(x, 1e-12), "y with gamma = 1 and beta = 0")


@bn_forward.check("training: gamma, beta, eps", points=1)
def _(student, rng):
    x, gamma, beta, mean, var = some(rng)
    eps = float(rng.uniform(0.3, 2))
    right = gamma[:, None, None] * normalised(x, eps) + beta[:, None, None]
    equal(three(student.batch_norm(x, gamma, beta, mean, var, True, 0.1, eps))[0], right, f"y with eps = {eps:.3g}", hint="eps belongs under the root")


@bn_forward.check("training: the running statistics", points=2)
def _(student, rng):
    x, gamma, beta, mean, var = some(rng)
    m = float(rng.uniform(0.15, 0.4))
    _, new_mean, new_var = three(student.batch_norm(x, gamma, beta, mean, var, True, m))
    equal(new_mean, (1 - m) * mean + m * x.mean(axis=(0, 2, 3)), f"running_mean with momentum = {m:.3g}")
    equal(new_var, (1 - m) * var + m * x.var(axis=(0, 2, 3), ddof=1), f"running_var with momentum = {m:.3g}", hint="with 1 / (n - 1), and n counts images and pixels")


@bn_forward.check("evaluation: the running statistics are used, and stay", points=2)
def _(student, rng):
    for sizes in ({}, {"N": 1, "H": 1, "W": 1}):
        x, gamma, beta, mean, var = some(rng, **sizes)
        m, eps = rng.uniform(0.1, 1, 2).tolist()
        y, new_mean, new_var = three(student.batch_norm(x, gamma, beta, mean, var, False, m, eps))
        right = gamma[:, None, None] * (x - mean[:, None, None]) / np.sqrt(var + eps)[:, None, None] + beta[:, None, None]
        equal(y, right, f"y in evaluation, with x {x.shape} and eps = {eps:.3g}", hint="not the batch's own mean")
        equal(new_mean, mean, "running_mean after evaluation")
        equal(new_var, var, "running_var after evaluation")
    x, gamma, beta, mean, var = some(rng)
    y, again = (three(student.batch_norm(x, gamma, beta, mean, var, training))[0] for training in (True, False))
    holds(not np.array_equal(y, again), "training or evaluation, y is the same")


# 2

bn_backward = Question("bn-backward", asks=("batch_norm_backward",))


def asked_for_three(student, *given):
    """The three gradients."""
    found = student.batch_norm_backward(*given)
    if not isinstance(found, (tuple, list)) or len(found) != 3:
        raise WrongAnswer("batch_norm_backward must return three things: dx, dgamma, dbeta")
    return found


@bn_backward.check("dgamma and dbeta", points=2)
def _(student, rng):
    x, gamma, _, _, _ = some(rng)
    dy, eps = rng.standard_normal(x.shape), float(rng.uniform(0.1, 1))
    _, dgamma, dbeta = asked_for_three(student, dy, x, gamma, eps)
    equal(dgamma, (dy * normalised(x, eps)).sum(axis=(0, 2, 3)), "dgamma")
    equal(dbeta, dy.sum(axis=(0, 2, 3)), "dbeta")


@bn_backward.check("dx", points=4)
def _(student, rng):
    x, gamma, beta, _, _ = some(rng)
    eps = float(rng.uniform(0.1, 1))
    check_pair(
        lambda x: (gamma[:, None, None] * normalised(x, eps) + beta[:, None, None], x),
        lambda dy, x: asked_for_three(student, dy, x, gamma, eps)[0], {"x": x}, rng,
    )  # fmt: skip


# 3

fusion = Question("fusion", asks=("fused",))


@fusion.check("one convolution for both", points=3)
def _(student, rng):
    N, C, O = (2 + rng.permutation(3)).tolist()
    (kh, kw), eps = rng.permutation([2, 3]).tolist(), float(rng.uniform(0.1, 1))
    _, gamma, beta, mean, var = some(rng, C=O)
    x, w, b = rng.standard_normal((N, C, 5, 6)), rng.standard_normal((O, C, kh, kw)), rng.standard_normal(O)

    def convolution(w, b):
        return conv.conv2d_forward(x, w, b, stride=(1, 1), padding=(0,) * 4, dilation=(1, 1), groups=1)[0]

    new_w, new_b = two(student.fused(w, b, gamma, beta, mean, var, eps))
    holds(new_w.shape == w.shape, f"the weights have shape {new_w.shape}, and should have {w.shape}")
    holds(np.shape(new_b) == (O,), f"the biases have shape {np.shape(new_b)}, and should have {(O,)}")
    right = gamma[:, None, None] * (convolution(w, b) - mean[:, None, None]) / np.sqrt(var + eps)[:, None, None] + beta[:, None, None]
    equal(convolution(new_w, np.asarray(new_b)), right, "what the fused convolution puts out", hint="the bias is in front of the batch norm, too")


# 4

dropout = Question("dropout", asks=("dropout", "dropout_backward"), given=GENERATOR)


def draw(student, x, p, seed, training=True):
    """y and what is kept, with the random numbers of a seed."""
    y, kept = two(student.dropout(x, p, training, student.generator(seed)))
    holds(y.shape == x.shape, f"y has shape {y.shape}, and x {x.shape}")
    return y, kept


def two_seeds(rng):
    """Different ones."""
    seed = int(rng.integers(2**31))
    return seed, seed + 1


@dropout.check("how many are dropped, and the factor of the others", points=2)
def _(student, rng):
    for p in (0.5, float(rng.uniform(0.15, 0.3)), float(rng.uniform(0.6, 0.7))):
        x = rng.uniform(1, 2, (30, 4, *(20 + rng.permutation(9)[:2]).tolist()))
        y, _ = draw(student, x, p, int(rng.integers(2**31)))
        gone = y == 0
        holds(abs(gone.mean() - p) < 0.015, f"with p = {p:.3g}, {gone.mean():.1%} of {x.size:,} numbers are 0: {p:.1%} should be")
        equal(y[~gone], (x / (1 - p))[~gone], f"what is kept, with p = {p:.3g}", hint="times 1 / (1 - p)")


@dropout.check("the dice are thrown for each number, by rng", points=1)
def _(student, rng):
    p, (seed, another) = float(rng.uniform(0.4, 0.6)), two_seeds(rng)
    x = rng.uniform(1, 2, (20, 21, 4, 5))
    gone = draw(student, x, p, seed)[0] == 0
    holds(np.array_equal(gone, draw(student, x, p, seed)[0] == 0), "the same rng drops other numbers: take all random numbers from rng")
    holds(not np.array_equal(gone, draw(student, x, p, another)[0] == 0), "another rng drops the same numbers: take the random numbers from rng")
    for axis in range(x.ndim):
        agree = float((np.diff(gone.astype(int), axis=axis) == 0).mean())
        holds(agree < 0.65, f"neighbours along axis {axis} are dropped together in {agree:.0%} of all cases: each number needs its own random number")


@dropout.check("evaluation: nothing happens", points=1)
def _(student, rng):
    x, p = rng.uniform(1, 2, (6, 7)), float(rng.uniform(0.3, 0.6))
    equal(draw(student, x, p, 0, training=False)[0], x, "y in evaluation", hint="no noise, and no factor")
    holds(not np.array_equal(draw(student, x, p, 0)[0], x), "in training y is x as well: nothing is dropped")


@dropout.check("backward: the same mask", points=1)
def _(student, rng):
    p, x, dy = float(rng.uniform(0.3, 0.6)), rng.uniform(1, 2, (2, 3, 6, 7)), rng.standard_normal((2, 3, 6, 7))
    for training in (True, False):
        y, kept = draw(student, x, p, int(rng.integers(2**31)), training)
        gone = int((y == 0).sum())
        holds(0 < gone < y.size if training else gone == 0, f"training={training}: {gone} of {y.size} numbers are 0")
        equal(student.dropout_backward(dy, kept), dy * y / x, f"dx, training={training}", hint="dx is 0 where y is, and has the same factor elsewhere")


# 5

start = Question("he", asks=("he",), given=GENERATOR)


@start.check("a linear layer", points=2)
def _(student, rng):
    few, many = rng.integers([150, 300], [250, 400]).tolist()
    for O, C in ((few, many), (many, few)):
        check_spread(student, rng, (O, C), C)


@start.check("a convolution", points=2)
def _(student, rng):
    (few, many), (kh, kw) = rng.integers([30, 150], [40, 200]).tolist(), rng.permutation([3, 5]).tolist()
    for O, C in ((few, many), (many, few)):
        check_spread(student, rng, (O, C, kh, kw), C * kh * kw)


def check_spread(student, rng, shape, fan_in):
    """Mean 0 and the right deviation, by tens of thousands of weights: their own deviation is then known to half a per cent."""
    seed, another = two_seeds(rng)
    w, again, other = (student.he(shape, student.generator(each)) for each in (seed, seed, another))
    holds(np.shape(w) == shape, f"he({shape}) has shape {np.shape(w)}")
    right = np.sqrt(2 / fan_in)
    holds(abs(w.std() / right - 1) < 0.03, f"he({shape}) has the standard deviation {w.std():.4f}, and should have {right:.4f}")
    holds(abs(w.mean()) < 0.03 * right, f"he({shape}) has the mean {w.mean():.4f}, and should be around 0")
    holds(0.65 < float((abs(w) < right).mean()) < 0.72, f"he({shape}) is not normal: {float((abs(w) < right).mean()):.0%} are within one standard deviation, 68 % should be")
    holds(np.array_equal(w, again) and not np.array_equal(w, other), "the same rng must give the same weights, and another rng others: take the random numbers from rng")
