# ---
# jupyter:
#   jupytext: {text_representation: {extension: .py, format_name: percent}}
#   kernelspec: {display_name: Python 3 (ipykernel), language: python, name: python3}
# ---

# %% [markdown]
# # Assignment 4: architectures, by arithmetic and by building
#
# From AlexNet to ResNet: every step in this history is an answer to a number. How many parameters, how many
# multiplications, how much of the image does a neuron see? You will work the numbers out, and build the block that
# made networks of a hundred layers possible.
#
# Write where it says `YOUR CODE HERE`, run the cell, and then the cell under it, which checks what you have run.

# %% tags=["provided"]
import numpy as np

# %% [markdown]
# ## 1 A table of layers (6 points)
#
# A layer is a tuple, as in these three: `("conv", O, k, stride, padding)`, `("pool", k, stride)`, `("fc", O)`. Given
# the shape (C, H, W) of an image, work out for each layer the shape of its output, its parameters (with biases) and
# its multiply-adds (the additions of biases do not count, poolings have none). A fully connected layer takes
# everything that is there and puts out (O, 1, 1).
#
# Sizes round down, as in assignment 2.

# %% question="table"
def table(shape, layers):
    """A list of (output shape, parameters, multiply-adds), one for each layer."""
    ### BEGIN SOLUTION
    C, H, W = shape
    rows = []
    for kind, *numbers in layers:
        if kind == "conv":
            O, k, stride, padding = numbers
            H, W = ((size - k + 2 * padding) // stride + 1 for size in (H, W))
            parameters, macs = O * (C * k * k + 1), O * H * W * C * k * k
            C = O
        elif kind == "pool":
            k, stride = numbers
            H, W = ((size - k) // stride + 1 for size in (H, W))
            parameters = macs = 0
        else:
            (O,) = numbers
            parameters, macs = O * (C * H * W + 1), O * C * H * W
            C, H, W = O, 1, 1
        rows.append(((C, H, W), parameters, macs))
    return rows
    ### END SOLUTION


# %% [markdown]
# AlexNet (in one piece, not on two GPUs) and VGG16: 62 and 138 million parameters. In which layers are most of them?
# And most of the multiplications?

# %%
ALEXNET = [("conv", 96, 11, 4, 0), ("pool", 3, 2), ("conv", 256, 5, 1, 2), ("pool", 3, 2)]
ALEXNET += [("conv", 384, 3, 1, 1), ("conv", 384, 3, 1, 1), ("conv", 256, 3, 1, 1), ("pool", 3, 2)]
ALEXNET += [("fc", 4096), ("fc", 4096), ("fc", 1000)]
VGG16 = []
for C, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
    VGG16 += [("conv", C, 3, 1, 1)] * count + [("pool", 2, 2)]
VGG16 += [("fc", 4096), ("fc", 4096), ("fc", 1000)]

try:
    for name, side, layers in (("AlexNet", 227, ALEXNET), ("VGG16", 224, VGG16)):
        rows = table((3, side, side), layers)
        print(f"{name:6} {'output':>9} {'parameters':>20} {'multiply-adds':>14}")
        for layer, (shape, parameters, macs) in zip(layers, rows, strict=True):
            print(f"  {layer[0]:4} {shape!s:16} {parameters:>12,} {macs:>14,}")
        parameters, macs = sum(row[1] for row in rows), sum(row[2] for row in rows)
        print(f"  {'all':21} {parameters:>12,} {macs:>14,}\n")
except NotImplementedError:
    print("not written yet")

# %% [markdown]
# ## 2 How much does a neuron see? (4 points)
#
# A neuron behind a stack of windows (convolutions or poolings) sees a square of the image. Each window of side `k`
# adds `k - 1` places *of its input*, and two neighbouring places there are as many pixels apart as the product of all
# strides before.
#
# Check on paper first: three 3x3 convolutions in a row see 7x7 pixels, as one of 7x7 does, and have 27 C² weights
# where that has 49 C². That is the idea of VGG.

# %% question="receptive-field"
def receptive_field(windows):
    """windows [(k, stride), ...], from the image on -> the side of the square that is seen."""
    ### BEGIN SOLUTION
    seen, step = 1, 1
    for k, stride in windows:
        seen += (k - 1) * step
        step *= stride
    return seen
    ### END SOLUTION


# %% [markdown]
# ## 3 Inception: what a bottleneck saves (5 points)
#
# GoogLeNet's module does four things at once on the same C channels, and puts the results behind each other: a 1x1
# convolution, a 3x3, a 5x5, and a 3x3 max pooling of stride 1. The naive module is expensive, and since the pooling
# keeps all channels its output has more channels than its input, every time. So a 1x1 convolution first reduces the
# channels: before the 3x3 (to `before3`), before the 5x5 (to `before5`), and *behind* the pooling (to `pool`).
#
# Count multiply-adds, without biases, and output channels. All sizes are kept, H x W.

# %% question="inception"
def naive_inception(C, H, W, o1, o3, o5):
    """Multiply-adds and output channels of the naive module with o1, o3 and o5 filters."""
    ### BEGIN SOLUTION
    return H * W * C * (o1 + 9 * o3 + 25 * o5), o1 + o3 + o5 + C
    ### END SOLUTION


def reduced_inception(C, H, W, o1, before3, o3, before5, o5, pool):
    """The same with 1x1 convolutions that reduce the channels."""
    ### BEGIN SOLUTION
    products = C * (o1 + before3 + before5 + pool) + 9 * before3 * o3 + 25 * before5 * o5
    return H * W * products, o1 + o3 + o5 + pool
    ### END SOLUTION


# %% [markdown]
# The lecture's example has 28x28 pixels, 256 channels, and 128, 192 and 96 filters: 854 million multiply-adds in the
# naive module. Reduced to 64 channels in all three places it should be 358 million, says the lecture. That total counts
# the 3x3 convolution, 28 · 28 · 192 · 9 · 64 = 87 million, twice; each of the six convolutions counted once, as in your
# function, makes 271 million.

# %%
try:
    naive, naive_channels = naive_inception(256, 28, 28, 128, 192, 96)
    reduced, channels = reduced_inception(256, 28, 28, 128, 64, 192, 64, 96, 64)
    twice = 28 * 28 * 192 * 9 * 64
    print(f"naive                   {naive / 1e6:4.0f} million, {naive_channels} channels")
    print(f"reduced                 {reduced / 1e6:4.0f} million, {channels} channels")
    print(f"reduced, the 3x3 twice  {(reduced + twice) / 1e6:4.0f} million, as in the lecture")
except NotImplementedError:
    print("not written yet")

# %% [markdown]
# ## 4 A residual block (6 points)
#
# A plain network of 56 layers does worse than one of 20, on its *training* images too: it does not even find the
# identity for the layers that it does not need. So let layers learn what is to be *added* to their input (ResNet, He
# et al. 2015):
#
# $$y = \text{relu}\big(\text{conv}(\text{relu}(\text{conv}(x, w_1)), w_2) + \text{shortcut}(x)\big)$$
#
# Both convolutions are 3x3 with padding 1; the first may have a stride. The shortcut is `x` itself where shapes
# agree; where they do not, a 1x1 convolution with the same stride, whose filters are `w_short`. (Batch norms are left
# out here.) You have `conv(x, w, stride, padding)` and `relu(x)`.
#
# Now the identity is easy to learn: which weights make a block hand on what it gets? And backward, the sum hands the
# gradient on twice: through the two convolutions, and around them, unchanged. That is why it arrives in the first
# layer of a hundred.

# %% tags=["provided"]
def conv(x, w, stride=1, padding=0):
    """A convolution without bias."""
    from numpy.lib.stride_tricks import sliding_window_view

    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = sliding_window_view(padded, w.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    return np.einsum("nchwuv,ocuv->nohw", windows, w)


def relu(x):
    """What is positive."""
    return np.maximum(x, 0)


# %% question="residual"
def residual_block(x, w1, w2, stride=1, w_short=None):
    """x (N, C, H, W), w1 (O, C, 3, 3), w2 (O, O, 3, 3), w_short (O, C, 1, 1) or None
    -> (N, O, H / stride, W / stride).
    """
    ### BEGIN SOLUTION
    inside = conv(relu(conv(x, w1, stride, 1)), w2, 1, 1)
    shortcut = x if w_short is None else conv(x, w_short, stride)
    return relu(inside + shortcut)
    ### END SOLUTION


def identity_weights(O):
    """w1 and w2 (O, O, 3, 3) with which the block gives back every x without negative numbers."""
    ### BEGIN SOLUTION
    return np.zeros((O, O, 3, 3)), np.zeros((O, O, 3, 3))
    ### END SOLUTION


# %% [markdown]
# ## 5 The bottleneck (3 points)
#
# From 50 layers on, ResNet's blocks are bottlenecks: a 1x1 convolution from C channels down to a quarter of them, a
# 3x3 there, and a 1x1 back to C. Count the weights of a basic block, two 3x3 convolutions with C channels, and those
# of a bottleneck with C channels outside. Biases and batch norms do not count.

# %% question="bottleneck"
def basic_weights(C):
    """Two 3x3 convolutions from C to C channels."""
    ### BEGIN SOLUTION
    return 2 * 9 * C * C
    ### END SOLUTION


def bottleneck_weights(C):
    """1x1 from C to C / 4, 3x3, 1x1 back to C."""
    ### BEGIN SOLUTION
    B = C // 4
    return C * B + 9 * B * B + B * C
    ### END SOLUTION


# %%
try:
    print(f"a basic block with 64 channels has {basic_weights(64):,} weights")
    print(f"a bottleneck with 256 channels has {bottleneck_weights(256):,}")
except NotImplementedError:
    print("not written yet")

# %% [markdown]
# ## Deeper, and worse
#
# The experiment that started it, small, with *your* block: three networks learn the 1437 training digits, 8x8 pixels
# each, for three epochs (three times all of them). One has two plain blocks, one has sixteen plain blocks, and one
# has sixteen blocks with shortcuts. A plain block is yours, too: its `w_short` is 0, so that nothing goes around.
#
# Your block is made of `conv` and `relu`. While this cell runs, these two names mean minicnn's convolution and ReLU,
# which remember what they have computed: so gradients come through your code without a change in it.
#
# Weights begin as in assignment 3 (He), but where there are shortcuts, `w2` begins at 0: sixteen blocks that hand on
# what they get. (A plain block with `w2` = 0 would be dead. And with He's weights and shortcuts every sum would be
# larger than the one before, sixteen times.) It takes about ten seconds.

# %%
from unittest.mock import patch

import matplotlib.pyplot as plt
from minicnn import Tensor, nn, ops, optim
from minicnn.data import DataLoader, Digits
from minicnn.errors import AutogradError


def recorded_conv(x, w, stride=1, padding=0):
    return ops.conv2d(x, w, stride=stride, padding=padding)


def learn(blocks, shortcuts, seed=0, C=8):
    """The loss of each step."""
    rng = np.random.default_rng(seed)

    def weights(*shape, begin=1.0):
        drawn = begin * rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
        return nn.Parameter(drawn.astype(np.float32))

    first, last = weights(C, 1, 3, 3), weights(10, C * 8 * 8)
    pairs = [
        (weights(C, C, 3, 3), weights(C, C, 3, 3, begin=0.0 if shortcuts else 1.0))
        for _ in range(blocks)
    ]
    around = None if shortcuts else Tensor(np.zeros((C, C, 1, 1), np.float32))
    optimizer = optim.Adam([first, last, *(w for pair in pairs for w in pair)], lr=0.001)
    images = DataLoader(Digits(train=True, size=8), batch_size=64, shuffle=True, seed=seed)
    losses = []
    for _epoch in range(3):
        for x, labels in images:
            x = ops.relu(recorded_conv(x, first, padding=1))
            for w1, w2 in pairs:
                x = residual_block(x, w1, w2, 1, around)
            loss = ops.cross_entropy(x.flatten(1) @ last.T, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


try:
    plt.figure(figsize=(7, 4))
    with patch.dict(globals(), conv=recorded_conv, relu=ops.relu):
        plt.plot(learn(2, shortcuts=False), color="tab:grey", label="2 plain blocks")
        plt.plot(learn(16, shortcuts=False), color="tab:red", label="16 plain blocks")
        plt.plot(learn(16, shortcuts=True), color="tab:blue", label="16 blocks with shortcuts")
    plt.xlabel("step")
    plt.ylabel("loss on training images")
    plt.ylim(0, 3)
    plt.grid(alpha=0.3)
    plt.legend()
    plt.show()
except NotImplementedError:
    plt.close()
    print("not written yet")
except AutogradError as error:
    plt.close()
    print("This picture needs a block made of conv, relu and + alone:", error)

# %% [markdown]
# Sixteen plain blocks are worse than two, and on the very images that they are trained on: they could do what two
# can, and do not find it. With shortcuts the same depth learns faster than the two. Is that luck? With seeds 0 to 4,
# the mean loss of the last epoch was 0.3 to 0.5 for two plain blocks, 0.8 to 1.1 for sixteen, and 0.1 to 0.2 with
# shortcuts. (`minicnn experiment degradation` does it with batch norms, and networks of 20 and 56 layers.)
#
# You now have the arithmetic by which architectures are chosen, and the block that lets them be deep. Assignment 5 asks
# the opposite question: how few multiplications can a network do with?
