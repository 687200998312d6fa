"""What must hold in assignment 1."""

import numpy as np

from minicnn.course.gradients import check_pair, two
from minicnn.course.questions import Question, equal, holds


# 1

engine = Question("engine", asks=("Value",), objects=True)


def gradients(student, expression, *numbers):
    """The value of an expression of Values, and the gradients of those after backward."""
    values = [student.Value(float(number)) for number in numbers]
    result = expression(*values)
    result.backward()
    return [result.data, *(value.grad for value in values)]


@engine.check("a sum", points=1)
def _(student, rng):
    a, b = rng.standard_normal(2)
    equal(np.array(gradients(student, lambda x, y: x + y, a, b)), np.array([a + b, 1, 1]), "x + y and its two gradients")


@engine.check("a product", points=1)
def _(student, rng):
    a, b = rng.standard_normal(2)
    equal(np.array(gradients(student, lambda x, y: x * y, a, b)), np.array([a * b, b, a]), "x * y and its two gradients")


@engine.check("numbers on either side", points=1)
def _(student, rng):
    (a,) = rng.standard_normal(1)
    equal(np.array(gradients(student, lambda x: 3 * x * 2 + 1 + (5 + x), a)), np.array([7 * a + 6, 7]), "3 * x * 2 + 1 + (5 + x) and its gradient")


@engine.check("ReLU, on both sides of 0", points=1)
def _(student, rng):
    a = abs(rng.standard_normal()) + 0.1
    for number in (a, -a):
        equal(np.array(gradients(student, lambda x: x.relu() * 3, number)), np.array([3 * max(number, 0), 3 * (number > 0)]), f"3 relu({number:.3g}) and its gradient")


@engine.check("a value that is used twice", points=2)
def _(student, rng):
    a, b = rng.standard_normal(2)
    right = np.array([a * a + a * b + b, 2 * a + b, a + 1])
    equal(np.array(gradients(student, lambda x, y: x * x + x * y + y, a, b)), right, "x x + x y + y and its two gradients", hint="does each use add to the gradient?")


@engine.check("the order: a value sends on what it has got from everywhere", points=1)
def _(student, rng):
    a, b = rng.standard_normal(2)

    def expression(x, y):
        u = x * y
        v = u + x
        return v * u + u

    u = a * b
    right = np.array([(u + a) * u + u, b * (2 * u + a + 1) + u, a * (2 * u + a + 1)])
    equal(np.array(gradients(student, expression, a, b)), right, "v u + u with u = x y and v = u + x, and the two gradients", hint="a value must have got all of its gradient before it sends it on")


@engine.check("a graph that is deep", points=1)
def _(student, rng):
    x = student.Value(1.0)
    y = x
    for _ in range(3000):
        y = y + x
    y.backward()
    equal(x.grad, 3001.0, "the gradient of a sum of 3001 times x", hint="a function that calls itself goes only so deep")


# 2

broadcast = Question("broadcast", asks=("unbroadcast",))


def check_unbroadcast(student, rng, shape, result):
    """Against the definition: the sum over everything that NumPy has made of each element."""
    dy, numbers = rng.standard_normal(result), np.arange(np.prod(shape, dtype=int)).reshape(shape)
    right = np.bincount(np.broadcast_to(numbers, result).ravel(), dy.ravel(), numbers.size).reshape(shape)
    equal(student.unbroadcast(dy, shape), right, f"unbroadcast(dy, {shape}) of a dy of shape {result}")


@broadcast.check("nothing was repeated", points=1)
def _(student, rng):
    check_unbroadcast(student, rng, (2, 3), (2, 3))


@broadcast.check("axes in front", points=1)
def _(student, rng):
    for shape, result in (((3,), (5, 3)), ((3, 2), (4, 5, 3, 2)), ((), (2, 3))):
        check_unbroadcast(student, rng, shape, result)


@broadcast.check("axes of length 1", points=2)
def _(student, rng):
    for shape, result in (((5, 1), (5, 3)), ((1, 3), (4, 5, 3)), ((2, 1, 1), (2, 3, 4)), ((1, 1), (1, 3))):
        check_unbroadcast(student, rng, shape, result)


# 3

linear = Question("linear", asks=("linear_forward", "linear_backward"))


@linear.check("forward", points=1)
def _(student, rng):
    x, w, b = rng.standard_normal((4, 3)), rng.standard_normal((5, 3)), rng.standard_normal(5)
    equal(two(student.linear_forward(x, w, b))[0], x @ w.T + b, "linear_forward(x, w, b)[0]")


@linear.check("backward", points=4)
def _(student, rng):
    inputs = {"x": rng.standard_normal((4, 3)), "w": rng.standard_normal((5, 3)), "b": rng.standard_normal(5)}
    check_pair(student.linear_forward, student.linear_backward, inputs, rng, right=lambda x, w, b: x @ w.T + b)


# 4

FUNCTIONS = """
def square(x):
    return x**2

def sums(x):
    return np.stack([x.sum(axis=0), (x**3).sum(axis=0)])

def cube(x):
    return x**3

def neighbours(x):
    return x[:-1] * x[1:]
"""
slopes = Question("slopes", asks=("measured_gradient",), given=FUNCTIONS)


@slopes.check("of squares", points=1)
def _(student, rng):
    x, dy = rng.standard_normal((2, 3)), rng.standard_normal((2, 3))
    equal(student.measured_gradient(student.square, x, dy), 2 * x * dy, "measured_gradient(square, x, dy)", rtol=1e-6, atol=1e-8)


@slopes.check("of a function whose result has another shape", points=1)
def _(student, rng):
    x, dy = rng.standard_normal((2, 3)), rng.standard_normal((2, 3))
    equal(student.measured_gradient(student.sums, x, dy), dy[0] + 3 * x**2 * dy[1], "measured_gradient(sums, x, dy)", rtol=1e-6, atol=1e-8)


@slopes.check("one element at a time", points=1)
def _(student, rng):
    x, dy = rng.uniform(1, 2, 5), rng.uniform(1, 2, 4)
    right = np.zeros(5)
    right[:-1] += dy * x[1:]
    right[1:] += dy * x[:-1]
    equal(student.measured_gradient(student.neighbours, x, dy), right, "measured_gradient(neighbours, x, dy)", rtol=1e-7, hint="is an element back where it was before the next one moves?")


@slopes.check("steps on both sides", points=2)
def _(student, rng):
    x, dy = rng.uniform(1, 2, 4), rng.uniform(1, 2, 4)
    right = dy * (3 * x**2 + 0.1**2)
    hint = "with h = 0.1 the difference on both sides is exactly 3 x^2 + h^2; on one side, 3 x^2 + 3 x h + h^2"
    equal(student.measured_gradient(student.cube, x, dy, 0.1), right, "measured_gradient(cube, x, dy, h=0.1)", rtol=1e-6, hint=hint)


# 5

PAIRS = """
def make(size, factors, share, shape):
    def forward(x):
        return size * x[:-1] * x[1:], x

    def backward(dy, x):
        dy = share * dy + (1 - share)
        dx = np.zeros_like(x)
        dx[:-1] += size * dy * x[1:]
        dx[1:] += size * dy * x[:-1]
        dx = dx * factors
        return dx.sum() if shape == "sum" else dx[..., None] if shape == "longer" else dx

    return forward, backward

def generator(seed):
    return np.random.default_rng(seed)
"""
check = Question("check", asks=("gradient_is_right",), given=PAIRS)


def says(student, rng, *, size=1.0, factors=1.0, share=1.0, shape=""):
    """The verdict of the student's check on y = size x[:-1] x[1:], whose gradient is multiplied by `factors`; of dy only a `share` is looked at, the rest is taken for ones."""
    x = rng.uniform(1, 2, (4, 3))
    forward, backward = student.make(size, np.broadcast_to(factors, x.shape).copy(), share, shape)
    return student.gradient_is_right(forward, backward, x, student.generator(int(rng.integers(2**31))))


@check.check("accepts what is right", points=1)
def _(student, rng):
    for _ in range(3):
        holds(says(student, rng) is True, "a right gradient is rejected (or the answer is neither True nor False)")
    holds(says(student, rng, factors=-1.0) is False, "a gradient with the wrong sign is accepted")


@check.check("a gradient that ignores dy", points=1)
def _(student, rng):
    holds(says(student, rng, share=0.0) is False, "a gradient that is right only where dy is all ones is accepted")
    holds(says(student, rng) is True, "a right gradient is rejected")


@check.check("one wrong element, zeros, other shapes", points=2)
def _(student, rng):
    one = np.ones((4, 3))
    one[tuple(rng.integers([4, 3]))] = 1.5
    holds(says(student, rng, factors=one) is False, "a gradient with one wrong element is accepted")
    holds(says(student, rng, factors=0.0) is False, "a gradient of zeros is accepted")
    for shape, sentence in (("longer", "of another shape"), ("sum", "that is a single number")):
        holds(says(student, rng, shape=shape) is False, f"a gradient {sentence} is accepted")
    holds(says(student, rng) is True, "a right gradient is rejected")


@check.check("a factor, in tiny and in huge gradients", points=2)
def _(student, rng):
    for size, name in ((1.0, ""), (1e-9, "tiny "), (1e9, "huge ")):
        holds(says(student, rng, size=size, factors=1.01) is False, f"a {name}gradient that is off by a factor of 1.01 is accepted")
        holds(says(student, rng, size=size) is True, f"a right {name}gradient is rejected")
