# ---
# jupyter:
#   jupytext: {text_representation: {extension: .py, format_name: percent}}
#   kernelspec: {display_name: Python 3 (ipykernel), language: python, name: python3}
# ---

# %% [markdown]
# # Assignment 2: convolution and pooling
#
# A convolution layer slides small filters over an image. In this assignment you write it: its output size, forward
# and backward with plain loops, then the same as one matrix product. At the end LeNet-5 learns to read digits with
# *your* convolution in it.
#
# Images are arrays `x` of shape (N, C, H, W): images, channels, rows, columns. Filters are `w` of shape (O, C, kh,
# kw): for each of O output channels, kh rows and kw columns for every input channel. Their biases are `b` of shape
# (O,).
#
# Write where it says `YOUR CODE HERE`, run the cell, and then the cell under it, which checks what you have run. Every
# question is checked by itself: one that is not written yet does not hold up the others.

# %% tags=["provided"]
import numpy as np

# %% [markdown]
# ## 1 Output sizes (3 points)
#
# A window of `k` pixels moves over `W` pixels in steps of `stride`, with `padding` zeros added at *each* end. How
# many places does it have?
#
# $$\frac{W - k + 2\,\text{padding}}{\text{stride}} + 1,$$
#
# rounded down. Where the window is larger than what there is, there is no output: raise a `ValueError`.
#
# AlexNet's first layer has 96 filters of 11x11 with stride 4. The paper says that its images are 224x224, and the
# output 55x55. Is that possible?

# %% question="output-size"
def output_size(W, k, stride=1, padding=0):
    """Places of a window of k pixels on W pixels."""
    ### BEGIN SOLUTION
    if k > W + 2 * padding:
        raise ValueError(f"a window of {k} does not fit on {W} pixels with padding {padding}")
    return (W - k + 2 * padding) // stride + 1
    ### END SOLUTION


def conv_parameters(C, O, k):
    """How many numbers a convolution learns: O filters of k x k on C channels, each with a bias."""
    ### BEGIN SOLUTION
    return O * (C * k * k + 1)
    ### END SOLUTION


# %%
try:
    for side in (224, 227):
        print(f"{side} pixels: {output_size(side, 11, stride=4)} places")
    print("parameters of AlexNet's first layer:", conv_parameters(3, 96, 11))
except NotImplementedError:
    print("not written yet")

# %% [markdown]
# ## 2 Convolution, forward (4 points)
#
# $$y_{n,o,i,j} = b_o + \sum_{c,u,v} x_{n,c,\;i s + u,\;j s + v}\; w_{o,c,u,v}$$
#
# with $x$ padded by zeros, and stride $s$: $n$ counts images, $o$ and $c$ channels, $i, j$ is a place in the output
# and $u, v$ one in the filter. Write it with loops over the output's rows and columns; inside, a NumPy product over
# everything else is welcome. Return `y` and a `cache`: whatever your backward will need.

# %% question="conv-forward"
def conv_forward(x, w, b, stride=1, padding=0):
    """(N, C, H, W), (O, C, kh, kw), (O,) -> y (N, O, H', W'), cache."""
    ### BEGIN SOLUTION
    H, W = x.shape[2:]
    O, _, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    rows, columns = (H - kh + 2 * padding) // stride + 1, (W - kw + 2 * padding) // stride + 1
    y = np.zeros((len(x), O, rows, columns))
    for i in range(rows):
        for j in range(columns):
            window = padded[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw]
            y[:, :, i, j] = np.einsum("ncuv,ocuv->no", window, w) + b
    return y, (x, w, stride, padding)
    ### END SOLUTION


# %% [markdown]
# Look at what it does. A filter that subtracts what is left of a pixel from what is right of it answers to vertical
# edges: red where it gets brighter from left to right, blue where it gets darker, white where nothing changes. The same
# filter turned by a quarter answers to horizontal edges. (The digit has a black margin, and black is 0 here, like the
# padding. Otherwise the border of the picture would be an edge, too.)

# %%
import matplotlib.pyplot as plt
from minicnn.data import Digits

digit = np.pad(Digits(train=False, size=28).images[0, 0] - Digits.background, 4)
sobel = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
try:
    filters = np.stack([sobel, sobel.T])[:, None]
    edges, _ = conv_forward(digit[None, None], filters, np.zeros(2), padding=1)
    largest = np.abs(edges).max()
    figure, panels = plt.subplots(1, 3, figsize=(9, 3.3))
    panels[0].imshow(digit, cmap="gray")
    for panel, values in zip(panels[1:], edges[0], strict=True):
        shown = panel.imshow(values, cmap="bwr", vmin=-largest, vmax=largest)
    figure.colorbar(shown, ax=panels)
    titles = "a digit", "right minus left", "below minus above"
    for panel, title in zip(panels, titles, strict=True):
        panel.set_title(title)
        panel.axis("off")
    plt.show()
except NotImplementedError:
    print("not written yet")

# %% [markdown]
# ## 3 Convolution, backward (6 points)
#
# The gradient $dy$ comes from above, with the shape of $y$. Each output touched one window, so
#
# $$dw_{o,c,u,v} = \sum_{n,i,j} dy_{n,o,i,j}\; x_{n,c,\;is+u,\;js+v}, \qquad
# dx_{n,c,\;is+u,\;js+v} \mathrel{+}= \sum_o dy_{n,o,i,j}\; w_{o,c,u,v}, \qquad
# db_o = \sum_{n,i,j} dy_{n,o,i,j}.$$
#
# A pixel lies in several windows, and collects from all of them: that is the $\mathrel{+}=$. The padding gets
# gradients, too, which nobody wants: cut them off.
#
# The check gives a random `dy`, in float64, and compares every element of your gradients with a slope that it has
# measured. What your backward needs to know about the forward pass it gets from `conv_cache`, which you may change.

# %% question="conv-backward"
def conv_cache(x, w, b, stride=1, padding=0):
    """What your backward wants to know; by default everything that forward was given."""
    return x, w, b, stride, padding


def conv_backward(dy, cache):
    """dy (N, O, H', W') and what `conv_cache` returned -> dx, dw, db."""
    ### BEGIN SOLUTION
    x, w, _, stride, padding = cache
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
    for i in range(dy.shape[2]):
        for j in range(dy.shape[3]):
            window = np.s_[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw]
            dw += np.einsum("no,ncuv->ocuv", dy[:, :, i, j], padded[window])
            dpadded[window] += np.einsum("no,ocuv->ncuv", dy[:, :, i, j], w)
    H, W = x.shape[2:]
    return dpadded[:, :, padding : padding + H, padding : padding + W], dw, dy.sum(axis=(0, 2, 3))
    ### END SOLUTION


# %% [markdown]
# ## 4 Max pooling (5 points)
#
# The largest of each window of `k` x `k`, in steps of `k`. Backward, the gradient goes to the place where the maximum
# was, and to no other. If several places of a window are equally large, the first one gets it (row by row).

# %% question="max-pool"
def max_pool_forward(x, k=2):
    """(N, C, H, W), H and W multiples of k -> y (N, C, H / k, W / k), cache."""
    ### BEGIN SOLUTION
    N, C, H, W = x.shape
    windows = x.reshape(N, C, H // k, k, W // k, k).transpose(0, 1, 2, 4, 3, 5)
    windows = windows.reshape(N, C, H // k, W // k, k * k)
    where = windows.argmax(axis=-1)
    return windows.max(axis=-1), (where, k)
    ### END SOLUTION


def max_pool_backward(dy, cache):
    """dy (N, C, H / k, W / k) -> dx (N, C, H, W)."""
    ### BEGIN SOLUTION
    where, k = cache
    N, C, rows, columns = dy.shape
    windows = np.zeros((N, C, rows, columns, k * k))
    np.put_along_axis(windows, where[..., None], dy[..., None], axis=-1)
    windows = windows.reshape(N, C, rows, columns, k, k).transpose(0, 1, 2, 4, 3, 5)
    return windows.reshape(N, C, rows * k, columns * k)
    ### END SOLUTION


# %% [markdown]
# ## 5 im2col: a convolution is a matrix product (5 points)
#
# Loops in Python are slow. Write each window as a row of a matrix, once, and the convolution is one product with the
# filters as a matrix. It costs memory: every pixel stands there up to kh · kw times.
#
# `im2col` returns (N · H' · W', C · kh · kw); its rows go through the images, then their rows, then their columns.
# The columns of a row are in the order of `w.reshape(O, -1)`. Two hints: `np.lib.stride_tricks.sliding_window_view`,
# and a transposition.

# %% question="im2col"
def im2col(x, kh, kw, stride=1, padding=0):
    """(N, C, H, W) -> (N H' W', C kh kw)."""
    ### BEGIN SOLUTION
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kh, kw), axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, x.shape[1] * kh * kw)
    ### END SOLUTION


def conv_by_product(x, w, b, stride=1, padding=0):
    """The same as `conv_forward(...)[0]`, with one matrix product and no loop over pixels."""
    ### BEGIN SOLUTION
    O, _, kh, kw = w.shape
    rows = im2col(x, kh, kw, stride, padding) @ w.reshape(O, -1).T + b
    sides = ((x.shape[2], kh), (x.shape[3], kw))
    H, W = ((size - k + 2 * padding) // stride + 1 for size, k in sides)
    return rows.reshape(len(x), H, W, O).transpose(0, 3, 1, 2)
    ### END SOLUTION


# %%
import time

try:
    images, filters, biases = np.ones((8, 16, 28, 28)), np.ones((32, 16, 3, 3)), np.zeros(32)
    for name, run in (("loops over pixels", conv_forward), ("one product", conv_by_product)):
        seconds = []
        for _ in range(5):
            start = time.perf_counter()
            run(images, filters, biases)
            seconds.append(time.perf_counter() - start)
        print(f"{name}: {1000 * min(seconds):.0f} milliseconds, the best of five runs")
except NotImplementedError:
    print("not written yet")

# %% [markdown]
# ## 6 One by one (2 points)
#
# A 1x1 convolution looks at one pixel at a time: it is a fully connected layer from C to O numbers, the same for
# every pixel. Write it as that, without a loop.

# %% question="one-by-one"
def conv_1x1(x, w, b):
    """(N, C, H, W), (O, C), (O,) -> (N, O, H, W)."""
    ### BEGIN SOLUTION
    return np.einsum("nchw,oc->nohw", x, w) + b[:, None, None]
    ### END SOLUTION


# %% [markdown]
# ## Your convolution inside LeNet-5
#
# minicnn finds the kernel of an operation by the name of a backend. We make one that is called `mine`, whose
# convolution is yours (everything else is NumPy's), and train LeNet-5 with it on a few hundred digits, for some ten
# seconds. Most of that time is spent in your loops. Then we look at what it says of digits that it has never seen, and
# at the six filters that its first layer has learnt.

# %%
import minicnn
from minicnn import data, models, optim
from minicnn.kernels import registry
from minicnn.train import Trainer


def my_forward(x, w, b, *, stride, padding, dilation, groups):
    y, _ = conv_forward(x, w, b if b is not None else np.zeros(len(w)), stride[0], padding[0])
    return y.astype(x.dtype), conv_cache(x, w, b, stride[0], padding[0])


def my_backward(dy, saved, *, needs):
    return tuple(gradient.astype(dy.dtype) for gradient in conv_backward(dy, saved))


train, test = data.Subset(data.Digits(train=True), range(320)), data.Digits(train=False)
try:
    registry.register("conv2d", forward=my_forward, backward=my_backward, backend="mine")
    with minicnn.use_backend("mine"):
        minicnn.manual_seed(0)
        net = models.LeNet5()
        few = data.DataLoader(train, batch_size=32, shuffle=True, seed=0)
        trainer = Trainer(net, optim.SGD(net.parameters(), lr=0.1, momentum=0.9))
        for epoch in trainer.fit(few, data.DataLoader(test, batch_size=120), epochs=4):
            print(f"epoch {epoch.epoch}: {epoch.test_accuracy:.0%} of the held-out digits right")
        with minicnn.no_grad():
            answers = net(minicnn.Tensor(test.images)).numpy().argmax(axis=1)
    right, wrong = np.flatnonzero(answers == test.labels), np.flatnonzero(answers != test.labels)
    figure, panels = plt.subplots(3, 8, figsize=(9, 4.6), layout="constrained")
    for row, numbers, colour in ((panels[0], right, "green"), (panels[1], wrong, "red")):
        for panel, i in zip(row, numbers[:: max(1, len(numbers) // 8)], strict=False):
            panel.imshow(test.images[i, 0], cmap="gray")
            panel.set_title(f"{test.labels[i]}: says {answers[i]}", color=colour)
    for panel, values in zip(panels[2], net.c1.weight.numpy()[:, 0], strict=False):
        panel.imshow(values, cmap="bwr", vmin=-abs(values).max(), vmax=abs(values).max())
    panels[2, 0].set_title("the six filters", loc="left")
    for panel in panels.flat:
        panel.axis("off")
    plt.show()
except NotImplementedError:
    print("not written yet")

# %% [markdown]
# You now have the layers of LeNet-5, forward and backward, and a network that learns with them. Networks that are much
# deeper than this one do not train so readily. Assignment 3 says why, and what helps: weights of the right size at the
# start, and batch norm.
