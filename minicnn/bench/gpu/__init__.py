"""Benchmarks on a GPU: `minicnn bench --backend cupy --against torch`.

    rows        what is measured: a network, a batch, a mode, and a precision
    entrant     who takes part, and the device seen through its library
    own         minicnn, called operation by operation and as a recorded graph
    rival       PyTorch, likewise, in both memory layouts
    device      events, memory and graphs of CuPy and PyTorch
    contest     one row: heats and finals
    session     many rows, and what the figures depend on
    report      the table
    convs       each convolution of a network beside cuDNN's and the limits of the GPU
    peaks       those limits

Why it is another procedure than on a CPU. A GPU works while Python is already far ahead, so that time is taken there, by events. And two networks with
their activations often do not fit beside each other. So everybody first has a *heat* alone: its numbers are compared with PyTorch's, its memory is read
from its allocator, and its time is measured. Then the best of each side meet in a *final*, in turns, in which the ratio is measured.
"""

from minicnn.bench.gpu.contest import Final, Heat, Result
from minicnn.bench.gpu.entrant import Entrant, Running
from minicnn.bench.gpu.rows import PRECISIONS, STANDARD, GpuRow
from minicnn.bench.gpu.session import Session, entrants, machine

__all__ = ["Entrant", "Final", "GpuRow", "Heat", "PRECISIONS", "Result", "Running", "STANDARD", "Session", "entrants", "machine"]
