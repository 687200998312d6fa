"""What must hold in assignment 5."""

import numpy as np

from minicnn.course.questions import Question, equal
from minicnn.kernels.array import conv as kernels

GIVEN = """
def conv(x, w, padding=0):
    from numpy.lib.stride_tricks import sliding_window_view
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    return np.einsum("nchwuv,ocuv->nohw", sliding_window_view(padded, w.shape[2:], axis=(2, 3)), w)
"""


def convolution(x, w, groups, padding=0):
    """By minicnn."""
    return kernels.conv2d_forward(x, w, None, stride=(1, 1), padding=(padding,) * 4, dilation=(1, 1), groups=groups)[0]


# 1

grouped = Question("grouped", asks=("grouped_conv",), given=GIVEN)


def check_grouped(student, rng, groups, padding):
    """With other numbers of channels in each group and of filters for it."""
    N, size, count, kh, kw = rng.permutation([1, 2, 3]).tolist() + rng.permutation([2, 3]).tolist()
    H, W = rng.permutation([5, 6]).tolist()
    x, w = rng.standard_normal((N, groups * size, H, W)), rng.standard_normal((groups * count, size, kh, kw))
    what = f"grouped_conv(x, w, groups={groups}, padding={padding})"
    equal(student.grouped_conv(x, w, groups, padding), convolution(x, w, groups, padding), what, hint=f"x is {x.shape}, and w {w.shape}")


@grouped.check("in groups", points=2)
def _(student, rng):
    for groups in (2, 3, int(rng.integers(4, 7))):
        check_grouped(student, rng, groups, 0)


@grouped.check("one group, many groups, and padding", points=2)
def _(student, rng):
    for groups, padding in ((1, 1), (2, 2), (int(rng.integers(5, 8)), 3)):
        check_grouped(student, rng, groups, padding)


# 2

separable = Question("separable", asks=("depthwise_conv", "full_macs", "separable_macs"))


@separable.check("depthwise", points=3)
def _(student, rng):
    for padding in (0, 1, 2):
        N, C = rng.integers([1, 4], [3, 6]).tolist()
        (H, W), (kh, kw) = rng.permutation([6, 7]).tolist(), rng.permutation([2, 3]).tolist()
        x, w = rng.standard_normal((N, C, H, W)), rng.standard_normal((C, kh, kw))
        equal(student.depthwise_conv(x, w, padding), convolution(x, w[:, None], C, padding), f"depthwise_conv(x, w, padding={padding}) with x {x.shape} and w {w.shape}")


@separable.check("multiply-adds", points=2)
def _(student, rng):
    for C, O, k, H, W in rng.integers(2, 30, (3, 5)).tolist():
        equal(student.full_macs(C, O, k, H, W), C * O * k**2 * H * W, f"full_macs({C}, {O}, {k}, {H}, {W})")
        right = C * O * k**2 * H * W * (1 / O + 1 / k**2)
        equal(student.separable_macs(C, O, k, H, W), right, f"separable_macs({C}, {O}, {k}, {H}, {W})", hint="the depthwise part and the 1x1 behind it")


# 3

shuffle = Question("shuffle", asks=("channel_shuffle",))


@shuffle.check("as one deals cards", points=3)
def _(student, rng):
    some, others = rng.permutation([2, 3, 4, 5])[:2].tolist()
    for groups, size in ((some, others), (others, some), (2, 2), (1, some), (some, 1)):
        x = rng.standard_normal((2, groups * size, 3, 2))
        right = np.stack([x[:, g * size + i] for i in range(size) for g in range(groups)], axis=1)
        equal(student.channel_shuffle(x, groups), right, f"channel_shuffle(x, {groups}) of {groups * size} channels", hint="the first of each group comes first")


# 4

excite = Question("squeeze-excite", asks=("squeeze_excite",))


@excite.check("channels weighed by what is in the image", points=4)
def _(student, rng):
    for N in (3, 1):
        C, R, H, W = (2 + rng.permutation(5)[:4]).tolist()
        x, w1 = rng.standard_normal((N, C, H, W)) + 2 * rng.standard_normal((N, C, 1, 1)), rng.standard_normal((R, C))  # images with different means
        b1 = 0.5 - np.sort(x.mean(axis=(2, 3)) @ w1.T, axis=0)[N // 2]  # so that each unit is on for some of the images
        w2, b2 = rng.standard_normal((C, R)), rng.standard_normal(C)
        right = np.empty_like(x)
        for n in range(N):
            mean = np.array([x[n, c].sum() / (H * W) for c in range(C)])
            hidden = np.array([max(0.0, float(w1[r] @ mean + b1[r])) for r in range(R)])
            for c in range(C):
                right[n, c] = x[n, c] / (1 + np.exp(-float(w2[c] @ hidden + b2[c])))
        equal(student.squeeze_excite(x, w1, b1, w2, b2), right, f"squeeze_excite(x, w1, b1, w2, b2) with x {x.shape}")


# 5

compound = Question("compound", asks=("cost", "scaled_channels"))


@compound.check("the cost", points=2)
def _(student, rng):
    for phi in (0, int(rng.integers(2, 6)), float(rng.uniform(0.5, 4))):
        alpha, beta, gamma = rng.uniform(1, 1.4, 3).tolist()
        right = alpha**phi * (beta**phi) ** 2 * (gamma**phi) ** 2
        equal(student.cost(alpha, beta, gamma, phi), right, f"cost({alpha:.3f}, {beta:.3f}, {gamma:.3f}, {phi:.3g})", hint="width and side count twice")


def right_channels(wanted):
    """The nearest multiple of 8, of two the larger; the next one if that is less than nine tenths."""
    nearest = min((abs(wanted - multiple), -multiple) for multiple in range(8, 8 * int(wanted / 8 + 2), 8))
    return -nearest[1] + 8 * (-nearest[1] < 0.9 * wanted)


@compound.check("channels", points=2)
def _(student, rng):
    halfway = [8 * int(n) + 4 for n in (*rng.integers(0, 6, 2), *rng.integers(6, 20, 2), 2 * rng.integers(3, 10))]  # as near to one multiple as to the next
    cases = [(32, 1.0), (32, 1.1), (112, 1.4), *((channels, 1.0) for channels in halfway)]
    for wanted in rng.uniform([1, 9, 18, 27, 33, 35.25, 35.6, 40], [8, 12, 20, 28, 35, 35.5, 35.95, 200]).tolist():  # from 9, 18, 27 and 35.6 down is too far down
        channels = int(rng.integers(8, 40))
        cases.append((channels, wanted / channels))
    for channels, width in cases:
        right = right_channels(channels * width)
        equal(student.scaled_channels(channels, width), right, f"scaled_channels({channels}, {width:.6g})", hint="a multiple of 8, and not below nine tenths of what is wanted")
