# ---
# jupyter:
#   jupytext: {text_representation: {extension: .py, format_name: percent}}
#   kernelspec: {display_name: Python 3 (ipykernel), language: python, name: python3}
# ---

# %% [markdown]
# # Assignment 1: autograd, and how to check it
#
# A network learns by gradients, and nobody derives them by hand for a whole network: *automatic differentiation* does
# it, one operation at a time. Here you build a small engine for single numbers, learn what broadcasting does to
# gradients, and write the check that tells a right gradient from a wrong one. You will need that check in every
# assignment that follows.
#
# Write where it says `YOUR CODE HERE`, run the cell, and then the cell under it, which checks what you have run. Every
# question is checked by itself.

# %% tags=["provided"]
import numpy as np

# %% [markdown]
# ## 1 An engine for single numbers (8 points)
#
# A `Value` holds a number in `data`, and in `grad` how much the final result changes with it. It remembers what it
# was computed from, its *parents*, and has a function `send` that sends its gradient on to those.
#
# For $z = x y$: $\quad x.\text{grad} \mathrel{+}= y \cdot z.\text{grad}$, and the other way round. Mind the
# $\mathrel{+}=$: a value that is used twice gets gradients from both places.
#
# `backward()` begins with `grad = 1` at the end and goes through the graph from there. Before a value sends on its
# gradient, it must have got *all* of it: so the order is one in which every value comes before those that it was
# computed from. To find one, walk through the graph and put each value on a list, once, after everything it was
# computed from; then go through the list backwards. (The graph may be thousands of values deep, more than Python's
# functions may call each other: keep a list of your own of what is still to be visited.)
#
# Write `+`, `*` and `relu`. Numbers on either side (`2 * x`) are turned into values.

# %% question="engine"
class Value:
    """A number that remembers where it comes from."""

    def __init__(self, data, parents=()):
        self.data = data
        self.grad = 0.0
        self.parents = parents
        self.send = lambda: None  # sends self.grad on to the parents

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        result = Value(self.data + other.data, (self, other))

        def send():
            ### BEGIN SOLUTION
            self.grad += result.grad
            other.grad += result.grad
            ### END SOLUTION

        result.send = send
        return result

    def __mul__(self, other):
        ### BEGIN SOLUTION
        other = other if isinstance(other, Value) else Value(other)
        result = Value(self.data * other.data, (self, other))

        def send():
            self.grad += other.data * result.grad
            other.grad += self.data * result.grad

        result.send = send
        return result
        ### END SOLUTION

    def relu(self):
        """The number itself where it is positive, else 0."""
        ### BEGIN SOLUTION
        result = Value(max(0.0, self.data), (self,))

        def send():
            self.grad += (self.data > 0) * result.grad

        result.send = send
        return result
        ### END SOLUTION

    def backward(self):
        """Set `grad` of everything that this value was computed from."""
        ### BEGIN SOLUTION
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            value, done = stack.pop()
            if done:
                order.append(value)
            elif id(value) not in seen:
                seen.add(id(value))
                stack.append((value, True))
                stack.extend((parent, False) for parent in value.parents)
        self.grad = 1.0
        for value in reversed(order):
            value.send()
        ### END SOLUTION

    __radd__ = __add__
    __rmul__ = __mul__

    def __repr__(self):
        return f"Value({self.data:.4g}, grad={self.grad:.4g})"


# %%
try:
    x, y = Value(3.0), Value(-2.0)
    z = x * y + x
    z.backward()
    print("z = x y + x:", z, "  dz/dx = y + 1:", x, "  dz/dy = x:", y)
except NotImplementedError:
    print("not written yet")

# %% [markdown]
# ## 2 Broadcasting (4 points)
#
# NumPy repeats what is too small: `(5, 3) + (3,)` adds the three numbers to each of five rows. Going back, a number
# that was used five times gets the *sum* of five gradients.
#
# From here on `dy` is the gradient that comes from above: how much the final result changes with each number of an
# operation's result $y$. So it has the shape of $y$.
#
# `unbroadcast(dy, shape)` returns the gradient for an array of `shape` that was broadcast to the shape of `dy`. NumPy
# puts missing axes in front, and repeats axes of length 1.

# %% question="broadcast"
def unbroadcast(dy, shape):
    """Sum dy over what was repeated; the result has `shape`."""
    ### BEGIN SOLUTION
    dy = dy.sum(axis=tuple(range(dy.ndim - len(shape))))
    repeated = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return dy.sum(axis=repeated, keepdims=True)
    ### END SOLUTION


# %% [markdown]
# ## 3 A linear layer (5 points)
#
# $y = x W^T + b$, with N inputs of C numbers in `x` (N, C), weights `w` (O, C) for O outputs, and biases `b` (O,).
# From above comes `dy` (N, O). Find the gradients of `x` and `w` by their shapes, if you like: there is only one way
# to multiply these matrices that fits. And `b` was broadcast.

# %% question="linear"
def linear_forward(x, w, b):
    """y, and what backward needs."""
    ### BEGIN SOLUTION
    return x @ w.T + b, (x, w)
    ### END SOLUTION


def linear_backward(dy, cache):
    """dx, dw, db."""
    ### BEGIN SOLUTION
    x, w = cache
    return dy @ w, dy.T @ x, dy.sum(axis=0)
    ### END SOLUTION


# %% [markdown]
# ## 4 Measured slopes (5 points)
#
# How does one know that a gradient is right? One measures. If `f` takes an array `x` to an array `y`, and `dy` comes
# from above, then everything depends on $L(x) = \sum dy \cdot f(x)$, and
#
# $$\frac{\partial L}{\partial x_i} \approx \frac{L(x + h e_i) - L(x - h e_i)}{2 h}.$$
#
# where $e_i$ is 1 at place $i$ and 0 elsewhere: one number is moved, and all others stay. Steps on both sides make an
# error in proportion to $h^2$; a step on one side only, to $h$. Leave `x` as it was.

# %% question="slopes"
def measured_gradient(f, x, dy, h=1e-5):
    """dL/dx for L(x) = sum(dy * f(x)), one element after the other.

    x is an array of float64, of any shape, and so is the result.
    """
    ### BEGIN SOLUTION
    gradient, moved = np.zeros_like(x), x.copy()
    for i in np.ndindex(x.shape):
        moved[i] = x[i] + h
        above = np.sum(dy * f(moved))
        moved[i] = x[i] - h
        below = np.sum(dy * f(moved))
        moved[i] = x[i]
        gradient[i] = (above - below) / (2 * h)
    return gradient
    ### END SOLUTION


# %% [markdown]
# ## 5 A check that cannot be fooled (6 points)
#
# Now the check itself: `gradient_is_right(forward, backward, x, rng)`, where `forward(x)` returns `y, cache` and
# `backward(dy, cache)` returns `dx`. It says `True` or `False`.
#
# Yours is tried on gradients that are right, and on some that are wrong in ways that have fooled checks before:
#
# - one ignores `dy` and is right if `dy` happens to be all ones;
# - one is right in most of its elements, and one has a NaN in it (is NaN larger than a tolerance? Python says no);
# - one has another shape, or is all zeros;
# - one is off by a factor of 1.01;
# - and one is right, but tiny, or huge: an absolute tolerance alone accepts everything tiny, and rejects what is
#   large and right.
#
# So: a random `dy` from `rng`; every element; and a tolerance that grows with the gradient.

# %% question="check"
def gradient_is_right(forward, backward, x, rng):
    """Does backward give the slopes of forward at x?"""
    ### BEGIN SOLUTION
    y, cache = forward(x)
    dy = rng.standard_normal(y.shape)
    found, measured = np.asarray(backward(dy, cache)), np.zeros_like(x)
    for i in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[i] = 1e-5
        measured[i] = np.sum(dy * (forward(x + step)[0] - forward(x - step)[0])) / 2e-5
    if found.shape != measured.shape:
        return False
    return bool(np.all(np.abs(found - measured) <= 1e-5 * np.max(np.abs(measured))))
    ### END SOLUTION


# %% [markdown]
# ## Your engine learns
#
# Two spirals, one of each class, and a network of two hidden layers whose every weight is one of your `Value`s: 177
# of them, and tens of thousands of operations in each step. It takes half a minute, and ends in a picture. (This is
# why frameworks compute with whole arrays.)

# %%
import matplotlib.pyplot as plt

rng = np.random.default_rng(0)
t = np.linspace(0.25, 1, 30)
spiral = np.stack([t * np.cos(6 * t), t * np.sin(6 * t)], axis=1)
points, labels = np.concatenate([spiral, -spiral]), np.repeat([1, -1], 30)


def layer(inputs, outputs):
    drawn = rng.standard_normal((outputs, inputs + 1)) * (2 / inputs) ** 0.5
    return [[Value(float(v)) for v in row] for row in drawn]


def output(layers, numbers):
    for depth, rows in enumerate(layers):
        sums = [sum((w * n for w, n in zip(row[1:], numbers, strict=True)), row[0]) for row in rows]
        numbers = sums if depth == len(layers) - 1 else [s.relu() for s in sums]
    return numbers[0]


try:
    layers = [layer(2, 12), layer(12, 10), layer(10, 1)]
    weights = [w for rows in layers for row in rows for w in row]
    velocity = [0.0] * len(weights)
    for step in range(60):
        pairs = zip(points.tolist(), labels.tolist(), strict=True)
        losses = [(1 + -label * output(layers, point)).relu() for point, label in pairs]
        loss = sum(losses, Value(0.0)) * (1 / len(losses))
        for w in weights:
            w.grad = 0.0
        loss.backward()
        for i, w in enumerate(weights):
            velocity[i] = 0.9 * velocity[i] - 0.1 * w.grad
            w.data += velocity[i]
        if step % 20 == 19:
            print(f"step {step + 1}: loss {loss.data:.3f}")
    grid = np.linspace(-1.2, 1.2, 25)
    scores = [[output(layers, [u, v]).data for u in grid] for v in grid]
    plt.contourf(grid, grid, scores, levels=[-99, 0, 99], alpha=0.3)
    plt.scatter(*points.T, c=labels)
    plt.show()
except NotImplementedError:
    print("not written yet")

# %% [markdown]
# You now have an engine that finds gradients, and a check that tells right ones from wrong ones. In assignment 2 the
# operation is a convolution, its backward has more indices, and the same check says whether it is right.
