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


def some(rng, N=3, C=4, H=2, W=5):
    """Images that are nowhere near normal, with gamma, beta and running statistics."""
    x = 3 + 2 * rng.standard_normal((N, C, H, W)) * np.arange(1, C + 1)[:, None, None]
    return x, rng.uniform(0.5, 2, C), rng.standard_normal(C), rng.standard_normal(C), rng.uniform(0.5, 2, C)


# 1

bn_forward = Question("bn-forward", asks=("batch_norm",))


@bn_forward.check("training: mean 0 and variance 1", points=2)
def _(student, rng):
    x, _, _, mean, var = some(rng)
    y = three(student.batch_norm(x, np.ones(4), np.zeros(4), mean, var, True, 0.1, 1e-12))[0]
    holds(np.shape(y) == x.shape, f"y has shape {np.shape(y)}, and x {x.shape}")
    equal(y.mean(axis=(0, 2, 3)), np.zeros(4), "the mean of y in each channel", hint="over images and pixels: one mean for each channel")
    equal(y.var(axis=(0, 2, 3)), np.ones(4), "the variance of y in each channel", rtol=1e-6)


@bn_forward.check("training: gamma, beta, eps", points=1)
def _(student, rng):
    x, gamma, beta, mean, var = some(rng)
    normal = (x - x.mean(axis=(0, 2, 3), keepdims=True)) / np.sqrt(x.var(axis=(0, 2, 3), keepdims=True) + 0.7)
    right = gamma[:, None, None] * normal + beta[:, None, None]
    equal(three(student.batch_norm(x, gamma, beta, mean, var, True, 0.1, 0.7))[0], right, "y with eps = 0.7", hint="eps belongs under the root")


@bn_forward.check("training: the running statistics", points=2)
def _(student, rng):
    x, gamma, beta, mean, var = some(rng)
    _, new_mean, new_var = three(student.batch_norm(x, gamma, beta, mean, var, True, 0.3))
    equal(new_mean, 0.7 * mean + 0.3 * x.mean(axis=(0, 2, 3)), "running_mean with momentum = 0.3")
    equal(new_var, 0.7 * var + 0.3 * x.var(axis=(0, 2, 3), ddof=1), "running_var with momentum = 0.3", hint="with 1 / (n - 1), and n counts images and pixels")


@bn_forward.check("evaluation: the running statistics are used, and stay", points=2)
def _(student, rng):
    x, gamma, beta, mean, var = some(rng)
    y, new_mean, new_var = three(student.batch_norm(x, gamma, beta, mean, var, False))
    right = gamma[:, None, None] * (x - mean[:, None, None]) / np.sqrt(var + 1e-5)[:, None, None] + beta[:, None, None]
    equal(y, right, "y in evaluation", hint="not the batch's own mean")
    equal(new_mean, mean, "running_mean after evaluation")
    equal(new_var, var, "running_var after evaluation")


# 2

bn_backward = Question("bn-backward", asks=("batch_norm_backward",))


@bn_backward.check("all three gradients", points=6)
def _(student, rng):
    x, gamma, beta, _, _ = some(rng, N=2, C=3, H=2, W=2)

    def forward(x, gamma, beta):
        normal = (x - x.mean(axis=(0, 2, 3), keepdims=True)) / np.sqrt(x.var(axis=(0, 2, 3), keepdims=True) + 0.1)
        return gamma[:, None, None] * normal + beta[:, None, None], (x, gamma)

    check_pair(forward, lambda dy, cache: student.batch_norm_backward(dy, *cache, 0.1), {"x": x, "gamma": gamma, "beta": beta}, rng)


# 3

fusion = Question("fusion", asks=("fused",))


@fusion.check("one convolution for both", points=3)
def _(student, rng):
    _, gamma, beta, mean, var = some(rng)
    x, w, b = rng.standard_normal((2, 3, 5, 6)), rng.standard_normal((4, 3, 2, 3)), rng.standard_normal(4)

    def convolution(w, b):
        return conv.conv2d_forward(x, w, b, stride=(1, 1), padding=(0,) * 4, dilation=(1, 1), groups=1)[0]

    new_w, new_b = two(student.fused(w, b, gamma, beta, mean, var, 0.3))
    holds(new_w.shape == w.shape, f"the weights have shape {new_w.shape}, and should have {w.shape}")
    right = gamma[:, None, None] * (convolution(w, b) - mean[:, None, None]) / np.sqrt(var + 0.3)[:, None, None] + beta[:, None, None]
    equal(convolution(new_w, np.asarray(new_b)), right, "what the fused convolution puts out", hint="the bias is in front of the batch norm, too")


# 4

dropout = Question("dropout", asks=("dropout", "dropout_backward"), given=GENERATOR)


def draw(student, x, p, rng, training=True):
    """y and what is kept."""
    return two(student.dropout(x, p, training, student.generator(int(rng.integers(2**31)))))


@dropout.check("how many are dropped, and the factor of the others", points=2)
def _(student, rng):
    x = rng.uniform(1, 2, (200, 300))
    for p in (0.2, 0.5):
        y, _ = draw(student, x, p, rng)
        gone = float((y == 0).mean())
        holds(abs(gone - p) < 0.01, f"with p = {p}, {gone:.1%} of 60,000 numbers are 0: {p:.0%} should be")
        equal(y[y != 0], (x / (1 - p))[y != 0], f"what is kept, with p = {p}", hint="times 1 / (1 - p)")


@dropout.check("evaluation: nothing happens", points=1)
def _(student, rng):
    x = rng.standard_normal((3, 4))
    equal(draw(student, x, 0.4, rng, training=False)[0], x, "y in evaluation", hint="no noise, and no factor")


@dropout.check("backward: the same mask", points=2)
def _(student, rng):
    x, dy = rng.uniform(1, 2, (6, 7)), rng.standard_normal((6, 7))
    for training in (True, False):
        y, kept = draw(student, x, 0.4, rng, training)
        gone = int((y == 0).sum())
        holds(0 < gone < y.size if training else gone == 0, f"training={training}: {gone} of {y.size} numbers are 0")
        equal(student.dropout_backward(dy, kept), dy * y / x, f"dx, training={training}", hint="dx is 0 where y is, and has the same factor elsewhere")


# 5

start = Question("he", asks=("he",), given=GENERATOR)


@start.check("a linear layer", points=2)
def _(student, rng):
    check_spread(student, rng, (300, 200), 200)


@start.check("a convolution", points=2)
def _(student, rng):
    check_spread(student, rng, (200, 30, 3, 5), 450)


def check_spread(student, rng, shape, fan_in):
    """Mean 0 and the right deviation, by tens of thousands of weights: their own deviation is then known to half a per cent."""
    w = student.he(shape, student.generator(int(rng.integers(2**31))))
    holds(np.shape(w) == shape, f"he({shape}) has shape {np.shape(w)}")
    right = np.sqrt(2 / fan_in)
    holds(abs(w.std() / right - 1) < 0.03, f"he({shape}) has the standard deviation {w.std():.4f}, and should have {right:.4f}")
    holds(abs(w.mean()) < 0.03 * right, f"he({shape}) has the mean {w.mean():.4f}, and should be around 0")
    holds(0.65 < float((abs(w) < right).mean()) < 0.72, f"he({shape}) is not normal: {float((abs(w) < right).mean()):.0%} are within one standard deviation, 68 % should be")
