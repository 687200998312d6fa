"""Cases for every operation: what to check it on. One family a file, named as the operation's own file."""

from minicnn.testing.cases import conv
from minicnn.testing.cases.case import CASES, Case, case, kernel_case

__all__ = ["CASES", "Case", "case", "kernel_case", "conv"]
