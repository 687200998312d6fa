"""The linear layer on a CPU: the very functions of `array/linear.py`.

The layer is one matrix product, and NumPy hands it to a BLAS that already uses every processor. Spreading the rows of
W over threads of our own was measured and brought nothing: the same time on VGG's 25088 x 4096, more on small layers.
"""

from minicnn.kernels.array.linear import linear_backward, linear_forward

__all__ = ["linear_backward", "linear_forward"]
