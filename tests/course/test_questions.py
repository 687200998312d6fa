"""What checks are made of."""

import os
import threading
import time

import numpy as np
import pytest

from minicnn.course.questions import WrongAnswer, equal, holds, load_questions, raises
from minicnn.course.sandbox.deadline import Deadline
from minicnn.course.sandbox.student import StudentError
from minicnn.errors import ArgumentError
from tests.course import tiny


@pytest.mark.parametrize(("found", "right", "said"), [
    (np.ones((2, 3)), np.ones((3, 2)), r"has shape \(2, 3\), and should have \(3, 2\)"), (np.ones(3), 1.0, "has shape"), (1.0, np.ones(1), "has shape"), (None, 1.0, "is None: is a return missing"),
    ([1.0], np.ones(1), "must be an array of shape .* and is a list"), ("1", 1, "must be a number, and is a str"), (np.array([1, 2.5]), np.array([1.0, 2]), r"\[1\] is 2.5, and should be 2 \(1 of 2"),
    (np.array([np.nan]), np.ones(1), "is nan"), (np.inf, 1.0, "is inf"), (1.0 + 1e-6, 1.0, "is 1, and should be 1; hm"),
])  # fmt: skip
def test_what_is_not_equal(found, right, said):
    with pytest.raises(WrongAnswer, match=f"^x.*{said}"):
        equal(found, right, "x", hint="hm")


def test_what_is():
    equal(np.float32(2), 2.0, "x")
    equal(3, np.int64(3), "x")
    equal(np.arange(3), np.arange(3.0), "x")


@pytest.mark.parametrize("condition", [False, np.False_, 1, "yes", None, [1], np.ones(2)], ids=range(7))
def test_only_true_holds(condition):
    holds(True, "x")
    holds(np.True_, "x")
    with pytest.raises(WrongAnswer, match="it does not"):
        holds(condition, "it does not")


def test_an_exception_that_must_come():
    def call(kind):
        raise StudentError("x", kind)

    raises(lambda: call("ValueError"), "ValueError", "none")
    with pytest.raises(WrongAnswer, match="none"):
        raises(lambda: None, "ValueError", "none")
    with pytest.raises(StudentError):
        raises(lambda: call("KeyError"), "ValueError", "none")


@pytest.mark.parametrize("name", ["close", "ask", "_hidden", "printed"])
def test_names_that_checks_cannot_call(tmp_path, name):
    folder = tiny.write(tmp_path, checks=tiny.CHECKS.replace('asks=("double",)', f'asks=("{name}",)'))
    with pytest.raises(ArgumentError, match=f"asks for {name}, which checks cannot call"):
        load_questions(folder / "checks.py")


def test_a_pipe_to_which_nobody_writes():
    read, write = os.pipe()
    with os.fdopen(read, "rb") as pipe, os.fdopen(write, "wb", buffering=0) as end:
        deadline = Deadline(pipe)
        end.write(b"ab")
        assert deadline.read(10) == b"ab"
        deadline.allow(0.2)
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            deadline.read(10)
        assert time.monotonic() - start > 0.15
        threading.Timer(0.1, lambda: (deadline.allow(30), time.sleep(0.3), end.write(b"c"))).start()
        deadline.allow(0.3)
        assert deadline.read(10) == b"c"  # more time was given meanwhile
