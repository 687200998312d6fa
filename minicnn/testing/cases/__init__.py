"""Cases for every operation: what to check it on. One family a file, named as the operation's own file."""

from minicnn.testing.cases import activation, adaptive_pool, conv, dropout, linear, loss, pool, softmax
from minicnn.testing.cases.case import CASES, Case, case, kernel_case

__all__ = [
    "CASES",
    "Case",
    "case",
    "kernel_case",
    "conv",
    "adaptive_pool",
    "pool",
    "linear",
    "activation",
    "softmax",
    "dropout",
    "loss",
]
