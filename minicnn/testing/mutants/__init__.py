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
    roi,
    shape,
)
from minicnn.testing.mutants.mutant import Kill, Mutant, check, run

FAMILIES = (activation, arithmetic, batch_norm, conv, dropout, linear, loss, norm, pool, reduction, roi, shape)
MUTANTS: list[Mutant] = [mutant for family in FAMILIES for mutant in family.MUTANTS]

__all__ = ["FAMILIES", "MUTANTS", "Kill", "Mutant", "check", "run"]
