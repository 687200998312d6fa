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


@grouped.check("two groups", points=2)
def _(student, rng):
    x, w = rng.standard_normal((2, 6, 5, 4)), rng.standard_normal((8, 3, 3, 2))
    equal(student.grouped_conv(x, w, 2), convolution(x, w, 2), "grouped_conv(x, w, groups=2)", hint="x has 6 channels and w 8 filters")


@grouped.check("other numbers of groups, and padding", points=2)
def _(student, rng):
    for groups in (1, 3, 6):
        x, w = rng.standard_normal((2, 6, 5, 4)), rng.standard_normal((12, 6 // groups, 3, 3))
        equal(student.grouped_conv(x, w, groups, 1), convolution(x, w, groups, 1), f"grouped_conv(x, w, groups={groups}, padding=1)")


# 2

separable = Question("separable", asks=("depthwise_conv", "full_macs", "separable_macs"))


@separable.check("depthwise", points=3)
def _(student, rng):
    x, w = rng.standard_normal((2, 5, 6, 4)), rng.standard_normal((5, 3, 2))
    equal(student.depthwise_conv(x, w), convolution(x, w[:, None], 5), "depthwise_conv(x, w)")
    w = rng.standard_normal((5, 3, 3))
    equal(student.depthwise_conv(x, w, 1), convolution(x, w[:, None], 5, 1), "depthwise_conv(x, w, padding=1)")


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
    for groups, size in ((2, 3), (3, 4), (1, 5), (5, 1)):
        x = rng.standard_normal((2, groups * size, 3, 2))
        right = np.stack([x[:, g * size + i] for i in range(size) for g in range(groups)], axis=1)
        equal(student.channel_shuffle(x, groups), right, f"channel_shuffle(x, {groups}) of {groups * size} channels", hint="the first of each group comes first")


# 4

excite = Question("squeeze-excite", asks=("squeeze_excite",))


@excite.check("channels weighed by what is in the image", points=4)
def _(student, rng):
    x, w1 = rng.standard_normal((3, 6, 4, 5)) + 2 * rng.standard_normal((3, 6, 1, 1)), rng.standard_normal((2, 6))  # images with different means
    b1 = 0.5 - np.sort(x.mean(axis=(2, 3)) @ w1.T, axis=0)[1]  # so that each unit is on for two of the three
    w2, b2 = rng.standard_normal((6, 2)), rng.standard_normal(6)
    right = np.empty_like(x)
    for n in range(3):
        mean = np.array([x[n, c].sum() / 20 for c in range(6)])
        hidden = np.array([max(0.0, float(w1[r] @ mean + b1[r])) for r in range(2)])
        for c in range(6):
            right[n, c] = x[n, c] / (1 + np.exp(-float(w2[c] @ hidden + b2[c])))
    equal(student.squeeze_excite(x, w1, b1, w2, b2), right, "squeeze_excite(x, w1, b1, w2, b2)")


# 5

compound = Question("compound", asks=("cost", "scaled_channels"))


@compound.check("the cost", points=2)
def _(student, rng):
    for phi in (0, 1, 2.5):
        alpha, beta, gamma = rng.uniform(1, 1.4, 3)
        right = alpha**phi * (beta**phi) ** 2 * (gamma**phi) ** 2
        equal(student.cost(float(alpha), float(beta), float(gamma), phi), right, f"cost({alpha:.3f}, {beta:.3f}, {gamma:.3f}, {phi})", hint="width and side count twice")


@compound.check("channels", points=2)
def _(student, rng):
    for channels, width, right in ((32, 1.0, 32), (32, 1.1, 32), (24, 1.1, 24), (40, 1.2, 48), (36, 1.0, 40), (11, 1.0, 16), (3, 1.0, 8), (20, 1.0, 24), (18, 1.0, 24), (112, 1.4, 160)):
        equal(student.scaled_channels(channels, width), right, f"scaled_channels({channels}, {width})", hint="a multiple of 8, and not below nine tenths of what is wanted")
