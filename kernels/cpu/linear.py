"""The linear layer on a CPU: the very functions of `array/linear.py`.

The layer is one matrix product, and NumPy hands it to a BLAS that already uses every processor. Spreading the rows of
W over threads of our own brought nothing: the same time with W (4096, 6272), twice the time with W (120, 400).
"""

from minicnn.kernels.array.linear import linear_backward, linear_forward

__all__ = ["linear_backward", "linear_forward"]
