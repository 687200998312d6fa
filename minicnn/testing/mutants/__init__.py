"""Planted mistakes: operations that are wrong in one classic way each, to prove that the checks notice every one.

One family a file. `python -m minicnn.testing.mutants > docs/mutants.md` writes the table of what noticed what.
"""

from minicnn.testing.mutants import (
    activation,
    arithmetic,
    batch_norm,
    conv,
    dropout,
    linear,
    loss,
    norm,
    pool,
    reduction,
    shape,
)
from minicnn.testing.mutants.mutant import MUTANTS, Kill, Mutant, run

__all__ = [
    "MUTANTS", "Kill", "Mutant", "run",
    "activation", "arithmetic", "batch_norm", "conv", "dropout", "linear", "loss", "norm", "pool", "reduction", "shape",
]  # fmt: skip
