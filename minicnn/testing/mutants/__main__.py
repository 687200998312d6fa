"""Prints the page of kills."""

import sys

from minicnn.testing.mutants import MUTANTS, run
from minicnn.testing.mutants.page import page

sys.stdout.write(page(run(mutant) for mutant in MUTANTS))
