"""How fast is it, how much memory does it need, and how does it stand beside PyTorch? `minicnn bench` on the command line.

    workload    what is measured          turns       how time is measured
    contender   minicnn on a backend      memory      how memory is measured
    rival       PyTorch                   result      medians and ratios
    session     a whole benchmark         report      its table
    elsewhere   whether others disturb

`rival` repeats in PyTorch what `recording` has written down of a network, with the `counterparts` of its operations.
"""

from minicnn.bench.contender import Contender, minicnn_contender
from minicnn.bench.result import Measurement, Report, Row, Spread
from minicnn.bench.rival import torch_contenders
from minicnn.bench.session import run
from minicnn.bench.workload import STANDARD, Workload

__all__ = [
    "Contender",
    "Measurement",
    "Report",
    "Row",
    "STANDARD",
    "Spread",
    "Workload",
    "minicnn_contender",
    "run",
    "torch_contenders",
]
