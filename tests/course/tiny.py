"""The smallest assignment: two questions."""

import json
import textwrap

SOURCE = '''
# %% [markdown]
# # Doubles and sums
# Write two functions.

# %% tags=["provided"]
import numpy as np

# %% question="double"
def double(x):
    """2 x."""
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION

# %%
print("here one looks")

# %% question="total"
def total(x):
    """The sum of double(x)."""
    ### BEGIN SOLUTION
    return double(x).sum()
    ### END SOLUTION
'''
CHECKS = """
from minicnn.course.questions import Question, equal
from minicnn.course.sandbox.student import Limits

SOON = Limits(seconds=10, memory=2**29)
one = Question("double", asks=("double",), limits=SOON)

@one.check("of numbers", points=1)
def _(student, rng):
    x = rng.standard_normal(4)
    equal(student.double(x), 2 * x, "double(x)")

@one.check("of a matrix", points=2)
def _(student, rng):
    x = rng.standard_normal((2, 3))
    equal(student.double(x), 2 * x, "double(x)")

two = Question("total", asks=("total",), given="def double(x):\\n    return 2 * x", limits=SOON)

@two.check("the sum", points=1)
def _(student, rng):
    x = rng.standard_normal(5)
    equal(student.total(x), 2 * x.sum(), "total(x)")
"""
MUTANTS = """
[[mutant]]
name = "thrice"
question = "double"
old = "2 * x"
new = "3 * x"

[[mutant]]
name = "the mean"
question = "total"
old = ".sum()"
new = ".mean()"
"""


def write(folder, source=SOURCE, checks=CHECKS, mutants=MUTANTS):
    """The assignment as a folder called `tiny` in `folder`."""
    tiny = folder / "tiny"
    tiny.mkdir(parents=True, exist_ok=True)
    for name, text in (("tiny.py", source), ("checks.py", checks), ("mutants.toml", mutants)):
        (tiny / name).write_text(text)
    return tiny


def notebook(*cells, kind="code"):
    """A notebook with such cells, as text."""
    return json.dumps({"cells": [{"cell_type": kind, "metadata": {}, "source": textwrap.dedent(cell)} for cell in cells], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


DOUBLE = "def double(x):\n    return 2 * x"
TOTAL = "def total(x):\n    return double(x).sum()"
