"""A new assignment, to begin with: one question that works, to be replaced."""

from __future__ import annotations

import re
from pathlib import Path

from minicnn.course.assignment import CHECKS, MUTANTS
from minicnn.errors import ArgumentError

SOURCE = '''# ---
# jupyter:
#   jupytext: {{text_representation: {{extension: .py, format_name: percent}}}}
#   kernelspec: {{display_name: Python 3 (ipykernel), language: python, name: python3}}
# ---

# %% [markdown]
# # {title}
#
# What this is about, in a few sentences. Write where it says `YOUR CODE HERE`, run the cell,
# and then the cell under it, which checks what you have run.

# %% tags=["provided"]
import numpy as np

# %% [markdown]
# ## 1 A first question (3 points)
#
# The idea, the formula, and what is to be returned.

# %% question="square"
def square_forward(x):
    """y = x squared, and what backward needs."""
    ### BEGIN SOLUTION
    return x**2, x
    ### END SOLUTION


def square_backward(dy, cache):
    """dx."""
    ### BEGIN SOLUTION
    return 2 * cache * dy
    ### END SOLUTION


# %% [markdown]
# ## What it is good for
#
# A cell to be run and looked at.

# %%
try:
    print(square_forward(np.arange(4.0))[0])
except NotImplementedError:
    print("not written yet")
'''
QUESTIONS = '''"""What must hold in {title}."""

from minicnn.course.gradients import check_pair, two
from minicnn.course.questions import Question, equal

square = Question("square", asks=("square_forward", "square_backward"))


@square.check("forward", points=1)
def _(student, rng):
    x = rng.standard_normal((2, 3))
    equal(two(student.square_forward(x))[0], x**2, "square_forward(x)[0]")


@square.check("backward", points=2)
def _(student, rng):
    check_pair(student.square_forward, student.square_backward, {{"x": rng.standard_normal((2, 3))}}, rng)
'''
WRONG = """# Wrong answers, and the question that must notice each: `minicnn course check {name}` hands them in.

[[mutant]]
name = "the factor of 2 is forgotten"
question = "square"
old = "2 * cache * dy"
new = "cache * dy"

[[mutant]]
name = "the gradient from above is forgotten"
question = "square"
old = "2 * cache * dy"
new = "2 * cache"
"""


def new_assignment(folder: Path, title: str) -> list[Path]:
    """Write the three files of an assignment into a folder, which is made. Returns them.

    Raises:
        ArgumentError: the folder is there already, or its name is not that of a Python file.
    """
    name = folder.name
    if not re.fullmatch(r"[A-Za-z]\w*", name):
        raise ArgumentError(f"an assignment's name becomes that of a Python file: letters, digits and _, not {name!r}")
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise ArgumentError(f"{folder} is there already, and nothing is overwritten: choose another name") from None
    except OSError as error:
        raise ArgumentError(f"{folder} cannot be made: {error.strerror}") from None
    files = {f"{name}.py": SOURCE, CHECKS: QUESTIONS, MUTANTS: WRONG}
    for file, text in files.items():
        (folder / file).write_text(text.format(name=name, title=title), encoding="utf-8")
    return [folder / file for file in files]
