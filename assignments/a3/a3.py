# ---
# jupyter:
#   jupytext: {text_representation: {extension: .py, format_name: percent}}
#   kernelspec: {display_name: Python 3 (ipykernel), language: python, name: python3}
# ---

# %% [markdown]
# # Assignment 3: batch norm, dropout, and where weights begin
#
# Deep networks train only if the numbers in them stay in range. Two things see to it: weights of the right size at
# the start, and layers that put their input back into range, *batch norm*. A third, *dropout*, makes noise, so that a
# network does not learn its training images by heart. Batch norm and dropout do one thing in training and another
# afterwards, and most bugs live there.
#
# Write where it says `YOUR CODE HERE`, run the cell, and then the cell under it, which checks what you have run.

# %% tags=["provided"]
import numpy as np

# %% [markdown]
# ## 1 Batch norm, forward (7 points)
#
# For each channel of `x` (N, C, H, W), take the mean $\mu$ and the variance $\sigma^2$ over all images and pixels,
# and
#
# $$y = \gamma\,\frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta.$$
#
# $\gamma$ and $\beta$, one number for each channel, are learnt; the small $\epsilon$ (`eps`) keeps us from dividing
# by 0. While the network *trains*, $\mu$ and $\sigma^2$ are those of the batch, and running averages of them are
# kept: `running = (1 - momentum) * running + momentum * new`. When it is *evaluated*, the running ones are used, and
# nothing changes: the answer to one image must not depend on which others are in its batch.
#
# A detail in which frameworks agree, and students do not: what $y$ is divided by has the variance with $1/n$ in it;
# the running average gets the one with $1/(n-1)$, since it is an estimate for other images ($n = N H W$).
#
# Return new running statistics, and leave the arrays that you are given as they are.

# %% question="bn-forward"
def batch_norm(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    """x (N, C, H, W), all else (C,) -> y, the running mean and the running variance afterwards."""
    ### BEGIN SOLUTION
    if training:
        mean, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
        n = x.size / x.shape[1]
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    else:
        mean, var = running_mean, running_var
    scale = gamma / np.sqrt(var + eps)
    y = scale[:, None, None] * (x - mean[:, None, None]) + beta[:, None, None]
    return y, running_mean, running_var
    ### END SOLUTION


# %% [markdown]
# ## 2 Batch norm, backward (6 points)
#
# In training, $\mu$ and $\sigma^2$ depend on $x$, and gradients flow through them. As before, $dy$ comes from above.
# With $\hat x = (x - \mu)/\sqrt{\sigma^2 + \epsilon}$ and sums over the $n$ numbers of a channel, what comes out in
# the end is short:
#
# $$d\beta = \sum dy, \qquad d\gamma = \sum dy\,\hat x, \qquad
# dx = \frac{\gamma}{\sqrt{\sigma^2 + \epsilon}}\Big(dy - \frac{d\beta}{n} - \hat x\,\frac{d\gamma}{n}\Big).$$
#
# Derive it once, with a pencil. And notice: the $dx$ of a channel sums to 0, and so does $dx \cdot \hat x$. (So a
# check whose `dy` is all ones sees $dx = 0$, and accepts a backward that always answers 0.)

# %% question="bn-backward"
def batch_norm_backward(dy, x, gamma, eps=1e-5):
    """In training: dx, dgamma, dbeta."""
    ### BEGIN SOLUTION
    axes, n = (0, 2, 3), x.size / x.shape[1]
    std = np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    normal = (x - x.mean(axis=axes, keepdims=True)) / std
    dbeta, dgamma = dy.sum(axis=axes), (dy * normal).sum(axis=axes)
    scale = gamma[:, None, None] / std
    dx = scale * (dy - dbeta[:, None, None] / n - normal * dgamma[:, None, None] / n)
    return dx, dgamma, dbeta
    ### END SOLUTION


# %% [markdown]
# ## 3 A convolution that has swallowed its batch norm (3 points)
#
# After training a batch norm is a multiplication and an addition for each channel, and the convolution in front of it
# does those anyway. So at test time a batch norm can cost nothing: find weights and biases for which the convolution
# alone gives what both gave.

# %% question="fusion"
def fused(w, b, gamma, beta, mean, var, eps=1e-5):
    """w (O, C, kh, kw), all else (O,) -> the weights and the biases of one convolution."""
    ### BEGIN SOLUTION
    scale = gamma / np.sqrt(var + eps)
    return w * scale[:, None, None, None], (b - mean) * scale + beta
    ### END SOLUTION


# %% [markdown]
# ## 4 Dropout (5 points)
#
# In training each number is set to 0 with probability $p$, and those that stay are multiplied by $1/(1-p)$, so that
# the mean stays what it was. When the network is evaluated, nothing happens: no noise, and no factor.
#
# `rng.random(shape)` gives numbers between 0 and 1: drop where they are below `p`. Each number has a random number of
# its own, and all of them come from `rng`, so that a run can be repeated. Backward must use the *same* mask: keep it.

# %% question="dropout"
def dropout(x, p, training, rng):
    """y, and what backward needs."""
    ### BEGIN SOLUTION
    if not training:
        return x, np.ones_like(x)
    mask = (rng.random(x.shape) >= p) / (1 - p)
    return x * mask, mask
    ### END SOLUTION


def dropout_backward(dy, kept):
    """dx."""
    ### BEGIN SOLUTION
    return dy * kept
    ### END SOLUTION


# %% [markdown]
# ## 5 Where weights begin (4 points)
#
# Each output of a layer is a sum of so many products: call the number `fan_in`. If the weights have mean 0 and
# variance $\sigma_w^2$, and the inputs the mean square $q$, the output has the variance
# $\text{fan\_in}\,\sigma_w^2\,q$; a ReLU sets half of it to 0, and halves the mean square. For signals neither to
# grow nor to fade from layer to layer, $\tfrac12\,\text{fan\_in}\,\sigma_w^2 = 1$ (He et al. 2015).
#
# `he(shape, rng)` draws normal weights of that variance, for a linear layer (O, C) and for a convolution (O, C, kh,
# kw). What is `fan_in` of each?

# %% question="he"
def he(shape, rng):
    """Weights from a normal distribution around 0, with random numbers from rng."""
    ### BEGIN SOLUTION
    return rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
    ### END SOLUTION


# %% [markdown]
# ## Signals in thirty layers
#
# Thirty linear layers with ReLUs, at the start. The lines show the root mean square of each layer's output: with
# weights that are too small, signals are gone after ten layers, and their gradients with them; with weights that are
# too large, they explode. With yours they stay. With your batch norm they stay, too, whatever the weights.

# %%
import matplotlib.pyplot as plt

rng = np.random.default_rng(0)
start = rng.standard_normal((64, 100))


def course(draw, norm=False):
    x, found = start, []
    for _ in range(30):
        x = x @ draw((100, 100), rng).T
        if norm:
            one, zero = np.ones(100), np.zeros(100)
            x = batch_norm(x[:, :, None, None], one, zero, zero, one, True)[0][:, :, 0, 0]
        x = np.maximum(x, 0)
        found.append(np.sqrt((x**2).mean()))
    return found


def smaller(shape, rng):
    return 0.5 * he(shape, rng)


def larger(shape, rng):
    return 1.5 * he(shape, rng)


try:
    plt.semilogy(course(he), label="he")
    plt.semilogy(course(smaller), label="half of it")
    plt.semilogy(course(larger), label="one and a half of it")
    plt.semilogy(course(smaller, norm=True), "--", label="half of it, and batch norm")
    plt.xlabel("layer")
    plt.ylabel("root mean square")
    plt.legend()
    plt.show()
except NotImplementedError:
    print("not written yet")

# %% [markdown]
# You now have what keeps the numbers of a deep network in range. Assignment 4 looks at the networks that were built
# with it, from AlexNet to ResNet; and there it turns out that depth needs one thing more, a way around the layers.
