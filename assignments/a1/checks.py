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

    def expression(x, y):
        both = x + y
        return both + (x + both)

    equal(np.array(gradients(student, expression, a, b)), np.array([3 * a + 2 * b, 3, 2]), "s + (x + s) with s = x + y, and its two gradients")


@engine.check("a product", points=1)
def _(student, rng):
    a, b, c = rng.standard_normal(3)
    right = np.array([a * b * c, b * c, a * c, a * b])
    for expression, what in ((lambda x, y, z: (x * y) * z, "(x * y) * z"), (lambda x, y, z: x * (y * z), "x * (y * z)")):
        equal(np.array(gradients(student, expression, a, b, c)), right, f"{what} and its three gradients", hint="both factors are parents")


@engine.check("numbers on either side", points=1)
def _(student, rng):
    a, k, l, m, n = rng.standard_normal(5).tolist()
    right = np.array([k * a * l + m + (n + a), k * l + 1])
    equal(np.array(gradients(student, lambda x: k * x * l + m + (n + x), a)), right, f"{k:.3g} * x * {l:.3g} + {m:.3g} + ({n:.3g} + x) and its gradient")


@engine.check("ReLU, on both sides of 0", points=1)
def _(student, rng):
    a, b, k = rng.uniform(0.1, 2, 3).tolist()
    for sign in (1, -1):
        right = np.array([k * max(sign * a * b, 0), k * b * sign * (sign > 0), k * a * (sign > 0)])
        equal(np.array(gradients(student, lambda x, y: (x * y).relu() * k, sign * a, b)), right, f"{k:.3g} relu(x y) and its gradients, x y = {sign * a * b:.3g}")


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
    count = int(rng.integers(2500, 3500))
    x = student.Value(float(rng.standard_normal()))
    y = x
    for _ in range(count - 1):
        y = y + x
    y.backward()
    equal(x.grad, float(count), f"the gradient of a sum of {count} times x", hint="a function that calls itself goes only so deep")


# 2

broadcast = Question("broadcast", asks=("unbroadcast",))


def check_unbroadcast(student, rng, shape, result):
    """Against the definition: the sum over everything that NumPy has made of each element."""
    dy, numbers = rng.standard_normal(result), np.arange(np.prod(shape, dtype=int)).reshape(shape)
    right = np.bincount(np.broadcast_to(numbers, result).ravel(), dy.ravel(), numbers.size).reshape(shape)
    equal(student.unbroadcast(dy, shape), right, f"unbroadcast(dy, {shape}) of a dy of shape {result}")


def sizes(rng, count):
    """So many, all different."""
    return tuple((2 + rng.permutation(count)).tolist())


@broadcast.check("nothing was repeated, or a single number", points=1)
def _(student, rng):
    shape = sizes(rng, 3)
    check_unbroadcast(student, rng, shape, shape)
    check_unbroadcast(student, rng, (), shape)


@broadcast.check("axes in front", points=1)
def _(student, rng):
    result = sizes(rng, 4)
    for missing in (1, 2, 3):
        check_unbroadcast(student, rng, result[missing:], result)


@broadcast.check("axes of length 1", points=2)
def _(student, rng):
    result = sizes(rng, 4)
    for ones in (1, 2, 3, 4):
        where = rng.permutation(4)[:ones]
        shape = tuple(1 if axis in where else size for axis, size in enumerate(result))
        check_unbroadcast(student, rng, shape, result)
    check_unbroadcast(student, rng, (1, *result[2:]), result)  # an axis in front as well
    check_unbroadcast(student, rng, (1, 1), (1, result[0]))


# 3

linear = Question("linear", asks=("linear_forward", "linear_backward"))


@linear.check("forward", points=1)
def _(student, rng):
    N, C, O = sizes(rng, 3)
    x, w, b = rng.standard_normal((N, C)), rng.standard_normal((O, C)), rng.standard_normal(O)
    equal(two(student.linear_forward(x, w, b))[0], x @ w.T + b, "linear_forward(x, w, b)[0]")


@linear.check("backward", points=4)
def _(student, rng):
    images, C, O = sizes(rng, 3)
    for N in (images, 1):
        inputs = {"x": rng.standard_normal((N, C)), "w": rng.standard_normal((O, C)), "b": rng.standard_normal(O)}
        check_pair(student.linear_forward, student.linear_backward, inputs, rng, right=lambda x, w, b: x @ w.T + b)


# 4

FUNCTIONS = """
def power(a, n):
    return lambda x: a * x**n

def sums(a):
    return lambda x: np.stack([x.sum(axis=0), (a * x**3).sum(axis=0)])

def neighbours(a):
    return lambda x: a * x[:-1] * x[1:]
"""
slopes = Question("slopes", asks=("measured_gradient",), given=FUNCTIONS)


@slopes.check("of squares, for arrays of every shape", points=1)
def _(student, rng):
    for axes in (2, 0, 3, 1):
        a, shape = float(rng.uniform(1, 3)), sizes(rng, axes)
        x, dy = rng.standard_normal(shape), rng.standard_normal(shape)
        found = student.measured_gradient(student.power(a, 2), x, dy)
        equal(found, 2 * a * x * dy, f"measured_gradient(f, x, dy) with f(x) = {a:.3g} x^2, x of shape {shape}", rtol=1e-6, atol=1e-8)


@slopes.check("of a function whose result has another shape", points=1)
def _(student, rng):
    a, shape = float(rng.uniform(1, 3)), sizes(rng, 2)
    x, dy = rng.standard_normal(shape), rng.standard_normal((2, shape[1]))
    found = student.measured_gradient(student.sums(a), x, dy)
    equal(found, dy[0] + 3 * a * x**2 * dy[1], "measured_gradient(f, x, dy) for the sums of the columns and of their cubes", rtol=1e-6, atol=1e-8)


@slopes.check("one element at a time", points=1)
def _(student, rng):
    a, n = float(rng.uniform(1, 3)), int(rng.integers(4, 8))
    x, dy = rng.uniform(1, 2, n), rng.uniform(1, 2, n - 1)
    right = np.zeros(n)
    right[:-1] += a * dy * x[1:]
    right[1:] += a * dy * x[:-1]
    what = "measured_gradient(f, x, dy) for the products of neighbours"
    equal(student.measured_gradient(student.neighbours(a), x, dy), right, what, rtol=1e-7, hint="is an element back where it was before the next one moves?")


@slopes.check("steps on both sides", points=2)
def _(student, rng):
    a, h = float(rng.uniform(1, 3)), float(rng.uniform(0.1, 0.2))
    x, dy = rng.uniform(1, 2, 4), rng.uniform(1, 2, 4)
    right = a * dy * (3 * x**2 + h**2)
    hint = "for x^3 the difference on both sides is exactly 3 x^2 + h^2; on one side, 3 x^2 + 3 x h + h^2"
    equal(student.measured_gradient(student.power(a, 3), x, dy, h), right, f"measured_gradient(f, x, dy, h={h:.3g}) with f(x) = {a:.3g} x^3", rtol=1e-6, hint=hint)


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
    x = rng.uniform(1, 2, sizes(rng, 2))
    forward, backward = student.make(size, factors(x.shape) if callable(factors) else factors, share, shape)
    verdict = student.gradient_is_right(forward, backward, x, student.generator(int(rng.integers(2**31))))
    holds(isinstance(verdict, (bool, np.bool_)), f"gradient_is_right must return True or False, and returns a {type(verdict).__name__}")
    return bool(verdict)


def judges(student, rng, wrong, right=({},)):
    """Gradients that are wrong, by name, and some that are right, as often and in an order that nobody knows before."""
    cases = [(name, case) for name, case in wrong.items()]
    cases += [("", right[int(rng.integers(len(right)))]) for _ in range(len(cases) + int(rng.integers(3)))]
    for i in rng.permutation(len(cases)):
        name, case = cases[i]
        verdict = says(student, rng, **case)
        holds(verdict is not bool(name), f"a gradient {name} is accepted" if name else f"a right gradient is rejected{' (it is tiny or huge)' if case else ''}")


def one_element(factor, rng):
    """Ones, and in one place another factor."""

    def factors(shape):
        found = np.ones(shape)
        found[tuple(rng.integers(shape))] = factor
        return found

    return factors


@check.check("accepts what is right", points=1)
def _(student, rng):
    judges(student, rng, {"with the wrong sign": {"factors": -1.0}, "that is ten times as large": {"factors": 10.0}, "of half the size": {"factors": 0.5}})


@check.check("a gradient that ignores dy", points=1)
def _(student, rng):
    judges(student, rng, {f"that is right only where dy is all ones (number {i})": {"share": 0.0} for i in (1, 2, 3)})


@check.check("one wrong element, zeros, other shapes", points=2)
def _(student, rng):
    wrong = {
        "with one wrong element": {"factors": one_element(3.0, rng)}, "with one element that is NaN": {"factors": one_element(float("nan"), rng)},
        "of zeros": {"factors": 0.0}, "of another shape": {"shape": "longer"}, "that is a single number": {"shape": "sum"},
    }  # fmt: skip
    judges(student, rng, wrong)


@check.check("a factor, in tiny and in huge gradients", points=2)
def _(student, rng):
    factor = float(rng.choice([0.99, 1.01]))
    wrong = {f"{name} that is off by a factor of {factor}": {"size": size, "factors": factor} for size, name in ((1.0, "of middle size"), (1e-9, "(tiny)"), (1e9, "(huge)"))}
    judges(student, rng, wrong, right=({"size": 1e-9}, {"size": 1e9}))
