"""The gradient check for pairs of functions of students."""

import numpy as np
import pytest

from minicnn.course.gradients import check_pair
from minicnn.course.questions import WrongAnswer
from minicnn.course.sandbox.student import Limits, Student

FORWARD = "def square_forward(x, w):\n    return w * x**2, (x, w)\n"


def tried(backward, forward=FORWARD, right=None):
    with Student([("cell", f"{forward}\ndef square_backward(dy, cache):\n    x, w = cache\n    {backward}")], file="a.ipynb", limits=Limits(seconds=30, memory=2**29)) as student:
        rng = np.random.default_rng(3)
        check_pair(student.square_forward, student.square_backward, {"x": rng.standard_normal((2, 3)), "w": rng.standard_normal((2, 3))}, rng, right=right)


def test_a_forward_that_answers_what_suits_its_backward():
    """Its slopes are 0, as it gives the first result again and again; they are not asked for where there is a right one."""
    forward = "first = []\ndef square_forward(x, w):\n    first.append(w * x**2)\n    return first[0], (x, w)\n"
    with pytest.raises(WrongAnswer, match=r"dx.*wrong in 6 of 6"):
        tried("return 0 * x, 0 * w", forward, right=lambda x, w: w * x**2)


def test_another_generator_brings_another_gradient_from_above():
    seen = []

    def backward(dy, cache):
        seen.append(dy.copy())
        return (dy,)

    for seed in (1, 2):
        check_pair(lambda x: (x, None), backward, {"x": np.ones(3)}, np.random.default_rng(seed))
    assert len({each.tobytes() for each in seen}) >= 2
    assert not np.array_equal(seen[0], seen[-1])


def test_a_right_pair():
    tried("return 2 * w * x * dy, x**2 * dy", right=lambda x, w: w * x**2)


@pytest.mark.parametrize(("backward", "said"), [
    ("pass", "^square_backward returns None: is a return missing"),
    ("return 2 * w * x * dy", "^square_backward must return 2 gradients, dx, dw, and returns 1$"),
    ("return 2 * w * x * dy, None", "^square_backward: dw must be an array, and is None$"),
    ("return 2 * w * x, x**2 * dy", r"^square_backward: dx\[.*analytic.*numeric[^;]*dx \(2, 3\) is wrong in 6 of 6 elements[^;]*right: dw[^;]*what your function returns; numeric: the slope that was measured\)$"),
    ("return dy", "^square_backward must return 2"),
    ("raise KeyError('x')", "^KeyError"),
])  # fmt: skip
def test_what_is_wrong_is_said_by_name(backward, said):
    with pytest.raises(Exception, match=f"(?s){said}") as error:
        tried(backward)
    assert type(error.value).__name__ in ("WrongAnswer", "StudentError")


@pytest.mark.parametrize(("forward", "said"), [
    ("def square_forward(x, w):\n    pass", r"^square_forward must return two things, `return y, cache`, and returns None: is a return missing\?$"),
    ("def square_forward(x, w):\n    return [1], 2", "^the first thing that square_forward returns must be an array, and is a list$"),
    ("def square_forward(x, w):\n    return x**2, (x, w)", "^what square_forward returns"),
])  # fmt: skip
def test_forward(forward, said):
    with pytest.raises(WrongAnswer, match=said):
        tried("return 2 * w * x * dy, x**2 * dy", forward, right=lambda x, w: w * x**2)
