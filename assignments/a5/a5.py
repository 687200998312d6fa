# ---
# jupyter:
#   jupytext: {text_representation: {extension: .py, format_name: percent}}
#   kernelspec: {display_name: Python 3 (ipykernel), language: python, name: python3}
# ---

# %% [markdown]
# # Assignment 5: efficient networks
#
# A 3x3 convolution from C to C channels multiplies 9 C² numbers at every pixel. It connects every channel with every
# other one. Networks for telephones connect fewer, in groups or one by one, and mix them afterwards. You will build
# these parts, count what they save, and measure how much of it arrives.
#
# Write where it says `YOUR CODE HERE`, run the cell, and then the cell under it, which checks what you have run.

# %% tags=["provided"]
import numpy as np


def conv(x, w, padding=0):
    """A convolution of stride 1, without bias: (N, C, H, W), (O, C, kh, kw) -> (N, O, H', W')."""
    from numpy.lib.stride_tricks import sliding_window_view

    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    return np.einsum("nchwuv,ocuv->nohw", sliding_window_view(padded, w.shape[2:], axis=(2, 3)), w)


# %% [markdown]
# ## 1 In groups (4 points)
#
# Divide the C input channels into G groups of neighbours (the first C / G are the first group), and the O output
# channels as well. Each output channel sees the inputs of its own group only, so the filters are `w` (O, C / G, kh,
# kw), and both weights and multiplications are divided by G. (AlexNet did it, because its two GPUs had too little
# memory.)
#
# You have `conv(x, w, padding)`.

# %% question="grouped"
def grouped_conv(x, w, groups, padding=0):
    """(N, C, H, W), (O, C / groups, kh, kw) -> (N, O, H', W')."""
    ### BEGIN SOLUTION
    size, count = x.shape[1] // groups, len(w) // groups
    parts = [
        conv(x[:, g * size : (g + 1) * size], w[g * count : (g + 1) * count], padding)
        for g in range(groups)
    ]
    return np.concatenate(parts, axis=1)
    ### END SOLUTION


# %% [markdown]
# ## 2 One by one (5 points)
#
# With as many groups as channels each channel is filtered by itself: a *depthwise* convolution, with `w` (C, kh, kw).
# It mixes no channels at all; a 1x1 convolution behind it does (MobileNet, Howard et al. 2017). Write the depthwise
# convolution without a loop over channels, and count the multiply-adds of both ways on an H x W map, which keeps its
# size: a k x k convolution from C to O channels, and a depthwise one of k x k with a 1x1 behind it. The second needs
# $1/O + 1/k^2$ of the first.

# %% question="separable"
def depthwise_conv(x, w, padding=0):
    """(N, C, H, W), (C, kh, kw) -> (N, C, H', W')."""
    ### BEGIN SOLUTION
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, w.shape[1:], axis=(2, 3))
    return np.einsum("nchwuv,cuv->nchw", windows, w)
    ### END SOLUTION


def full_macs(C, O, k, H, W):
    """Of a convolution, without biases, on a map that keeps its size."""
    ### BEGIN SOLUTION
    return C * O * k * k * H * W
    ### END SOLUTION


def separable_macs(C, O, k, H, W):
    """Of a depthwise and a 1x1 convolution behind it."""
    ### BEGIN SOLUTION
    return C * (k * k + O) * H * W
    ### END SOLUTION


# %% [markdown]
# ## 3 Shuffled (3 points)
#
# Two grouped convolutions behind each other never let the groups meet. ShuffleNet (Zhang et al. 2017) deals the
# channels out like cards between them: the first channel of each group, then the second of each, and so on. It is a
# reshape, a transposition, and a reshape.

# %% question="shuffle"
def channel_shuffle(x, groups):
    """(N, C, H, W) -> the same channels in another order."""
    ### BEGIN SOLUTION
    N, C, H, W = x.shape
    return x.reshape(N, groups, C // groups, H, W).transpose(0, 2, 1, 3, 4).reshape(N, C, H, W)
    ### END SOLUTION


# %% [markdown]
# ## 4 Squeeze and excite (4 points)
#
# Which channels matter in this image? *Squeeze*: the mean $\bar x$ of each channel, over its pixels. *Excite*: two
# small linear layers, a ReLU between them and a sigmoid $\sigma(z) = 1 / (1 + e^{-z})$ at the end, give a number $s$
# between 0 and 1 for each channel of each image, by which it is multiplied (SENet, Hu et al. 2017):
#
# $$s = \sigma(W_2\,\text{relu}(W_1 \bar x + b_1) + b_2), \qquad y_{nchw} = s_{nc}\, x_{nchw}.$$

# %% question="squeeze-excite"
def squeeze_excite(x, w1, b1, w2, b2):
    """x (N, C, H, W), w1 (R, C), b1 (R,), w2 (C, R), b2 (C,) -> (N, C, H, W)."""
    ### BEGIN SOLUTION
    hidden = np.maximum(x.mean(axis=(2, 3)) @ w1.T + b1, 0)
    scale = 1 / (1 + np.exp(-(hidden @ w2.T + b2)))
    return x * scale[:, :, None, None]
    ### END SOLUTION


# %% [markdown]
# ## 5 Deeper, wider, larger (4 points)
#
# A network costs in proportion to its depth, to the *square* of its width, and to the square of its image's side.
# EfficientNet (Tan & Le 2019) grows all three at once: the depth by $\alpha^\phi$, the width (its channels) by
# $\beta^\phi$ and the side by $\gamma^\phi$, with $\alpha \beta^2 \gamma^2 \approx 2$, so that each step of $\phi$
# doubles the cost.
#
# Channels are rounded to the nearest multiple of 8 (of two that are equally near, the larger), and never down by more
# than a tenth: if they would be, take the next multiple. So 11.5 becomes 16, for 8 would be too few.

# %% question="compound"
def cost(alpha, beta, gamma, phi):
    """By which factor the cost grows."""
    ### BEGIN SOLUTION
    return (alpha * beta**2 * gamma**2) ** phi
    ### END SOLUTION


def scaled_channels(channels, width):
    """`channels` times `width`, rounded as said."""
    ### BEGIN SOLUTION
    wanted = channels * width
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wanted else rounded
    ### END SOLUTION


# %%
try:
    alpha, beta, gamma = 1.2, 1.1, 1.15
    for phi in range(4):
        channels = [scaled_channels(C, beta**phi) for C in (32, 16, 24, 40, 80, 112, 192, 320)]
        side = 224 * gamma**phi
        times = cost(alpha, beta, gamma, phi)
        print(f"phi = {phi}: {times:.2f} times the cost, side {side:.0f}, channels {channels}")
except NotImplementedError:
    print("not written yet")

# %% [markdown]
# ## Multiplications are not seconds
#
# A depthwise separable layer has 7 to 9 times fewer multiply-adds than a 3x3 convolution. How much faster is it? Here
# both run on minicnn's own kernels, on this computer. A depthwise convolution multiplies each number that it loads
# only nine times, and so it waits for the memory. (Less than 1 "times as fast" means slower.)

# %%
import time

import minicnn
from minicnn import nn


def milliseconds(layer, x):
    best = float("inf")
    with minicnn.no_grad():
        for _ in range(8):
            start = time.perf_counter()
            layer(x).numpy()
            best = min(best, time.perf_counter() - start)
    return 1000 * best


try:
    for C in (32, 128):
        x = minicnn.randn(8, C, 56, 56)
        full = nn.Conv2d(C, C, 3, padding=1, bias=False)
        depthwise = nn.Conv2d(C, C, 3, padding=1, groups=C, bias=False)
        separable = nn.Sequential(depthwise, nn.Conv2d(C, C, 1, bias=False))
        fewer = full_macs(C, C, 3, 56, 56) / separable_macs(C, C, 3, 56, 56)
        faster = milliseconds(full, x) / milliseconds(separable, x)
        print(f"{C} channels: {fewer:.1f} times fewer multiply-adds, {faster:.1f} times as fast")
except NotImplementedError:
    print("not written yet")

# %% [markdown]
# You now have the parts of MobileNet, ShuffleNet, SENet and EfficientNet, and know why fewer multiplications need not
# be less time. Assignment 6 takes networks that have learnt as they are, and uses them for something else: to find
# similar pictures, and to say where a thing is.
